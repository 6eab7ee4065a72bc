package natt_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"testing"

	"ipsec/pluto/natt"
)

var (
	spiI = [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	spiR = [8]byte{9, 10, 11, 12, 13, 14, 15, 16}

	west   = netip.MustParseAddrPort("10.0.0.1:500")
	east   = netip.MustParseAddrPort("192.0.2.2:500")
	mapped = netip.MustParseAddrPort("203.0.113.1:61000")
)

// TestHasher pins what is hashed, and its order: SPIs, address, port. The sum is that of
// "printf '\001…\020\300\000\002\002\001\364' | sha1sum".
func TestHasher(t *testing.T) {
	const want = "e264aa5560bccc4e598f92040758ac0432d36c82"
	if got := hex.EncodeToString(natt.SHA1(spiI, spiR)(east)); got != want {
		t.Errorf("%s, expected %s", got, want)
	}
	if n := len(natt.NewHasher(sha256.New, spiI, spiR)(east)); n != sha256.Size {
		t.Errorf("%d bytes by SHA2-256", n)
	}
}

// TestDetect has a peer say what it sees, and compares it with what we see as west.
func TestDetect(t *testing.T) {
	h := natt.SHA1(spiI, spiR)
	for _, tt := range []struct {
		name                  string
		sources, destinations [][]byte
		state                 natt.State
		spoke                 bool
	}{
		{"nobody behind a NAT", [][]byte{h(east)}, [][]byte{h(west)}, natt.State{}, true},
		{"we are", [][]byte{h(east)}, [][]byte{h(mapped)}, natt.State{Here: true}, true},
		{"the peer is", [][]byte{h(mapped)}, [][]byte{h(west)}, natt.State{There: true}, true},
		{"the peer says that it is, by a hash of nothing", [][]byte{make([]byte, 20)}, [][]byte{h(west)}, natt.State{There: true}, true},
		{"the peer has several addresses", [][]byte{h(mapped), h(east)}, [][]byte{h(west)}, natt.State{}, true},
		{"another port counts, too", [][]byte{h(netip.AddrPortFrom(east.Addr(), 501))}, [][]byte{h(west)}, natt.State{There: true}, true},
		{"no sources", nil, [][]byte{h(west)}, natt.State{}, false},
		{"no destination", [][]byte{h(east)}, nil, natt.State{}, false},
		{"nothing", nil, nil, natt.State{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			state, spoke := natt.Detect(h, tt.sources, tt.destinations, west, east)
			if state != tt.state || spoke != tt.spoke {
				t.Errorf("%+v, %v, expected %+v, %v", state, spoke, tt.state, tt.spoke)
			}
			if state.Encapsulates() != (tt.state.Here || tt.state.There) {
				t.Error("ESP goes in UDP if and only if there is a NAT")
			}
		})
	}
	if !(natt.State{Forced: true}).Encapsulates() {
		t.Error("forceencaps= does not force")
	}
}

func TestKeepalive(t *testing.T) {
	if !natt.IsKeepalive(natt.Keepalive()) || !bytes.Equal(natt.Keepalive(), []byte{0xff}) {
		t.Error("a keepalive is one byte, 0xff")
	}
	for _, b := range [][]byte{nil, {0}, {0xff, 0xff}} {
		if natt.IsKeepalive(b) {
			t.Errorf("% x is taken for a keepalive", b)
		}
	}
}
