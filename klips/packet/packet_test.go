package packet

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// slowSum is RFC 1071 word by word.
func slowSum(b []byte, sum uint32) uint16 {
	for i, c := range b {
		if i%2 == 0 {
			sum += uint32(c) << 8
		} else {
			sum += uint32(c)
		}
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

func TestSum(t *testing.T) {
	// The example of RFC 1071, section 3.
	if got := Sum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}, 0); got != 0xddf2 {
		t.Errorf("sum %#x, want 0xddf2", got)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for size := range 200 {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(r.Uint32() | r.Uint32()) // much is to be carried
		}
		initial := uint16(r.Uint32())
		if got, want := Sum(b, initial), slowSum(b, uint32(initial)); got != want && got^want != 0xffff {
			t.Fatalf("%d bytes: sum %#x, want %#x", size, got, want)
		}
		if size < 20 {
			continue
		}
		binary.BigEndian.PutUint16(b[10:], 0)
		sum := ^Sum(b, 0)
		old := binary.BigEndian.Uint16(b[4:])
		binary.BigEndian.PutUint16(b[4:], uint16(r.Uint32()))
		if got, want := Update(sum, old, binary.BigEndian.Uint16(b[4:])), ^Sum(b, 0); got != want {
			t.Fatalf("%d bytes: updated to %#x, want %#x", size, got, want)
		}
	}
	all := bytes.Repeat([]byte{0xff}, 4096)
	if got := Sum(all, 0xffff); got != 0xffff {
		t.Errorf("sum of ones %#x", got)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	addrs6 = "20010db8000000000000000000000001 20010db8000000000000000000000002 "
	udp    = "03e807d000080000"
)

func TestParse(t *testing.T) {
	src, dst := netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("10.2.0.1")
	src6, dst6 := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	for _, c := range []struct {
		name, in string
		want     Header
	}{
		{"UDP", "4500001c 00010000 40110000 0a010001 0a020001" + udp,
			Header{Version: 4, Src: src, Dst: dst, TTL: 64, Proto: UDP, Payload: 20, Total: 28, Split: 20, NextAt: 9, ProtoAt: 9, ID: 1, Ports: true, SrcPort: 1000, DstPort: 2000}},
		{"options, TOS, DF, and bytes behind", "46b80020 00014000 40110000 0a010001 0a020001 01010100" + udp + "ffff",
			Header{Version: 4, Src: src, Dst: dst, TOS: 0xb8, TTL: 64, Proto: UDP, Payload: 24, Total: 32, Split: 24, NextAt: 9, ProtoAt: 9, ID: 1, DF: true, Ports: true, SrcPort: 1000, DstPort: 2000}},
		{"first fragment", "4500001c 00012000 40110000 0a010001 0a020001" + udp,
			Header{Version: 4, Src: src, Dst: dst, TTL: 64, Proto: UDP, Payload: 20, Total: 28, Split: 20, NextAt: 9, ProtoAt: 9, ID: 1, More: true, Ports: true, SrcPort: 1000, DstPort: 2000}},
		{"later fragment", "4500001c 00010003 40110000 0a010001 0a020001" + udp,
			Header{Version: 4, Src: src, Dst: dst, TTL: 64, Proto: UDP, Payload: 20, Total: 28, Split: 20, NextAt: 9, ProtoAt: 9, ID: 1, Offset: 24}},
		{"no room for ports", "45000017 00010000 40110000 0a010001 0a020001 03e807",
			Header{Version: 4, Src: src, Dst: dst, TTL: 64, Proto: UDP, Payload: 20, Total: 23, Split: 20, NextAt: 9, ProtoAt: 9, ID: 1}},
		{"IPv6", "6b800000 0008 11 40" + addrs6 + udp,
			Header{Version: 6, Src: src6, Dst: dst6, TOS: 0xb8, TTL: 64, Proto: UDP, Payload: 40, Total: 48, Split: 40, NextAt: 6, ProtoAt: 6, DF: true, Ports: true, SrcPort: 1000, DstPort: 2000}},
		{"hop by hop, options", "60000000 0018 00 40" + addrs6 + "3c00010400000000 1100010400000000" + udp,
			Header{Version: 6, Src: src6, Dst: dst6, TTL: 64, Proto: UDP, Payload: 56, Total: 64, Split: 48, NextAt: 40, ProtoAt: 48, DF: true, Ports: true, SrcPort: 1000, DstPort: 2000}},
		{"options before routing", "60000000 0018 3c 40" + addrs6 + "2b00010400000000 1100000000000000" + udp,
			Header{Version: 6, Src: src6, Dst: dst6, TTL: 64, Proto: UDP, Payload: 56, Total: 64, Split: 56, NextAt: 48, ProtoAt: 48, DF: true, Ports: true, SrcPort: 1000, DstPort: 2000}},
		{"IPv6 fragment", "60000000 0010 2c 40" + addrs6 + "1100000112345678" + udp,
			Header{Version: 6, Src: src6, Dst: dst6, TTL: 64, Proto: UDP, Payload: 48, Total: 56, Split: 40, NextAt: 6, ProtoAt: 40, DF: true, More: true, ID: 0x12345678, Ports: true, SrcPort: 1000, DstPort: 2000}},
		{"later IPv6 fragment", "60000000 0010 2c 40" + addrs6 + "3c00001012345678" + udp,
			Header{Version: 6, Src: src6, Dst: dst6, TTL: 64, Proto: DstOpts, Payload: 48, Total: 56, Split: 40, NextAt: 6, ProtoAt: 40, DF: true, Offset: 16, ID: 0x12345678}},
	} {
		if got, err := Parse(unhex(t, c.in)); err != nil || got != c.want {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", c.name, got, err, c.want)
		}
	}
	for name, in := range map[string]string{
		"nothing":              "",
		"short":                "4500001c 00010000 40110000 0a010001 0a0200",
		"version":              "5500001c 00010000 40110000 0a010001 0a020001" + udp,
		"header length":        "4400001c 00010000 40110000 0a010001 0a020001" + udp,
		"longer than it is":    "4500001d 00010000 40110000 0a010001 0a020001" + udp,
		"shorter than header":  "45000013 00010000 40110000 0a010001 0a020001" + udp,
		"short IPv6":           "60000000 0000 3b 40 20010db8000000000000000000000001",
		"long IPv6":            "60000000 0009 11 40" + addrs6 + udp,
		"cut extension":        "60000000 0007 00 40" + addrs6 + "1100000000000000",
		"long extension":       "60000000 0008 00 40" + addrs6 + "1101000000000000",
		"late hop by hop":      "60000000 0010 3c 40" + addrs6 + "0000000000000000 1100000000000000",
		"fragment of fragment": "60000000 0010 2c 40" + addrs6 + "2c00000112345678 1100000112345678",
	} {
		if got, err := Parse(unhex(t, in)); err != ErrMalformed {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestECN is the table of RFC 6040, section 4.2.
func TestECN(t *testing.T) {
	const drop = 9
	want := [4][4]uint8{ // inner, outer
		NotECT: {NotECT: NotECT, ECT0: NotECT, ECT1: NotECT, CE: drop},
		ECT0:   {NotECT: ECT0, ECT0: ECT0, ECT1: ECT1, CE: CE},
		ECT1:   {NotECT: ECT1, ECT0: ECT1, ECT1: ECT1, CE: CE},
		CE:     {NotECT: CE, ECT0: CE, ECT1: CE, CE: CE},
	}
	for inner := range uint8(4) {
		for outer := range uint8(4) {
			got, ok := InnerTOS(0xb8|inner, 0x28|outer)
			switch w := want[inner][outer]; {
			case !ok && w != drop, ok && (w == drop || got != 0xb8|w):
				t.Errorf("inner %d outer %d: %#x %v, want %#x", inner, outer, got, ok, w)
			}
		}
	}
	if OuterTOS(0xbb, false) != 0xbb || OuterTOS(0xbb, true) != 0 {
		t.Error("outer TOS")
	}
	p4 := unhex(t, "4500001c 00010000 40110000 0a010001 0a020001"+udp)
	SetLength(p4, 28)
	SetTOS(p4, 0xbb)
	p6 := unhex(t, "6b8a1234 0008 11 40"+addrs6+udp)
	SetTOS(p6, 0x51)
	if p4[1] != 0xbb || Sum(p4[:20], 0) != 0xffff || !bytes.Equal(p6[:4], []byte{0x65, 0x1a, 0x12, 0x34}) {
		t.Errorf("%x %x", p4[:20], p6[:4])
	}
}

func TestSplit(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	heads := map[string]string{
		"IPv4":         "45000000 12340000 40110000 0a010001 0a020001",
		"IPv4 options": "48000000 12340000 40110000 0a010001 0a020001 44040000 94040000 00000000",
		"IPv6":         "60000000 0000 11 40" + addrs6,
		"IPv6 options": "60000000 0000 00 40" + addrs6 + "1100010400000000",
	}
	for name, head := range heads {
		for _, size := range []int{1, 8, 1000, 3001, 60000} {
			for _, mtu := range []int{128, 576, 1280, 1500} {
				p := unhex(t, head)
				first := len(p)
				for range size {
					p = append(p, byte(r.Uint32()))
				}
				SetLength(p, len(p))
				h, err := Parse(p)
				if err != nil {
					t.Fatal(name, err)
				}
				var data []byte
				var parts []*Buffer
				if !Split(p, &h, mtu, 77, func() *Buffer {
					parts = append(parts, NewBuffer(1500))
					return parts[len(parts)-1]
				}) {
					t.Fatalf("%s: %d bytes do not go into %d", name, size, mtu)
				}
				for i, b := range parts {
					f, err := Parse(b.Bytes())
					if err != nil || f.Total > mtu || f.Total != b.Len() || f.Offset != len(data) || f.More != (i < len(parts)-1) || f.Proto != UDP ||
						f.ID != map[bool]uint32{true: 0x1234, false: 77}[h.Version == 4] {
						t.Fatalf("%s: %d bytes, MTU %d, part %d: %+v, %v", name, size, mtu, i, f, err)
					}
					if h.Version == 4 && Sum(b.Bytes()[:f.Payload], 0) != 0xffff {
						t.Fatalf("%s: wrong checksum", name)
					}
					if i > 0 && h.Version == 4 && f.Payload > 20 && !bytes.Equal(b.Bytes()[20:28], []byte{1, 1, 1, 1, 0x94, 4, 0, 0}) {
						t.Fatalf("%s: options %x of a later fragment", name, b.Bytes()[20:28])
					}
					data = append(data, b.Bytes()[f.Payload:]...)
				}
				if !bytes.Equal(data, p[first:]) {
					t.Fatalf("%s: other data", name)
				}
			}
		}
	}
}

func TestSplitRefused(t *testing.T) {
	never := func() *Buffer { t.Fatal("a buffer was asked for"); return nil }
	p := unhex(t, "4500001c 00010000 40110000 0a010001 0a020001"+udp)
	h, _ := Parse(p)
	if Split(p, &h, 27, 1, never) {
		t.Error("data went into 7 bytes")
	}
	p = unhex(t, "60000000 0010 2c 40"+addrs6+"1100000112345678"+udp)
	h, _ = Parse(p)
	if Split(p, &h, 1280, 1, never) {
		t.Error("an IPv6 fragment was cut")
	}
}

func TestAnswers(t *testing.T) {
	udp4 := unhex(t, "4500001c 00010000 40110000 0a010001 0a020001"+udp)
	udp6 := unhex(t, "60000000 0008 11 40"+addrs6+udp)
	long6 := append(slices.Clone(udp6), make([]byte, 2000)...)
	SetLength(long6, len(long6))
	long4 := append(slices.Clone(udp4), make([]byte, 2000)...)
	SetLength(long4, len(long4))
	for _, c := range []struct {
		name   string
		packet []byte
		want   int // length of the answer, 0 for none
	}{
		{"UDP", udp4, 20 + 8 + 28},
		{"IPv6", udp6, 40 + 8 + 48},
		{"long", long4, 576},
		{"long IPv6", long6, 1280},
		{"echo", unhex(t, "4500001c 00010000 40010000 0a010001 0a020001 0800000000000000"), 56},
		{"ICMP error", unhex(t, "4500001c 00010000 40010000 0a010001 0a020001 0300000000000000"), 0},
		{"redirect", unhex(t, "4500001c 00010000 40010000 0a010001 0a020001 0500000000000000"), 0},
		{"empty ICMP", unhex(t, "45000014 00010000 40010000 0a010001 0a020001"), 0},
		{"ICMPv6 error", unhex(t, "60000000 0008 3a 40"+addrs6+"0300000000000000"), 0},
		{"ICMPv6 echo", unhex(t, "60000000 0008 3a 40"+addrs6+"8000000000000000"), 96},
		{"later fragment", unhex(t, "4500001c 00010003 40110000 0a010001 0a020001"+udp), 0},
		{"multicast", unhex(t, "4500001c 00010000 40110000 0a010001 e0000001"+udp), 0},
		{"broadcast", unhex(t, "4500001c 00010000 40110000 0a010001 ffffffff"+udp), 0},
		{"from nowhere", unhex(t, "4500001c 00010000 40110000 00000000 0a020001"+udp), 0},
	} {
		h, err := Parse(c.packet)
		if err != nil {
			t.Fatal(c.name, err)
		}
		for kind, build := range map[string]func(*Buffer) bool{
			"too big":    func(b *Buffer) bool { return TooBig(b, c.packet, &h, 1400) },
			"prohibited": func(b *Buffer) bool { return Prohibited(b, c.packet, &h) },
		} {
			b := NewBuffer(MaxSize)
			ok := build(b)
			if ok != (c.want > 0) || ok && b.Len() != c.want {
				t.Errorf("%s, %s: %v, %d bytes, want %d", c.name, kind, ok, b.Len(), c.want)
			}
			if !ok {
				continue
			}
			a, err := Parse(b.Bytes())
			if err != nil || a.Src != h.Dst || a.Dst != h.Src || a.Total != b.Len() {
				t.Errorf("%s, %s: %+v, %v", c.name, kind, a, err)
			}
			message, sum := b.Bytes()[a.Payload:], uint16(0)
			if a.Version == 6 {
				sum = pseudo(b.Bytes(), ICMPv6, len(message))
			}
			if Sum(message, sum) != 0xffff || !bytes.HasPrefix(c.packet, message[8:]) {
				t.Errorf("%s, %s: %x", c.name, kind, b.Bytes())
			}
		}
	}
}

// FuzzParse checks that what Parse accepts can be answered and cut.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"4500001c 00010000 40110000 0a010001 0a020001" + udp,
		"48000028 00010000 40110000 0a010001 0a020001 0744ff0000000000 00000000" + udp,
		"60000000 0018 00 40" + addrs6 + "3c00010400000000 1100010400000000" + udp,
		"60000000 0010 2c 40" + addrs6 + "1100000112345678" + udp,
	} {
		b, _ := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		f.Add(b, 600)
	}
	b := NewBuffer(MaxSize)
	f.Fuzz(func(t *testing.T, p []byte, mtu int) {
		p = p[:min(len(p), MaxSize)]
		h, err := Parse(p)
		if err != nil {
			return
		}
		if h.Payload > h.Total || h.Split > h.Payload || h.NextAt >= h.Split || h.ProtoAt >= h.Payload || h.Total > len(p) {
			t.Fatalf("%+v", h)
		}
		TooBig(b, p, &h, mtu)
		Prohibited(b, p, &h)
		Split(p, &h, mtu, 1, func() *Buffer { return b })
		FixTransport(p, &h)
		SetTOS(p, 3)
	})
}
