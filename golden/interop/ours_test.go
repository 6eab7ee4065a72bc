package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// The addresses of the laboratory: ours and the peer's outside, and one behind each.
const (
	ourAddr   = "192.0.2.1"
	peerAddr  = "192.0.2.2"
	ourHost   = "10.0.1.1"
	peerHost  = "10.0.2.1"
	ourAddr6  = "2001:db8:1::1"
	peerAddr6 = "2001:db8:1::2"
	ourHost6  = "2001:db8:a::1"
	peerHost6 = "2001:db8:b::1"
)

// newPair connects two machines, each with a host behind it, which is an
// address of its loopback.
func newPair(t testing.TB) (ours, peer *lab.Machine) {
	t.Helper()
	lab.NeedTUN(t)
	ours, peer = lab.New(t, "ours"), lab.New(t, "peer")
	lab.Connect(t, ours, "eth0", peer, "eth0")
	const lay = `
ip addr add $1/24 dev eth0
ip addr add $2/64 dev eth0 nodad
ip addr add $3/32 dev lo
ip addr add $4/128 dev lo nodad
ip route add default via $5
ip route add default via $6
`
	ours.Run(t, "/bin/sh", "-ec", lay, "lay", ourAddr, ourAddr6, ourHost, ourHost6, peerAddr, peerAddr6)
	peer.Run(t, "/bin/sh", "-ec", lay, "lay", peerAddr, peerAddr6, peerHost, peerHost6, ourAddr, ourAddr6)
	return ours, peer
}

// gateway is our side.
type gateway struct {
	*lab.Machine
	t testing.TB
}

// base is what every configuration of ours begins with.
const base = `
config setup
	interfaces="ipsec0=eth0"
	uniqueids=yes
	nat_traversal=yes

conn %default
	left=192.0.2.1
	right=192.0.2.2
	leftsubnet=10.0.1.1/32
	rightsubnet=10.0.2.1/32
	leftid=@ours.test
	rightid=@peer.test
	keyexchange=ikev2
	authby=secret

`

// startOurs starts the subsystem; it stops with the test.
func startOurs(t testing.TB, m *lab.Machine) *gateway {
	t.Helper()
	g := &gateway{m, t}
	g.files(map[string]string{"ipsec.conf": base})
	g.must("setup", "start")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("our status:\n%s", g.try("whack", "--status"))
		}
		g.try("setup", "stop")
	})
	return g
}

// files makes files below /etc.
func (g *gateway) files(files map[string]string) {
	g.t.Helper()
	err := g.Do(func() error {
		for name, text := range files {
			path := filepath.Join("/etc", name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
}

// ipsec runs our binary and returns what it printed.
func (g *gateway) ipsec(args ...string) (string, error) {
	cmd := exec.Command(bin+"/ipsec", args...)
	cmd.Env, cmd.Dir, cmd.WaitDelay = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, "/", 5*time.Second
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	err := g.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	return out.String(), err
}

// try is ipsec of a command that may fail.
func (g *gateway) try(args ...string) string {
	out, err := g.ipsec(args...)
	if err != nil {
		out += err.Error()
	}
	return out
}

// must is ipsec of a command that may not.
func (g *gateway) must(args ...string) string {
	g.t.Helper()
	out, err := g.ipsec(args...)
	if err != nil {
		g.t.Fatalf("ipsec %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// load makes conn, the keywords of the conn "t", its secrets and further files
// below ipsec.d our configuration.
func (g *gateway) load(t testing.TB, conn, secrets string, files map[string]string) {
	t.Helper()
	g.Do(func() error { return os.RemoveAll("/etc/ipsec.d") })
	all := map[string]string{"ipsec.conf": base + "conn t\n" + indent(conn), "ipsec.secrets": secrets}
	for name, text := range files {
		all["ipsec.d/"+name] = text
	}
	g.files(all)
	g.try("auto", "--delete", "t")
	if out, err := g.ipsec("auto", "--rereadall"); err != nil {
		t.Fatalf("ipsec auto --rereadall: %v\n%s", err, out)
	}
	if out, err := g.ipsec("auto", "--add", "t"); err != nil {
		t.Fatalf("ipsec auto --add t: %v\n%s", err, out)
	}
}

func indent(keywords string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(keywords)) {
		b.WriteString("\t" + strings.TrimSpace(line) + "\n")
	}
	return b.String()
}
