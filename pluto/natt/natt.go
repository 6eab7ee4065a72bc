// Package natt is what IKE does about NAT, whatever its version: it finds out who is behind one
// by hashes of addresses (RFC 7296, section 2.23; RFC 3947, section 3.2), and keeps the mapping
// of one alive (RFC 3948, section 4).
package natt

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"hash"
	"net/netip"
	"time"

	"ipsec/klips"
)

// The UDP ports of IKE, and of IKE and ESP behind a NAT.
const (
	PortIKE = 500
	Port    = klips.EncapPort
)

// KeepAlive is the time between two keepalives where nothing else is sent.
const KeepAlive = 20 * time.Second

// keepalive is all that a keepalive says.
const keepalive = 0xff

// Keepalive returns the payload of a keepalive, which goes without the marker of IKE
// and which a peer does not answer (RFC 3948, section 2.3).
func Keepalive() []byte { return []byte{keepalive} }

// IsKeepalive reports whether a datagram is a keepalive.
func IsKeepalive(datagram []byte) bool { return len(datagram) == 1 && datagram[0] == keepalive }

// State is what detection has found about the two ends.
type State struct {
	Here, There bool // that end is behind a NAT
	Forced      bool // ESP goes in UDP all the same: forceencaps=
}

// Encapsulates reports whether ESP goes in UDP.
func (s State) Encapsulates() bool { return s.Here || s.There || s.Forced }

// A Hasher hides an address of one IKE SA: the hash of its SPIs (in IKEv1, its cookies), the
// address and the port.
type Hasher func(netip.AddrPort) []byte

// NewHasher returns the Hasher of the IKE SA with those SPIs. IKEv2 hashes by SHA-1, IKEv1
// by what was negotiated.
func NewHasher(h func() hash.Hash, spiI, spiR [8]byte) Hasher {
	return func(a netip.AddrPort) []byte {
		sum := h()
		sum.Write(spiI[:])
		sum.Write(spiR[:])
		sum.Write(a.Addr().AsSlice())
		sum.Write(binary.BigEndian.AppendUint16(nil, a.Port()))
		return sum.Sum(nil)
	}
}

// SHA1 is NewHasher as IKEv2 has it.
func SHA1(spiI, spiR [8]byte) Hasher { return NewHasher(sha1.New, spiI, spiR) }

// Detect compares what the peer saw, the hashes of its own addresses (several, where it does not
// know by which it is seen) and those of ours, with what we see. It returns false where the
// peer has sent one of the two not at all: it does not do NAT traversal.
func Detect(h Hasher, sources, destinations [][]byte, local, remote netip.AddrPort) (State, bool) {
	if len(sources) == 0 || len(destinations) == 0 {
		return State{}, false
	}
	seen := func(hashes [][]byte, a netip.AddrPort) bool {
		want := h(a)
		for _, got := range hashes {
			if bytes.Equal(got, want) {
				return true
			}
		}
		return false
	}
	return State{Here: !seen(destinations, local), There: !seen(sources, remote)}, true
}
