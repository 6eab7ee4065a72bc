package interop

import (
	"fmt"
	"strings"
	"testing"

	"ipsec/golden/guest"
	"ipsec/golden/lab"
)

// The addresses of a laboratory: ours and the peer's outside, and one behind
// each.
const (
	ourAddr   = "192.0.2.1"
	peerAddr  = "192.0.2.2"
	ourHost   = "10.0.1.1"
	peerHost  = "10.0.2.1"
	ourAddr6  = "2001:db8:1::1"
	peerAddr6 = "2001:db8:1::2"
	ourHost6  = "2001:db8:a::1"
	peerHost6 = "2001:db8:b::1"
	// A second host behind each.
	ourHostB  = "10.0.1.129"
	peerHostB = "10.0.2.129"
)

// link is our link to the peer.
const link = "eth0"

// host is where a peer runs: a machine on this kernel, or a guest with its own.
// A script is for /bin/sh, and ends at the first command that fails.
type host interface {
	Try(script string) (string, error)
}

// machine is a lab.Machine as a host.
type machine struct{ *lab.Machine }

// Try runs a script.
func (m machine) Try(script string) (string, error) {
	out, err := m.Machine.Try("/bin/sh", "-ec", script)
	if err != nil {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(out))
	}
	return out, err
}

// write makes files of a host; their folders are made, too.
func write(t testing.TB, h host, files map[string]string) {
	t.Helper()
	var b strings.Builder
	for name, text := range files {
		fmt.Fprintf(&b, "mkdir -p \"$(dirname '%s')\"\ncat > '%s' <<'END-OF-FILE'\n%s\nEND-OF-FILE\n", name, name, strings.TrimSuffix(text, "\n"))
	}
	if _, err := h.Try("umask 077\n" + b.String()); err != nil {
		t.Fatalf("failed to write files: %v", err)
	}
}

// lay gives a machine its addresses, with the hosts behind it on its loopback.
const lay = `
link=$1
ip addr add $2/24 dev $link
ip addr add $3/64 dev $link nodad
ip addr add $4/32 dev lo
ip addr add $5/32 dev lo
ip addr add $6/128 dev lo nodad
ip route add default via $7
ip route add default via $8
`

func layOurs(t testing.TB, m *lab.Machine) {
	m.Run(t, "/bin/sh", "-ec", lay, "lay", link, ourAddr, ourAddr6, ourHost, ourHostB, ourHost6, peerAddr, peerAddr6)
}

func layPeers(on string) string {
	return "set -- " + strings.Join([]string{on, peerAddr, peerAddr6, peerHost, peerHostB, peerHost6, ourAddr, ourAddr6}, " ") + "\n" + lay
}

// besideMachine connects us with a machine on this kernel.
func besideMachine(t testing.TB) (ours *lab.Machine, peer host) {
	t.Helper()
	lab.NeedTUN(t)
	a, b := lab.New(t, "ours"), lab.New(t, "peer")
	lab.Connect(t, a, link, b, link)
	layOurs(t, a)
	b.Sh(t, layPeers(link))
	return a, machine{b}
}

// besideGuest connects us with a guest, whose kernel has ESP of its own.
func besideGuest(t testing.TB) (ours *lab.Machine, peer *guest.Guest) {
	t.Helper()
	lab.NeedTUN(t)
	guest.Need(t)
	a := lab.New(t, "ours")
	a.Sh(t, "sysctl -qw net.ipv6.conf.default.accept_dad=0\nip tuntap add "+link+" mode tap\nip link set "+link+" up")
	layOurs(t, a)
	g := guest.Boot(t, a, link, guest.Options{Memory: 256})
	g.Sh(t, "ip link set lo up\nip link set vec0 up\n"+layPeers("vec0"))
	return a, g
}
