package bench

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ipsec/golden/lab"
	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/klips/said"
)

// A transform is what an SA of KLIPS does.
type transform struct {
	esp       string
	enc, auth int // lengths of the keys in bytes
	encap     bool
}

// build builds the program once for a run of the benchmark.
func build(t testing.TB) string {
	t.Helper()
	if bin := os.Getenv("IPSEC_BENCH_BIN"); bin != "" {
		return bin
	}
	bin := filepath.Join(t.TempDir(), "ipsec")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, "ipsec/cmd/ipsec")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return bin
}

// key returns a key that protects nothing.
func key(n int, seed byte) string {
	var b strings.Builder
	b.WriteString("0x")
	for i := range n {
		fmt.Fprintf(&b, "%02x", byte(i)*3+seed)
	}
	return b.String()
}

// conf is ipsec.conf of both gateways: each finds out by its addresses which it is.
func (x transform) conf() string {
	var b strings.Builder
	fmt.Fprintf(&b, "version 2.0\n\nconfig setup\n\tinterfaces=\"ipsec0=wan\"\n\tpluto=no\n\toverridemtu=%d\n\tsyslog=daemon.notice\n", innerMTU)
	fmt.Fprintf(&b, "\nconn peer\n\tleft=%s\n\tleftsubnet=10.0.1.0/24\n\tright=%s\n\trightsubnet=10.0.2.0/24\n", westAddr, eastAddr)
	fmt.Fprintf(&b, "\tspi=0x200\n\tesp=%s\n\tespreplay_window=4096\n\tauto=manual\n", x.esp)
	for i, side := range []string{"left", "right"} {
		fmt.Fprintf(&b, "\t%sespenckey=%s\n", side, key(x.enc, byte(17+i)))
		if x.auth > 0 {
			fmt.Fprintf(&b, "\t%sespauthkey=%s\n", side, key(x.auth, byte(99+i)))
		}
	}
	if x.encap {
		b.WriteString("\tforceencaps=yes\n")
	}
	return b.String()
}

// newKLIPS returns a rig whose gateways run `ipsec setup start`.
func newKLIPS(t testing.TB, bin string, x transform) *rig {
	t.Helper()
	name := "KLIPS " + x.esp
	if x.encap {
		name += " in UDP"
	}
	r := newRig(t, name)
	for _, m := range []*lab.Machine{r.west, r.east} {
		if err := m.Do(func() error { return os.WriteFile("/etc/ipsec.conf", []byte(x.conf()), 0o600) }); err != nil {
			t.Fatal(err)
		}
		m.Run(t, bin, "setup", "start")
		t.Cleanup(func() { m.Run(t, bin, "setup", "stop") })
		var pid int
		err := m.Do(func() (err error) {
			text, err := os.ReadFile("/var/run/pluto/klips.pid")
			if err == nil {
				pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		prefer(pid)
		r.daemons = append(r.daemons, pid)
	}
	r.up(t)
	return r
}

// fill gives the western gateway n more eroutes, each with SAs of its own.
func (r *rig) fill(t testing.TB, n int) {
	t.Helper()
	err := r.west.Do(func() error {
		table, err := client.Dial("/var/run/pluto/klips.ctl")
		if err != nil {
			return err
		}
		defer table.Close()
		for i := range n {
			dst := netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)})
			esp := klips.SA{ID: said.SAID{Dst: dst, SPI: 0x3000, Proto: said.ESP}, Src: netip.MustParseAddr(westAddr), Enc: "aesgcm16", EncKey: make([]byte, 20)}
			tunnel := klips.SA{ID: said.SAID{Dst: dst, SPI: 0x3000, Proto: said.IPIP}, TunnelSrc: esp.Src, TunnelDst: dst}
			net := klips.Selector{Src: netip.MustParsePrefix("10.0.1.0/24"), Dst: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 64 + byte(i>>14), byte(i >> 6), byte(i << 2)}), 30)}
			if err := errors.Join(table.AddSA(tunnel), table.AddSA(esp), table.GroupSAs([]said.SAID{tunnel.ID, esp.ID}), table.AddEroute(klips.Eroute{Selector: net, SAID: tunnel.ID})); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
