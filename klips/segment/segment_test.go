package segment

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"ipsec/klips/packet"
)

// What the Splitter and the Joiner do to all kinds of packets, the differential
// test of the engine compares with plain code. Here are those that they refuse.

// super returns a TCP segment, or a UDP datagram, of so many bytes of data.
func super(proto uint8, six bool, data int) []byte {
	outer := packet.Outer{Src: addr("10.0.0.1"), Dst: addr("10.0.0.2"), TTL: 64, Proto: proto, DF: true}
	if six {
		outer.Src, outer.Dst = addr("fd00::1"), addr("fd00::2")
	}
	head := packet.UDPLen
	if proto == packet.TCP {
		head = tcpLen
	}
	p := make([]byte, outer.Len()+head+data)
	outer.Put(p, head+data)
	if proto == packet.TCP {
		p[outer.Len()+dataAt], p[outer.Len()+flagsAt] = 5<<4, ack
	}
	return p
}

// split returns copies of what p is cut into.
func split(t testing.TB, p []byte, size int) (list []*packet.Buffer) {
	t.Helper()
	var s Splitter
	h, err := packet.Parse(p)
	if err != nil || !s.Start(p, &h, size) {
		t.Fatalf("failed to start: %v", err)
	}
	var left []Pieces
	for s.More() {
		n := s.Len()
		left = append(left, s.Left())
		q := s.Next()
		if len(q) != n {
			t.Fatalf("%d bytes, said %d", len(q), n)
		}
		b := packet.NewBuffer(packet.MaxSize)
		b.Set(q)
		list = append(list, b)
	}
	for i, p := range left {
		if want := (Pieces{len(list) - i, list[i].Len(), list[len(list)-1].Len()}); p != want {
			t.Fatalf("%+v were left before packet %d, want %+v", p, i, want)
		}
	}
	return list
}

func TestRoundTrip(t *testing.T) {
	for _, proto := range []uint8{packet.TCP, packet.UDP} {
		for _, six := range []bool{false, true} {
			for _, data := range []int{1, 1000, 1001, 40000, 63000} {
				t.Run(fmt.Sprintf("%d/%v/%d", proto, six, data), func(t *testing.T) {
					p := super(proto, six, data)
					whole := bytes.Clone(p)
					list := split(t, p, 1000)
					var j Joiner
					j.Join(list)
					if len(j.Groups) != 1 || j.Groups[0].Count != (data+999)/1000 {
						t.Fatalf("%d groups of %d packets: %+v", len(j.Groups), len(list), j.Groups)
					}
					g := &j.Groups[0]
					g.Finish()
					got := bytes.Clone(list[0].Bytes())
					for i := j.After(0); i >= 0; i = j.After(i) {
						got = append(got, list[i].Bytes()[g.Head:]...)
					}
					again := split(t, got, max(g.Size, 1))
					if !slices.EqualFunc(list, again, func(a, b *packet.Buffer) bool { return len(a.Bytes()) == len(b.Bytes()) }) || len(got) != len(whole) {
						t.Error("what is joined is not what was cut")
					}
				})
			}
		}
	}
}

func TestNothingToCut(t *testing.T) {
	tcp := super(packet.TCP, false, 3000)
	change := func(f func(p []byte)) []byte {
		p := bytes.Clone(tcp)
		f(p)
		return p
	}
	for name, c := range map[string]struct {
		p    []byte
		size int
	}{
		"no size":                    {tcp, 0},
		"a fragment":                 {change(func(p []byte) { p[6] = 0x20 }), 1000},
		"neither TCP nor UDP":        {change(func(p []byte) { p[9] = packet.ICMP }), 1000},
		"a TCP header beyond it all": {change(func(p []byte) { packet.SetLength(p[:20], 45); p[32] = 15 << 4 }), 1000},
		"a TCP header too short":     {change(func(p []byte) { p[32] = 4 << 4 }), 1000},
		"no TCP header":              {change(func(p []byte) { packet.SetLength(p[:20], 30) }), 1000},
	} {
		var s Splitter
		h, err := packet.Parse(c.p)
		if err != nil {
			t.Fatal(err)
		}
		if s.Start(c.p, &h, c.size) || s.More() {
			t.Errorf("%s is cut", name)
		}
	}
}

func TestParse(t *testing.T) {
	udp := super(packet.UDP, false, 100)
	binary.BigEndian.PutUint16(udp[24:], 108)
	want := bytes.Clone(udp)
	h, _ := packet.Parse(want)
	want[26] = 1
	packet.FixTransport(want, &h)
	binary.BigEndian.PutUint16(udp[26:], packet.Pseudo(udp, packet.UDP, 108))
	header := func(flags, kind uint8, size, start, at uint16) []byte {
		p := []byte{flags, kind, 0, 0}
		for _, w := range []uint16{size, start, at} {
			p = binary.NativeEndian.AppendUint16(p, w)
		}
		return append(p, udp...)
	}
	for name, c := range map[string]struct {
		in   []byte
		ok   bool
		size int
		want []byte
	}{
		"as it is":                         {header(0, 0, 0, 0, 0), true, 0, udp},
		"a checksum to complete":           {header(1, 0, 0, 20, 6), true, 0, want},
		"the same, in no byte of it":       {header(1, 0, 0, 20, 200), false, 0, nil},
		"the same, at the end":             {header(1, 0, 0, 20, 107), false, 0, nil},
		"the same, from beyond":            {header(1, 0, 0, 2000, 0), false, 0, nil},
		"the same, far beyond":             {header(1, 0, 0, 65535, 65535), false, 0, nil},
		"TCP":                              {header(1, 1, 1000, 20, 16), true, 1000, udp},
		"TCP with ECN":                     {header(1, 0x81, 1000, 20, 16), true, 1000, udp},
		"in pieces of nothing":             {header(1, 4, 0, 20, 16), false, 0, nil},
		"UDP in fragments, as it was once": {header(1, 3, 1000, 20, 6), false, 0, nil},
		"less than a header":               {make([]byte, 9), false, 0, nil},
	} {
		got, size, ok := Parse(c.in)
		if ok != c.ok || size != c.size || ok && !bytes.Equal(got, c.want) {
			t.Errorf("%s: %x, %d, %v", name, got, size, ok)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(super(packet.TCP, false, 3000), uint16(1000))
	f.Add(super(packet.UDP, true, 300), uint16(7))
	f.Fuzz(func(t *testing.T, p []byte, size uint16) {
		h, err := packet.Parse(p)
		var s Splitter
		if err != nil || !s.Start(p, &h, int(size)) {
			return
		}
		for s.More() {
			if _, err := packet.Parse(s.Next()); err != nil {
				t.Fatalf("%v of a packet of %x", err, p)
			}
		}
	})
}

func FuzzJoin(f *testing.F) {
	p := super(packet.TCP, false, 10)
	f.Add(p, p)
	f.Add(super(packet.UDP, true, 30), super(packet.UDP, true, 10))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		list := []*packet.Buffer{packet.NewBuffer(packet.MaxSize), packet.NewBuffer(packet.MaxSize), packet.NewBuffer(packet.MaxSize)}
		list[0].Set(a)
		list[1].Set(b)
		list[2].Set(a)
		var j Joiner
		j.Join(list)
		count := 0
		var v Vnet
		for i := range j.Groups {
			count += j.Groups[i].Count
			j.Groups[i].Finish()
			v.Put(&j.Groups[i])
		}
		if count != len(list) {
			t.Fatalf("%d packets of %d", count, len(list))
		}
	})
}

func TestNoAllocation(t *testing.T) {
	p := super(packet.TCP, false, 60000)
	h, err := packet.Parse(p)
	if err != nil {
		t.Fatal(err)
	}
	list := split(t, super(packet.TCP, false, 60000), 1360)
	var s Splitter
	var j Joiner
	n := testing.AllocsPerRun(20, func() {
		if !s.Start(p, &h, 1360) {
			t.Fatal("failed to start")
		}
		for s.More() {
			s.Next()
		}
		if j.Join(list); len(j.Groups) == len(list) {
			t.Fatal("nothing was joined")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSplit(b *testing.B) {
	p := super(packet.TCP, false, 60000)
	h, _ := packet.Parse(p)
	work := make([]byte, len(p))
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	var s Splitter
	for b.Loop() {
		copy(work, p)
		s.Start(work, &h, 1360)
		for s.More() {
			s.Next()
		}
	}
}

func BenchmarkJoin(b *testing.B) {
	list := split(b, super(packet.TCP, false, 60000), 1360)
	b.SetBytes(60000)
	b.ReportAllocs()
	var j Joiner
	for b.Loop() {
		j.Join(list)
	}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }
