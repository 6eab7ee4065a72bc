package shell

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"testing"

	"ipsec/exec/exectest"
	"ipsec/klips/said"
	"ipsec/plan"
)

// large is a plan with 15 nodes for each of n conns.
func large(n int) plan.Plan {
	p := exectest.Plan(nil)
	p.Nodes = nil
	a := netip.MustParseAddr("192.0.2.1")
	for i := range n {
		name := fmt.Sprintf("conn-%d", i)
		reason := fmt.Sprintf("/etc/ipsec.conf:%d conn %s", 10*i, name)
		net := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
		id := said.SAID{Dst: a, SPI: uint32(256 + i), Proto: said.ESP}
		flow := plan.Flow{Src: net, Dst: net}
		for range 3 {
			for _, op := range []plan.Op{
				plan.AddSA{SAID: id, Src: a, Algorithm: "3des-md5-96", KeysOf: name},
				plan.AddEroute{Flow: flow, SAID: id},
				plan.AddRoute{Dst: net, Link: "ipsec0", Src: a},
				plan.AddConn{Name: name, Args: []string{"--host", "192.0.2.1", "--client", "10.0.0.0/24", "--to", "--host", "198.51.100.1", "--encrypt", "--tunnel"}},
				plan.Initiate{Name: name, Asynchronous: true},
			} {
				p.Nodes = append(p.Nodes, plan.Step{Op: op, OnFail: plan.OnFail{Kind: plan.FailWarn, Message: "failed to add conn " + name}, Reason: reason})
			}
		}
	}
	p.Nodes = append(p.Nodes, plan.Exit{})
	return p
}

func BenchmarkText(b *testing.B) {
	for _, conns := range []int{10, 1000, 10000} {
		b.Run(fmt.Sprint(conns), func(b *testing.B) {
			p := large(conns)
			b.ReportAllocs()
			for b.Loop() {
				if err := Text(io.Discard, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLift(b *testing.B) {
	for _, conns := range []int{10, 1000, 10000} {
		b.Run(fmt.Sprint(conns), func(b *testing.B) {
			var text bytes.Buffer
			if err := Script(&text, large(conns)); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Lift("script", text.String()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompare(b *testing.B) {
	p := large(10000)
	q := large(10000)
	q.Nodes = append([]plan.Node{plan.Step{Op: plan.LinkUp{Link: "eth0"}, OnFail: plan.OnFail{Kind: plan.FailIgnore}}}, q.Nodes...)
	for b.Loop() {
		if Compare(p, q) == "" {
			b.Fatal("no difference")
		}
	}
}
