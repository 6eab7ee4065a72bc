package engine_test

import (
	"strings"
	"testing"

	"ipsec/klips"
	"ipsec/klips/said"
)

// TestSeveralQueues carries flows of all kinds by the real system with four queues.
func TestSeveralQueues(t *testing.T) {
	t.Parallel()
	west, east := gatewaysWith(t, 0, 4)
	c := conn{src: "192.1.2.23", dst: "192.1.2.45", srcNet: "10.1.0.0/16", dstNet: "10.2.0.0/16", protos: []said.Proto{said.IPIP, said.ESP}, sa: gcm(), encap: true}
	c.sa.ReplayWindow = 4096
	c.both(west, east)
	six := conn{src: "2001:db8:1::23", dst: "2001:db8:1::45", srcNet: "fd01::/16", dstNet: "fd02::/16", protos: c.protos, sa: c.sa}
	six.both(west, east)
	for _, g := range []*namespace{west, east} {
		if out := g.sh("ip -details link show ipsec0"); !strings.Contains(out, "numqueues 4 ") {
			t.Errorf("not four queues: %s", out)
		}
		if out := g.sh("ss -Hlun sport = :4500 | wc -l"); strings.TrimSpace(out) != "8" {
			t.Errorf("%s sockets on port 4500, want four of a family", out)
		}
	}
	for _, network := range []string{"tcp4", "tcp6", "udp4", "udp6"} {
		east.do(order{Serve: network})
		for seed := range byte(8) { // each from a port of its own
			b := bulk{network, "10.1.0.1", "10.2.0.1", 256 << 10, seed}
			if network[3:] == "6" {
				b.From, b.To = "fd01::1", "fd02::1"
			}
			carries(t, west, east, b)
			if network[:3] == "tcp" {
				break
			}
		}
	}
}

// TestQueuesLeftBehind has processes that want another number of queues take over an
// interface that another left behind.
func TestQueuesLeftBehind(t *testing.T) {
	t.Parallel()
	west, east := gateways(t)
	c := conn{src: "192.1.2.23", dst: "192.1.2.45", srcNet: "10.1.0.0/16", dstNet: "10.2.0.0/16", protos: []said.Proto{said.IPIP, said.ESP}, sa: gcm(), encap: true}
	spi := uint32(0)
	carry := func(g *namespace) {
		t.Helper()
		c.again(g, east, spi)
		spi++
		g.sh("ping -c 2 -i 0.1 -W 5 -I 10.1.0.1 10.2.0.1")
	}
	for _, made := range []int{1, 4} {
		west.do(order{Detach: "ipsec0"})
		first := west.another()
		first.do(order{Engine: &klips.Settings{}, Queues: made})
		first.do(order{Attach: "ipsec0"})
		west.sh("ip link set ipsec0 up && ip route add 10.2.0.0/16 dev ipsec0 src 10.1.0.1")
		carry(first)
		for _, queues := range []int{1, 4} {
			second := west.another()
			second.do(order{Engine: &klips.Settings{}, Queues: queues})
			if _, err := second.try(order{Attach: "ipsec0"}); err == nil || !strings.Contains(err.Error(), "busy") {
				t.Errorf("made with %d queues, opened again with %d: %v, want busy", made, queues, err)
			}
			first.stop()
			if out, err := west.try(order{Shell: "ping -c 1 -W 1 -I 10.1.0.1 10.2.0.1"}); err == nil {
				t.Errorf("made with %d queues, left behind: a packet came back: %s", made, out)
			}
			second.do(order{Attach: "ipsec0"})
			carry(second)
			first = second
		}
		first.do(order{Detach: "ipsec0"})
		west.do(order{Attach: "ipsec0"})
	}
}
