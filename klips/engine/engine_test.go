package engine

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"ipsec/klips"
	"ipsec/klips/algorithm"
	"ipsec/klips/klipstest"
	"ipsec/klips/packet"
	"ipsec/klips/said"
)

// TestCarry sends packets through each kind of SA group, of each algorithm, in
// and over both families.
func TestCarry(t *testing.T) {
	type nets struct{ name, src, dst, srcNet, dstNet, from, to string }
	places := []nets{
		{"4 in 4", "192.1.2.23", "192.1.2.45", "10.1.0.0/16", "10.2.0.0/16", "10.1.0.1:1000", "10.2.0.1:2000"},
		{"6 in 4", "192.1.2.23", "192.1.2.45", "fd01::/16", "fd02::/16", "[fd01::1]:1000", "[fd02::1]:2000"},
		{"4 in 6", "2001:db8:1::23", "2001:db8:1::45", "10.1.0.0/16", "10.2.0.0/16", "10.1.0.1:1000", "10.2.0.1:2000"},
		{"6 in 6", "2001:db8:1::23", "2001:db8:1::45", "fd01::/16", "fd02::/16", "[fd01::1]:1000", "[fd02::1]:2000"},
		{"transport 4", "192.1.2.23", "192.1.2.45", "192.1.2.23/32", "192.1.2.45/32", "192.1.2.23:1000", "192.1.2.45:2000"},
		{"transport 6", "2001:db8:1::23", "2001:db8:1::45", "2001:db8:1::23/128", "2001:db8:1::45/128", "[2001:db8:1::23]:1000", "[2001:db8:1::45]:2000"},
	}
	groups := [][]said.Proto{{said.ESP}, {said.AH}, {said.COMP, said.ESP}, {said.ESP, said.AH}, {said.COMP, said.ESP, said.AH}}
	type suite struct {
		name  string
		sa    klips.SA
		encap bool
	}
	suites := []suite{{name: "esn", sa: klips.SA{Enc: "aesgcm16", EncKey: key(20, 1), ESN: true, ReplayWindow: 4096}}, {name: "udp", sa: gcm(), encap: true}}
	for _, c := range algorithm.Ciphers() {
		sa := klips.SA{Enc: c.Name, EncKey: key(c.Keys[len(c.Keys)-1], 3), ReplayWindow: 32}
		if !c.AEAD() {
			sa.Auth, sa.AuthKey = "sha1-96", key(20, 4)
		}
		suites = append(suites, suite{name: c.Name, sa: sa})
	}
	for _, place := range places {
		for _, group := range groups {
			for _, s := range suites {
				if s.encap && group[len(group)-1] == said.AH {
					continue
				}
				if strings.HasSuffix(place.name, " 6") && s.name != "udp" && s.name != "aes" && s.name != "esn" {
					continue // the family makes no difference to the cipher
				}
				c := conn{src: place.src, dst: place.dst, srcNet: place.srcNet, dstNet: place.dstNet, protos: group, sa: s.sa, encap: s.encap}
				if !strings.HasPrefix(place.name, "transport") {
					c.protos = append([]said.Proto{said.IPIP}, group...)
				}
				t.Run(fmt.Sprintf("%s/%v/%s", place.name, group, s.name), func(t *testing.T) {
					carry(t, c, place.from, place.to)
				})
			}
		}
	}
}

func carry(t *testing.T, c conn, from, to string) {
	n, west, east := pair(t, klips.Settings{FragICMP: true})
	seen := map[uint8]int{}
	n.Alter = func(p []byte) [][]byte {
		if h, err := packet.Parse(p); err == nil {
			seen[h.Proto]++
		}
		return [][]byte{p}
	}
	c.up(west, east, 0x1001)
	for _, size := range []int{0, 1, 13, 64, 100, 500, 1200} {
		p := udp(from, to, size)
		west.device.Send(p)
		if c.encap && c.protos[0] != said.IPIP && p[0]>>4 == 4 {
			p[4], p[5] = 0, 0 // the header did not come with the datagram
			packet.SetLength(p, len(p))
		}
		if got := receive(t, east.device.Received); !bytes.Equal(got, p) {
			t.Fatalf("%d bytes: got\n%x, want\n%x", size, got, p)
		}
	}
	outer := map[said.Proto]uint8{said.ESP: packet.ESP, said.AH: packet.AH}[c.protos[len(c.protos)-1]]
	if c.encap {
		outer = packet.UDP
	}
	west.must(west.Close()) // and so no more is sent
	if len(seen) != 1 || seen[outer] != 7 {
		t.Errorf("protocols on the wire %v, want 7 packets of %d", seen, outer)
	}
}

// TestTable holds the engine against the table that stands for it elsewhere.
func TestTable(t *testing.T) {
	want := klipstest.Exercise(klipstest.New(klips.Settings{FragICMP: true}))
	got := klipstest.Exercise(New(Options{Settings: klips.Settings{FragICMP: true}}))
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			t.Errorf("missing: %s", want[i])
		case i >= len(want):
			t.Errorf("beyond: %s", got[i])
		case got[i] != want[i]:
			t.Errorf("got %s\nwant %s", got[i], want[i])
		}
	}
}
