package bench

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// wireguardVersion is the version of golang.zx2c4.com/wireguard that is measured.
const wireguardVersion = "v0.0.0-20260522210424-ecfc5a8d5446"

// buildWireGuard builds wireguard-go from its Go module.
func buildWireGuard(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"mod", "init", "peer"},
		{"get", "golang.zx2c4.com/wireguard@" + wireguardVersion},
		{"build", "-o", "wireguard-go", "golang.zx2c4.com/wireguard"},
	} {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
		if out, err := cmd.CombinedOutput(); err != nil {
			lab.Missing(t, "this needs wireguard-go: go %q: %v: %s", args, err, out)
		}
	}
	return filepath.Join(dir, "wireguard-go")
}

// newWireGuard returns a rig whose gateways run wireguard-go with its defaults.
func newWireGuard(t testing.TB, bin string) *rig {
	t.Helper()
	r := newRig(t, "wireguard-go")
	var keys [2]*ecdh.PrivateKey
	for i := range keys {
		var err error
		if keys[i], err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	for i, m := range []*lab.Machine{r.west, r.east} {
		r.daemons = append(r.daemons, r.start(t, m, bin, "-f", "wg0"))
		settings := fmt.Sprintf("set=1\nprivate_key=%s\nlisten_port=51820\npublic_key=%s\nendpoint=%s:51820\nallowed_ip=%s\n\n",
			hex.EncodeToString(keys[i].Bytes()), hex.EncodeToString(keys[1-i].PublicKey().Bytes()),
			[]string{eastAddr, westAddr}[i], []string{"10.0.2.0/24", "10.0.1.0/24"}[i])
		if err := m.Do(func() error { return configure("/var/run/wireguard/wg0.sock", settings) }); err != nil {
			t.Fatal(err)
		}
		m.Sh(t, fmt.Sprintf("ip link set wg0 mtu %d up; ip route add %s dev wg0", innerMTU, []string{"10.0.2.0/24", "10.0.1.0/24"}[i]))
	}
	r.up(t)
	return r
}

// configure speaks the protocol of WireGuard in user space.
func configure(socket, settings string) error {
	var conn net.Conn
	err := lab.Poll(5*time.Second, func() (err error) {
		conn, err = net.Dial("unix", socket)
		return err
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, settings); err != nil {
		return err
	}
	answer := make([]byte, 64)
	n, err := conn.Read(answer)
	if err == nil && string(answer[:n]) != "errno=0\n\n" {
		err = fmt.Errorf("wireguard-go says %q", answer[:n])
	}
	return err
}
