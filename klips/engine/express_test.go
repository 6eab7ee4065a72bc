package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

	"ipsec/golden/lab"
	"ipsec/klips"
	"ipsec/klips/said"
)

// occupy puts a program that does nothing on an interface.
func (p *process) occupy(name string) error {
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.XDP, License: "MIT",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()},
	})
	if err != nil {
		return err
	}
	found, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	p.other, err = link.AttachXDP(link.XDPOptions{Program: program, Interface: found.Attrs().Index, Flags: link.XDPGenericMode})
	return err
}

// says waits until what is said of the offloads has that in it.
func (n *namespace) says(want string) {
	n.t.Helper()
	err := lab.Poll(time.Minute, func() error {
		if got := n.do(order{Offloads: true}); !strings.Contains(got, want) {
			return fmt.Errorf("offloads: %s; want %q in it; dropped %s", got, want, n.do(order{Drops: true}))
		}
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// byExpress is what is said while it is on.
const byExpress = "raw ESP goes by AF_XDP"

// express returns gateways with raw ESP between them, by AF_XDP.
func express(t *testing.T) (west, east *namespace) {
	t.Helper()
	lab.NeedXDP(t)
	west, east = gatewaysOf(t, 0, 0, true)
	west.says("there are no SAs of raw ESP")
	raw := conn{src: "192.1.2.23", dst: "192.1.2.45", srcNet: "10.1.0.0/16", dstNet: "10.2.0.0/16", protos: []said.Proto{said.IPIP, said.ESP}, sa: gcm()}
	raw.both(west, east)
	six := conn{src: "2001:db8:1::23", dst: "2001:db8:1::45", srcNet: "fd01::/16", dstNet: "fd02::/16", protos: raw.protos, sa: raw.sa}
	six.both(west, east)
	west.says(byExpress)
	east.says(byExpress)
	return west, east
}

// A pinging is a ping that goes on, 100 a second.
type pinging struct {
	n    *namespace
	file string // of what it says
}

// ping begins to ping with further arguments of ping(8).
func (n *namespace) ping(args string) pinging {
	n.t.Helper()
	file := n.t.TempDir() + "/ping"
	n.sh("(ping -i 0.01 %s > %s 2>&1 & echo $! > %s.pid)", args, file, file)
	return pinging{n, file}
}

// answered returns which pings have been answered, and the last of them.
func (p pinging) answered() (seen map[int]bool, last int) {
	p.n.t.Helper()
	seen = map[int]bool{}
	for line := range strings.Lines(p.n.sh("cat %s", p.file)) {
		var seq int
		if _, rest, ok := strings.Cut(line, "icmp_seq="); ok {
			if _, err := fmt.Sscanf(rest, "%d ", &seq); err == nil {
				seen[seq], last = true, max(last, seq)
			}
		}
	}
	return seen, last
}

// end waits until all pings so far and ten more have been answered, and ends the
// ping. What ping itself says of losses counts answers that are late, too: it waits
// for the last two round trips long, which on a busy machine is nothing.
func (p pinging) end() error {
	p.n.t.Helper()
	_, last := p.answered()
	err := lab.Poll(10*time.Second, func() error {
		seen, _ := p.answered()
		var missing []int
		for seq := 1; seq <= last+10; seq++ {
			if !seen[seq] {
				missing = append(missing, seq)
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("of %d pings these have no answer: %d", last+10, missing)
		}
		return nil
	})
	p.n.sh("kill $(cat %s.pid)", p.file)
	return err
}

// pings sees that no ping is lost, small, long or in fragments.
func pings(t *testing.T, west, east *namespace) {
	t.Helper()
	for _, size := range []string{"56", "1300", "4000"} {
		for _, to := range []string{"-I 10.1.0.1 10.2.0.1", "-I fd01::1 fd02::1"} {
			if err := west.ping("-s " + size + " " + to).end(); err != nil {
				t.Errorf("%s bytes, %s: %v; west dropped %s; east dropped %s", size, to, err, west.do(order{Drops: true}), east.do(order{Drops: true}))
			}
		}
	}
}

// TestExpress turns AF_XDP on and off under packets, none of which is lost.
func TestExpress(t *testing.T) {
	t.Parallel()
	west, east := express(t)
	pings(t, west, east)
	all := west.ping("-I 10.1.0.1 10.2.0.1")

	inUDP := klips.SA{ID: said.SAID{Dst: addr("192.1.2.45"), SPI: 0x3001, Proto: said.ESP}, Src: addr("192.1.2.23"), Enc: "aesgcm16", Encap: klips.Encap{SrcPort: 4500, DstPort: 4500}}
	for range 2 {
		for _, n := range []*namespace{west, east} {
			n.do(order{SA: &inUDP, Keys: [2][]byte{key(20, 7)}})
		}
		west.says("there are SAs of ESP in UDP")
		east.says("there are SAs of ESP in UDP")
		pings(t, west, east)
		for _, n := range []*namespace{west, east} {
			n.do(order{DelSA: &inUDP.ID})
		}
		west.says(byExpress)
		east.says(byExpress)
		pings(t, west, east)
	}
	if err := all.end(); err != nil {
		t.Errorf("while AF_XDP came and went: %v; west dropped %s; east dropped %s", err, west.do(order{Drops: true}), east.do(order{Drops: true}))
	}
	for _, n := range []*namespace{west, east} { // fragments of ESP
		n.sh("ip link set ipsec0 mtu 4500")
	}
	west.sh("ping -M dont -c 5 -i 0.02 -W 5 -s 4000 -I 10.1.0.1 10.2.0.1")
}

// TestExpressElsewhere has the interface changed in all ways that matter.
func TestExpressElsewhere(t *testing.T) {
	t.Parallel()
	west, east := express(t)
	west.sh("ip route add 192.1.2.45/32 dev ipsec0 src 192.1.2.23; ip route add 2001:db8:1::45/128 dev ipsec0")
	pings(t, west, east)

	east.sh("ip link set eth0 address 02:00:00:00:00:45")
	west.sh("ip neigh flush dev eth0; for n in $(seq 50); do ping -c 1 -W 1 -I 10.1.0.1 10.2.0.1 && ping -c 1 -W 1 -I fd01::1 fd02::1 && break; done")
	pings(t, west, east)

	west.sh("ip link set eth0 down; ip link set eth0 up; ip addr add 2001:db8:1::23/64 dev eth0 nodad; for n in $(seq 50); do ping -c 1 -W 1 -I 10.1.0.1 10.2.0.1 && ping -c 1 -W 1 -I fd01::1 fd02::1 && break; done")
	pings(t, west, east)

	for _, n := range []*namespace{west, east} {
		n.sh("ip link set eth0 mtu 9000")
	}
	west.says("AF_XDP takes an MTU")
	east.says("AF_XDP takes an MTU")
	pings(t, west, east)

	west.sh("ip link del eth0")
	west.sh("ip link add eth0 type veth peer name peer0 && ip link set peer0 netns %d name eth0", east.pid)
	west.sh("ip addr add 192.1.2.23/24 dev eth0 && ip addr add 2001:db8:1::23/64 dev eth0 nodad && ip link set eth0 up")
	east.sh("ip addr add 192.1.2.45/24 dev eth0 && ip addr add 2001:db8:1::45/64 dev eth0 nodad && ip link set eth0 up")
	west.says(byExpress)
	east.says(byExpress)
	west.sh("for n in $(seq 50); do ping -c 1 -W 1 -I 10.1.0.1 10.2.0.1 && ping -c 1 -W 1 -I fd01::1 fd02::1 && break; done")
	pings(t, west, east)
	west.do(order{Detach: "ipsec0"}) // and all goroutines end
}

// TestExpressStaysAway finds another XDP program on the interface.
func TestExpressStaysAway(t *testing.T) {
	t.Parallel()
	lab.NeedXDP(t)
	west, east := gatewaysOf(t, 0, 0, true)
	west.do(order{Occupy: "eth0"})
	raw := conn{src: "192.1.2.23", dst: "192.1.2.45", srcNet: "10.1.0.0/16", dstNet: "10.2.0.0/16", protos: []said.Proto{said.IPIP, said.ESP}, sa: gcm()}
	raw.both(west, east)
	six := conn{src: "2001:db8:1::23", dst: "2001:db8:1::45", srcNet: "fd01::/16", dstNet: "fd02::/16", protos: raw.protos, sa: raw.sa}
	six.both(west, east)
	east.says(byExpress)
	west.says("not xdp: another XDP program is on eth0")
	pings(t, west, east)
	if got := west.sh("ip link show eth0"); !strings.Contains(got, "xdpgeneric") {
		t.Errorf("the other program is gone: %s", got)
	}
}
