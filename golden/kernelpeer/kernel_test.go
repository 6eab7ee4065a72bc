package kernelpeer

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

const (
	tap  = "tap0"
	bulk = 1 << 20 // bytes each way
)

// pair is us and the guest.
type pair struct {
	*lab.Machine
	*guest
}

// Neighbours are told, so that those who ask for them do not run into policies.
const (
	ourNetwork = `
sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
ip tuntap add tap0 mode tap
ip -batch - <<-.
	link set tap0 address 02:00:00:00:00:01 up
	addr add 10.99.0.1/24 dev tap0
	addr add 2001:db8:99::1/64 dev tap0 nodad
	neigh replace 10.99.0.2 lladdr 02:00:00:00:00:02 dev tap0 nud permanent
	neigh replace 2001:db8:99::2 lladdr 02:00:00:00:00:02 dev tap0 nud permanent
	addr add 10.1.1.1/32 dev lo
	addr add 2001:db8:a::1/128 dev lo nodad
.
`
	theirNetwork = `
ip -batch - <<-.
	link set lo up
	link set vec0 address 02:00:00:00:00:02
	link set vec0 up
	addr add 10.99.0.2/24 dev vec0
	addr add 2001:db8:99::2/64 dev vec0 nodad
	neigh replace 10.99.0.1 lladdr 02:00:00:00:00:01 dev vec0 nud permanent
	neigh replace 2001:db8:99::1 lladdr 02:00:00:00:00:01 dev vec0 nud permanent
	addr add 10.1.2.1/32 dev lo
	addr add 2001:db8:b::1/128 dev lo nodad
	route add 10.1.1.0/24 via 10.99.0.1 src 10.1.2.1
	route add 2001:db8:a::/64 via 2001:db8:99::1 src 2001:db8:b::1
.
`
)

// newPair boots the guest, beside a machine of ours.
func newPair(t *testing.T) pair {
	t.Helper()
	lab.NeedTUN(t)
	for _, program := range []string{"ip", "ping", "modprobe"} {
		lab.NeedProgram(t, program)
	}
	needGuest(t)
	m := lab.New(t, "gw")
	m.Sh(t, ourNetwork)
	p := pair{Machine: m, guest: boot(t, m, tap)}
	p.guest.sh(t, theirNetwork)
	return p
}

// start brings a pairing up on both sides. It comes down with the test.
func (pr pair) start(t *testing.T, p pairing, setup, state string) {
	t.Helper()
	if err := pr.Do(func() error { return os.WriteFile("/etc/ipsec.conf", []byte(p.conf(setup)), 0o600) }); err != nil {
		t.Fatal(err)
	}
	pr.guest.sh(t, "ip -batch - <<-.\n"+p.xfrm(state)+".\n")
	t.Cleanup(func() {
		pr.Run(t, bin+"/ipsec", "setup", "stop")
		pr.guest.sh(t, "ip xfrm policy flush; ip xfrm state flush")
	})
	out := pr.Run(t, bin+"/ipsec", "setup", "start")
	if p.esn {
		out = pr.Run(t, "/bin/sh", "-ec", bin+`/ipsec manual --showonly --up peer | sed 's/ --\(esp\|ah\) / --esn&/' | sh`)
	}
	if table := pr.Run(t, bin+"/ipsec", "spi"); len(ourSAs(table)) != 2*len(p.protocols()) {
		t.Fatalf("these are the SAs:\n%s%s", out, table)
	}
}

func TestKernel(t *testing.T) {
	pr := newPair(t)
	for _, p := range matrix {
		t.Run(p.name, func(t *testing.T) {
			pr.start(t, p, "", "")
			pr.exchange(t, p)
		})
	}
}

// exchange sends traffic both ways, and compares what was counted.
func (pr pair) exchange(t *testing.T, p pairing) {
	t.Helper()
	before := xfrmStat(pr.guest.sh(t, "cat /proc/net/xfrm_stat"))
	ours, theirs := p.ends()
	// Each length of a block's padding.
	script := `ping -n -q -c 3 -i 0.01 -W 5 ` + theirs + `
for n in $(seq 0 15); do ping -n -q -c 1 -W 5 -s $n ` + theirs + `; done >&2`
	if out, err := pr.Try("/bin/sh", "-ec", script); err != nil {
		t.Errorf("from us to the kernel: %v\n%s", err, out)
	}
	if out, err := pr.guest.try("ping -n -q -c 3 -i 0.01 -W 5 " + ours); err != nil {
		t.Errorf("from the kernel to us: %v\n%s", err, out)
	}
	if p.pings != "" {
		if out, err := pr.Try("/bin/sh", "-ec", "ping -n -q -c 1 -W 5 "+p.pings+" "+theirs); err != nil {
			t.Errorf("from us to the kernel, with %s: %v\n%s", p.pings, err, out)
		}
		if out, err := pr.guest.try("ping -n -q -c 1 -W 5 " + p.pings + " " + ours); err != nil {
			t.Errorf("from the kernel to us, with %s: %v\n%s", p.pings, err, out)
		}
	}
	if !t.Failed() {
		pr.bulk(t, ours)
	}
	spi, state := pr.Run(t, bin+"/ipsec", "spi"), pr.guest.sh(t, "ip -s xfrm state")
	if err := sameCounts(p, ourSAs(spi), theirSAs(state), 22); err != nil {
		t.Error(err)
	}
	if errors := rise(before, xfrmStat(pr.guest.sh(t, "cat /proc/net/xfrm_stat"))); len(errors) > 0 {
		t.Errorf("the kernel counted errors: %v", errors)
	}
	if t.Failed() {
		t.Logf("ours:\n%s\nthe kernel's:\n%s", spi, state)
	}
}

// bulk moves bytes both ways over TCP, and compares digests.
func (pr pair) bulk(t *testing.T, ours string) {
	t.Helper()
	var listener net.Listener
	err := pr.Do(func() (err error) {
		listener, err = net.Listen("tcp", net.JoinHostPort(ours, "0"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, way := range []string{"put", "get"} {
		result := make(chan string, 1)
		go func() { result <- serve(listener, way) }()
		out, err := pr.guest.try(fmt.Sprintf("%s/agent %s %s %d", bin, way, listener.Addr(), bulk))
		if err != nil {
			t.Errorf("bulk %s: %v\n%s", way, err, out)
			return
		}
		if got := <-result; got != strings.TrimSpace(out) {
			t.Errorf("bulk %s: the digest is %s here and %s there", way, got, out)
		}
	}
}

// serve is the counterpart of "agent put" or "agent get": it returns the
// digest of what it received or sent, or an error in its place.
func serve(listener net.Listener, way string) string {
	listener.(*net.TCPListener).SetDeadline(time.Now().Add(30 * time.Second))
	conn, err := listener.Accept()
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	digest := sha256.New()
	if way == "put" {
		_, err = io.Copy(digest, conn)
	} else {
		_, err = io.Copy(io.MultiWriter(conn, digest), io.LimitReader(rand.NewChaCha8([32]byte{}), bulk))
	}
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", digest.Sum(nil))
}
