package nexthop

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
)

// A world is a machine with a Table of its eth0, and another that answers on it
// for the addresses 192.0.2.2, 192.0.2.3, 2001:db8::2 and 2001:db8::3.
type world struct {
	t            *testing.T
	machine, far *lab.Machine
	table        *Table
	now          time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	lab.NeedRoot(t)
	w := &world{t: t, machine: lab.New(t, "near"), far: lab.New(t, "far"), now: time.Now()}
	lab.Connect(t, w.machine, "eth0", w.far, "eth0")
	lab.Connect(t, w.machine, "other0", w.far, "other0")
	w.machine.Sh(t, "ip addr add 192.0.2.1/24 dev eth0; ip addr add 2001:db8::1/64 dev eth0 nodad")
	w.far.Sh(t, "for n in 2 3; do ip addr add 192.0.2.$n/24 dev eth0; ip addr add 2001:db8::$n/64 dev eth0 nodad; done")
	w.far.Sh(t, "ip addr add 198.51.100.1/32 dev lo; ip addr add 2001:db8:1::1/128 dev lo nodad")
	err := w.machine.Do(func() error {
		link, err := net.InterfaceByName("eth0")
		if err == nil {
			w.table, err = Open(link.Index)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.table.Close)
	return w
}

// mac returns the address of an interface.
func (w *world) mac(m *lab.Machine) (mac [6]byte) {
	w.t.Helper()
	err := m.Do(func() error {
		link, err := net.InterfaceByName("eth0")
		if err == nil {
			mac = [6]byte(link.HardwareAddr)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return mac
}

// until waits until a host is reached as told: by the far machine, or not at all.
func (w *world) until(dst string, reached bool) {
	w.t.Helper()
	var want string
	if reached {
		far, near := w.mac(w.far), w.mac(w.machine)
		kind := "0800"
		if netip.MustParseAddr(dst).Is6() {
			kind = "86dd"
		}
		want = fmt.Sprintf("%x%x%s", far, near, kind)
	}
	w.untilHeader(dst, want)
}

func (w *world) untilHeader(dst, want string) {
	w.t.Helper()
	err := lab.Poll(5*time.Second, func() error {
		got := ""
		if path, ok := w.table.Find(netip.MustParseAddr(dst), time.Now()); ok {
			got = fmt.Sprintf("%x", path.Hop.Header)
		}
		if got != want {
			return fmt.Errorf("%s: header %q, want %q", dst, got, want)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// never sees to it that the Table has answered, and not by a header.
func (w *world) never(dst string) {
	w.t.Helper()
	lab.Until(w.t, "the table has answered about "+dst, func() bool {
		if _, ok := w.table.Find(netip.MustParseAddr(dst), time.Now()); ok {
			w.t.Fatalf("%s is reached by frames", dst)
		}
		w.table.mu.RLock()
		defer w.table.mu.RUnlock()
		return w.table.ways[netip.MustParseAddr(dst)] != nil
	})
	if _, ok := w.table.Find(netip.MustParseAddr(dst), time.Now()); ok {
		w.t.Fatalf("%s is reached by frames", dst)
	}
}

func TestNeighbour(t *testing.T) {
	for _, dst := range []string{"192.0.2.2", "2001:db8::2"} {
		t.Run(dst, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.never(dst)
			w.machine.Run(t, "ping", "-c", "1", "-W", "5", dst)
			w.until(dst, true)

			w.machine.Sh(t, "ip neigh flush dev eth0")
			w.until(dst, false)
			w.machine.Run(t, "ping", "-c", "1", "-W", "5", dst)
			w.until(dst, true)

			// Another address, of which the far machine's own packets tell.
			w.far.Sh(t, "ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:99; ip link set eth0 up; ip addr add 2001:db8::2/64 dev eth0 nodad 2>/dev/null || true")
			w.machine.Sh(t, "ip neigh flush dev eth0; for n in $(seq 50); do ping -c 1 -W 1 "+dst+" && break; done")
			w.until(dst, true)
			w.machine.Sh(t, "ip link set eth0 address 02:00:00:00:00:77")
			w.machine.Sh(t, "for n in $(seq 50); do ping -c 1 -W 1 "+dst+" && break; done")
			w.until(dst, true)

			w.machine.Sh(t, "ip link set eth0 down")
			w.until(dst, false)
			// Its neighbours go first.
			lab.Until(t, "an interface that is down reaches no hosts", func() bool { return !w.table.Reaches() })
		})
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.machine.Sh(t, "ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent; ip neigh replace 192.0.2.3 lladdr 02:00:00:00:00:03 dev eth0 nud reachable")
	w.machine.Sh(t, "ip neigh replace 2001:db8::2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent; ip neigh replace 2001:db8::3 lladdr 02:00:00:00:00:03 dev eth0 nud reachable")
	near := w.mac(w.machine)
	header := func(n int, kind string) string { return fmt.Sprintf("02000000000%d%x%s", n, near, kind) }

	w.untilHeader("192.0.2.3", header(3, "0800"))
	w.untilHeader("198.51.100.1", "")
	w.machine.Sh(t, "ip route add default via 192.0.2.2; ip route add default via 2001:db8::2")
	w.untilHeader("198.51.100.1", header(2, "0800"))
	w.untilHeader("2001:db8:1::1", header(2, "86dd"))
	w.machine.Sh(t, "ip route replace default via 192.0.2.3; ip route replace default via 2001:db8::3")
	w.untilHeader("198.51.100.1", header(3, "0800"))
	w.untilHeader("2001:db8:1::1", header(3, "86dd"))
	w.machine.Sh(t, "ip route add 198.51.100.0/24 via 192.0.2.2 mtu 1300; ip route add 2001:db8:1::/48 via 2001:db8::2")
	w.untilHeader("198.51.100.1", header(2, "0800"))
	w.untilHeader("2001:db8:1::1", header(2, "86dd"))
	if path, _ := w.table.Find(netip.MustParseAddr("198.51.100.1"), time.Now()); path.MTU != 1300 {
		t.Errorf("MTU %d, want 1300", path.MTU)
	}

	// Routed into another device, as a peer is into ipsec0.
	w.machine.Sh(t, "ip route add 198.51.100.1/32 dev other0; ip route add 2001:db8:1::1/128 dev other0; ip route add 192.0.2.3/32 dev other0; ip route add 0.0.0.0/1 dev other0; ip -6 route add ::/1 dev other0")
	for range 3 {
		time.Sleep(changeInterval) // a change that must not come gives no event
		w.untilHeader("198.51.100.1", header(2, "0800"))
		w.untilHeader("2001:db8:1::1", header(2, "86dd"))
		w.untilHeader("192.0.2.3", header(3, "0800"))
	}

	// A gateway of the other family.
	w.machine.Sh(t, "ip route add 203.0.113.0/24 via inet6 2001:db8::2 dev eth0")
	w.untilHeader("203.0.113.1", header(2, "0800"))

	w.machine.Sh(t, "ip route add prohibit 203.0.113.8; ip route add unreachable 203.0.113.9; ip route add blackhole 203.0.113.10")
	w.untilHeader("203.0.113.8", "")
	for _, dst := range []string{"203.0.113.9", "203.0.113.10", "192.0.2.1", "2001:db8::1", "127.0.0.1", "::1", "192.0.2.255", "255.255.255.255", "224.0.0.1", "ff02::1"} {
		w.never(dst)
	}
	w.machine.Sh(t, "ip route del default; ip -6 route del default; ip route del 198.51.100.0/24; ip -6 route del 2001:db8:1::/48")
	w.untilHeader("2001:db8:1::1", "")
}

// TestDetours counts the packets that the kernel gets.
func TestDetours(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		state string
		want  int
	}{{"permanent", 1}, {"stale", 20}} {
		w.machine.Sh(t, "ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud "+c.state)
		dst := netip.MustParseAddr("192.0.2.2")
		start := time.Now().Add(time.Hour)
		lab.Until(t, "the state "+c.state+" is known", func() bool {
			path, ok := w.table.Find(dst, time.Now())
			return ok && path.Hop.sure == (c.state == "permanent")
		})
		w.table.ways[dst].detour.Store(start.UnixNano())
		n := 0
		for at := time.Duration(0); at <= 45*time.Second; at += 100 * time.Millisecond {
			if path, ok := w.table.Find(dst, start.Add(at)); ok && path.Detour && at >= 25*time.Second {
				n++
			}
		}
		if n < c.want || n > c.want+1 {
			t.Errorf("%s: %d packets by the kernel in 20 s, want %d", c.state, n, c.want)
		}
	}
}

// TestOverflow loses announcements, and knows what they were about all the same.
func TestOverflow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.machine.Sh(t, "ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent")
	near := w.mac(w.machine)
	w.untilHeader("192.0.2.2", fmt.Sprintf("020000000002%x0800", near))
	gone := append((&netlink.Ndmsg{Family: unix.AF_INET, Index: uint32(w.table.index)}).Serialize(), nl.NewRtAttr(netlink.NDA_DST, []byte{192, 0, 2, 2}).Serialize()...)
	w.table.messages <- message{NetlinkMessage: syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: unix.RTM_DELNEIGH}, Data: gone}}
	w.untilHeader("192.0.2.2", "")
	w.table.messages <- message{lost: true}
	w.untilHeader("192.0.2.2", fmt.Sprintf("020000000002%x0800", near))
}

func TestFindAllocatesNothing(t *testing.T) {
	w := newWorld(t)
	w.machine.Sh(t, "ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent")
	dst, now := netip.MustParseAddr("192.0.2.2"), time.Now()
	w.untilHeader("192.0.2.2", fmt.Sprintf("020000000002%x0800", w.mac(w.machine)))
	if n := testing.AllocsPerRun(1000, func() { w.table.Find(dst, now) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestOpenNothing(t *testing.T) {
	if _, err := Open(1 << 30); err == nil {
		t.Error("there is a Table of no interface")
	}
}
