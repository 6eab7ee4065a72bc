package engine_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/klips/wire/ike"
)

// both sets c up in both directions.
func (c conn) both(west, east *namespace) { c.again(west, east, 0) }

// again is both with the n-th SPIs.
func (c conn) again(west, east *namespace, n uint32) {
	back := c
	back.src, back.dst, back.srcNet, back.dstNet = c.dst, c.src, c.dstNet, c.srcNet
	for _, d := range []struct {
		conn
		from, to *namespace
		spi      uint32
	}{{c, west, east, 0x1001 + n}, {back, east, west, 0x2001 + n}} {
		var ids []said.SAID
		for _, p := range d.protos {
			sa := klips.SA{ID: said.SAID{Dst: addr(d.dst), SPI: d.spi, Proto: p}, Src: addr(d.src), ReplayWindow: 64}
			var keys [2][]byte
			switch p {
			case said.IPIP:
				sa.TunnelSrc, sa.TunnelDst = sa.Src, sa.ID.Dst
			case said.ESP:
				sa.Enc, keys[0] = d.sa.Enc, d.sa.EncKey
				if d.encap {
					sa.Encap = klips.Encap{SrcPort: 4500, DstPort: 4500}
				}
			case said.AH:
				sa.Auth, keys[1] = "sha1-96", key(20, 9)
			}
			d.from.do(order{SA: &sa, Keys: keys})
			if p == d.protos[0] {
				sa.Inflow = []klips.Selector{{Src: prefix(d.srcNet), Dst: prefix(d.dstNet)}}
			}
			d.to.do(order{SA: &sa, Keys: keys})
			ids = append(ids, sa.ID)
		}
		if len(ids) > 1 {
			d.from.do(order{Group: ids})
			d.to.do(order{Group: ids})
		}
		d.from.do(order{Eroute: &klips.Eroute{Selector: klips.Selector{Src: prefix(d.srcNet), Dst: prefix(d.dstNet)}, SAID: ids[0]}})
	}
}

// TestNamespaces pings through gateways of the real system, and sees that
// nothing but the protection passes between them.
func TestNamespaces(t *testing.T) {
	for _, c := range []struct {
		name           string
		src, dst       string
		srcNet, dstNet string
		from, to       string
		protos         []said.Proto
		encap          bool
		route          string // on west and east, besides those to the nets
		want           string
	}{
		{"tunnel 4 in 4", "192.1.2.23", "192.1.2.45", "10.1.0.0/16", "10.2.0.0/16", "10.1.0.1", "10.2.0.1", []said.Proto{said.IPIP, said.ESP}, false, "", "ipv4/50"},
		{"tunnel 4 in 6", "2001:db8:1::23", "2001:db8:1::45", "10.1.0.0/16", "10.2.0.0/16", "10.1.0.1", "10.2.0.1", []said.Proto{said.IPIP, said.ESP}, false, "", "ipv6/50"},
		{"tunnel 6 in 4", "192.1.2.23", "192.1.2.45", "fd01::/16", "fd02::/16", "fd01::1", "fd02::1", []said.Proto{said.IPIP, said.ESP}, false, "", "ipv4/50"},
		{"tunnel 6 in 6", "2001:db8:1::23", "2001:db8:1::45", "fd01::/16", "fd02::/16", "fd01::1", "fd02::1", []said.Proto{said.IPIP, said.ESP}, false, "", "ipv6/50"},
		{"tunnel with AH", "192.1.2.23", "192.1.2.45", "10.1.0.0/16", "10.2.0.0/16", "10.1.0.1", "10.2.0.1", []said.Proto{said.IPIP, said.ESP, said.AH}, false, "", "ipv4/51"},
		{"tunnel with AH over 6", "2001:db8:1::23", "2001:db8:1::45", "10.1.0.0/16", "10.2.0.0/16", "10.1.0.1", "10.2.0.1", []said.Proto{said.IPIP, said.AH}, false, "", "ipv6/51"},
		{"tunnel in UDP", "192.1.2.23", "192.1.2.45", "10.1.0.0/16", "10.2.0.0/16", "10.1.0.1", "10.2.0.1", []said.Proto{said.IPIP, said.ESP}, true, "", "ipv4/17/4500"},
		{"tunnel in UDP over 6", "2001:db8:1::23", "2001:db8:1::45", "10.1.0.0/16", "10.2.0.0/16", "10.1.0.1", "10.2.0.1", []said.Proto{said.IPIP, said.ESP}, true, "", "ipv6/17/4500"},
		{"transport, peer routed into ipsec0", "192.1.2.23", "192.1.2.45", "192.1.2.23/32", "192.1.2.45/32", "192.1.2.23", "192.1.2.45", []said.Proto{said.ESP}, false, "192.1.2.%d/32", "ipv4/50"},
		{"transport 6, peer routed into ipsec0", "2001:db8:1::23", "2001:db8:1::45", "2001:db8:1::23/128", "2001:db8:1::45/128", "2001:db8:1::23", "2001:db8:1::45", []said.Proto{said.ESP}, false, "2001:db8:1::%d/128", "ipv6/50"},
		{"transport AH", "192.1.2.23", "192.1.2.45", "192.1.2.23/32", "192.1.2.45/32", "192.1.2.23", "192.1.2.45", []said.Proto{said.AH}, false, "192.1.2.%d/32", "ipv4/51"},
		{"transport in UDP", "192.1.2.23", "192.1.2.45", "192.1.2.23/32", "192.1.2.45/32", "192.1.2.23", "192.1.2.45", []said.Proto{said.ESP}, true, "192.1.2.%d/32", "ipv4/17/4500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			west, east := gateways(t)
			conn{src: c.src, dst: c.dst, srcNet: c.srcNet, dstNet: c.dstNet, protos: c.protos, sa: gcm(), encap: c.encap}.both(west, east)
			if c.route != "" {
				west.sh("ip route add "+c.route+" dev ipsec0 src "+c.from, 45)
				east.sh("ip route add "+c.route+" dev ipsec0 src "+c.to, 23)
			}
			for _, size := range []int{56, 1300} {
				out, err := west.try(order{Shell: fmt.Sprintf("ping -c 3 -i 0.1 -W 5 -s %d -I %s %s", size, c.from, c.to)})
				if err != nil {
					t.Fatalf("%v: %s\nwest dropped %s\neast dropped %s\non the wire %s", err, out, west.do(order{Drops: true}), east.do(order{Drops: true}), west.do(order{Sniffed: true}))
				}
			}
			for _, n := range []*namespace{west, east} {
				if got := n.do(order{Sniffed: true}); got != c.want {
					t.Errorf("on the wire: %s, want %s", got, c.want)
				}
			}
		})
	}
}

// TestLeftBehind kills a process that has an interface open, and looks at the
// interface: it is there, is known as ours, takes packets and drops them; and
// another engine takes it over.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	west, _ := gateways(t)
	west.do(order{Detach: "ipsec0"})
	if got := west.do(order{Ours: true}); got != "" {
		t.Errorf("ours after detaching: %q, want none", got)
	}
	other := west.another()
	other.do(order{Engine: &klips.Settings{}})
	other.do(order{Attach: "ipsec0"})
	west.sh("ip link set ipsec0 up && ip route add 10.2.0.0/16 dev ipsec0 src 10.1.0.1")
	other.stop()
	if _, err := west.try(order{Steal: "ipsec0"}); err == nil || !strings.Contains(err.Error(), "not permitted") {
		t.Errorf("a user takes over the interface left behind: %v", err)
	}
	if out, err := west.try(order{Shell: "ping -c 1 -W 1 -I 10.1.0.1 10.2.0.1"}); err == nil {
		t.Errorf("a packet came back: %s", out)
	}
	if got := west.do(order{Sniffed: true}); got != "" {
		t.Errorf("%s went past the interface left behind", got)
	}
	if got := west.do(order{Ours: true}); got != "ipsec0" {
		t.Errorf("ours: %q, want ipsec0", got)
	}
	west.do(order{Attach: "ipsec0"})
	if _, err := west.try(order{Attach: "ipsec0"}); err == nil {
		t.Error("an interface was attached twice")
	}
	west.do(order{Detach: "ipsec0"})
	west.sh("ip link add ipsec9 type veth peer name other0")
	if _, err := west.try(order{Remove: "ipsec9"}); err == nil {
		t.Error("a link of somebody else was removed")
	}
	if _, err := west.try(order{Remove: "ipsec8"}); err == nil {
		t.Error("a link was removed that is not there")
	}
	if _, err := west.try(order{Attach: "ipsec9"}); err == nil {
		t.Error("a link of somebody else was taken for a virtual interface")
	}
	if got := west.do(order{Ours: true}); got != "" {
		t.Errorf("ours: %q, want none", got)
	}
	last := west.another()
	last.do(order{Engine: &klips.Settings{}})
	last.do(order{Attach: "ipsec0"})
	last.stop()
	west.do(order{Remove: "ipsec0"})
	if got := west.do(order{Ours: true}); got != "" {
		t.Errorf("ours: %q, want none", got)
	}
}

// TestIKE sends an IKE message between the engines, past an eroute that would drop it.
func TestIKE(t *testing.T) {
	t.Parallel()
	west, east := gateways(t)
	m := ike.Message{Local: netip.MustParseAddrPort("192.1.2.23:4500"), Remote: netip.MustParseAddrPort("192.1.2.45:4500"), Payload: []byte("hello")}
	west.do(order{IKE: &m})
	west.sh("ip route add 192.1.2.45/32 dev ipsec0 src 192.1.2.23")
	m.Payload = []byte("again")
	west.do(order{IKE: &m})
	want := "192.1.2.23:4500 192.1.2.45:4500 hello\n192.1.2.23:4500 192.1.2.45:4500 again"
	lab.Eventually(t, 10*time.Second, func() error {
		if got := east.do(order{Received: true}); got != want {
			return fmt.Errorf("got %q, want %q; west dropped %s", got, want, west.do(order{Drops: true}))
		}
		return nil
	})
}

// TestRouter learns the MTU of the path from a router, and that of the
// interface from the kernel, and passes both on.
func TestRouter(t *testing.T) {
	for _, c := range []struct {
		name     string
		src, dst string
		encap    bool
		path     int // the longest packet that the path takes, inside
		link     int // and with a link of 1290
	}{
		{"ESP", "192.1.2.23", "192.1.3.45", false, 1246, 1234},
		{"UDP", "192.1.2.23", "192.1.3.45", true, 1238, 1226},
		{"IPv6", "2001:db8:2::23", "2001:db8:3::45", false, 1226, 1214},
		{"UDP over IPv6", "2001:db8:2::23", "2001:db8:3::45", true, 1218, 1206},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			west, router, east := routed(t)
			conn{src: c.src, dst: c.dst, srcNet: "10.1.0.0/16", dstNet: "10.2.0.0/16", protos: []said.Proto{said.IPIP, said.ESP}, sa: gcm(), encap: c.encap}.both(west, east)
			told := func(mtu int) {
				t.Helper()
				want := fmt.Sprintf("mtu = %d", mtu)
				var out string
				for range 20 {
					out, _ = west.try(order{Shell: "ping -M do -c 2 -i 0.1 -W 1 -s 1300 -I 10.1.0.1 10.2.0.1; ip route flush cache"})
					if strings.Contains(out, want) {
						return
					}
				}
				t.Errorf("not told of %q: %s; west dropped %s", want, out, west.do(order{Drops: true}))
			}
			told(c.path)
			west.sh("ping -M do -c 1 -W 5 -s %d -I 10.1.0.1 10.2.0.1", c.path-28)
			router.sh("ip link set eth0 mtu 1290")
			west.sh("ip link set eth0 mtu 1290")
			told(c.link)
			west.sh("ping -c 5 -i 0.1 -W 5 -s 3000 -I 10.1.0.1 10.2.0.1") // in fragments
		})
	}
}

// TestComesBack takes the physical interface away and makes another of its
// name: what was set up carries on.
func TestComesBack(t *testing.T) {
	t.Parallel()
	west, east := gateways(t)
	conn{src: "192.1.2.23", dst: "192.1.2.45", srcNet: "10.1.0.0/16", dstNet: "10.2.0.0/16", protos: []said.Proto{said.IPIP, said.ESP}, sa: gcm()}.both(west, east)
	west.sh("ping -c 1 -W 5 -I 10.1.0.1 10.2.0.1")
	west.sh("ip link del eth0")
	west.sh("ip link add eth0 type veth peer name peer0 && ip link set peer0 netns %d name eth0", east.pid)
	west.sh("ip addr add 192.1.2.23/24 dev eth0 && ip link set eth0 up")
	east.sh("ip addr add 192.1.2.45/24 dev eth0 && ip link set eth0 up")
	for range 20 {
		if _, err := west.try(order{Shell: "ping -c 1 -W 1 -I 10.1.0.1 10.2.0.1"}); err == nil {
			return
		}
	}
	t.Errorf("nothing comes any more; west dropped %s; east dropped %s", west.do(order{Drops: true}), east.do(order{Drops: true}))
}

// TestUnreachable has the peer's host answer that it knows no ESP, which
// anyone can feign: it is no error of the socket, and slows nothing down.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	west, east := gateways(t)
	conn{src: "192.1.2.23", dst: "192.1.2.45", srcNet: "10.1.0.0/16", dstNet: "10.2.0.0/16", protos: []said.Proto{said.IPIP, said.ESP}, sa: gcm()}.both(west, east)
	west.sh("ping -c 1 -W 5 -I 10.1.0.1 10.2.0.1")
	east.do(order{Detach: "ipsec0"})
	west.sh("ping -c 5 -i 0.1 -W 1 -I 10.1.0.1 10.2.0.1 || true")
	if got := west.do(order{Sniffed: true}); !strings.Contains(got, "ipv4/1 ") {
		t.Errorf("on the wire: %s, want ICMP too", got)
	}
	if got := west.do(order{Drops: true}); strings.Contains(got, "lost to errors of a socket") {
		t.Errorf("dropped %s", got)
	}
}
