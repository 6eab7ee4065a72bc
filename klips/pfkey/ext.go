package pfkey

import (
	"net/netip"

	"ipsec/klips"
	"ipsec/klips/said"
)

// Kind tells extensions of a message apart.
type Kind uint16

// The kinds of RFC 2367, section 3.3, those of KLIPS, and, from 64, our own.
const (
	KindSA           Kind = 1
	KindCurrent      Kind = 2
	KindHard         Kind = 3
	KindSoft         Kind = 4
	KindSrc          Kind = 5
	KindDst          Kind = 6
	KindKeyAuth      Kind = 8
	KindKeyEncrypt   Kind = 9
	KindIdentSrc     Kind = 10
	KindIdentDst     Kind = 11
	KindSPIRange     Kind = 16
	KindSrcFlow      Kind = 21
	KindDstFlow      Kind = 22
	KindDebug        Kind = 25
	KindEncapSrcPort Kind = 28 // X_NAT_T_SPORT
	KindEncapDstPort Kind = 29 // X_NAT_T_DPORT

	KindTunnelSrc  Kind = 64
	KindTunnelDst  Kind = 65
	KindTrapSrc    Kind = 66 // the eroute that an ACQUIRE comes from
	KindTrapDst    Kind = 67
	KindNewDst     Kind = 68 // where a NAT has moved the peer to
	KindReplay     Kind = 69
	KindUsage      Kind = 70
	KindGroup      Kind = 71
	KindInflow     Kind = 72
	KindAttachment Kind = 73
	KindSettings   Kind = 74
	KindError      Kind = 75
	KindDrop       Kind = 76
	KindGroups     Kind = 77
)

// Ext is an extension of a message: one of the types of this file.
type Ext interface {
	Kind() Kind
	// append writes what follows length and kind, which takes up 4 bytes.
	append(b []byte) ([]byte, error)
}

// Flags of Association.
const (
	FlagReplace  = 1 << 1 // of AddFlow: in place of one that is there
	FlagClear    = 1 << 2 // of DelFlow: all
	FlagInflow   = 1 << 3 // of AddFlow, DelFlow: a flow that may come out of the SA
	FlagOutbound = 1 << 4 // of an SA that is read
)

// Association is sadb_sa: the SPI of an SA and its algorithms by number.
type Association struct {
	SPI                          uint32
	Replay, State, Auth, Encrypt uint8
	Flags                        uint32
}

// Lifetime is sadb_lifetime with the packets that KLIPS counts as well. Times
// are in seconds, of the kind KindCurrent since 1970.
type Lifetime struct {
	Of                               Kind
	Allocations                      uint32
	Bytes, AddTime, UseTime, Packets uint64
}

// Address is sadb_address.
type Address struct {
	Of    Kind
	Proto uint8
	Bits  uint8 // the length of the prefix
	Addr  netip.Addr
	Port  uint16
}

// Key is sadb_key: a key of whole bytes.
type Key struct {
	Of  Kind
	Key []byte
}

// Identity is sadb_ident, by its text alone.
type Identity struct {
	Of   Kind
	Text string
}

// SPIRange is sadb_spirange.
type SPIRange struct {
	Min, Max uint32
}

// Port is a UDP port of ESP in UDP.
type Port struct {
	Of   Kind
	Port uint16
}

// Replay says what the replay field of sadb_sa is too narrow for.
type Replay struct {
	Window uint32
	ESN    bool
}

// Usage is what sadb_lifetime has no place for. Last is in seconds since 1970.
type Usage struct {
	Last, Seq, Replays, Auths, Policies, Others uint64
}

// SAIDs is a group of SAs, innermost first.
type SAIDs struct {
	IDs []said.SAID
}

// Groups is SAs in groups, as one message of type Add for each, whose sequence
// number is the number of its group.
type Groups struct {
	Messages []*Message
}

// Inflow is the inbound policy of an SA.
type Inflow struct {
	Flows []klips.Selector
}

// Attachment is a virtual interface and the physical one that it is bound to.
type Attachment struct {
	klips.Attachment
}

// Drop counts the packets that were dropped for one reason.
type Drop struct {
	klips.Drop
}

// Switches are the settings that are on or off.
type Switches struct {
	FragICMP, HideTOS bool
}

// Text is words: the flags of klipsdebug(8), or why a request failed.
type Text struct {
	Of   Kind
	Text string
}

// Kind returns KindSA.
func (Association) Kind() Kind { return KindSA }

// Kind returns e.Of.
func (e Lifetime) Kind() Kind { return e.Of }

// Kind returns e.Of.
func (e Address) Kind() Kind { return e.Of }

// Kind returns e.Of.
func (e Key) Kind() Kind { return e.Of }

// Kind returns e.Of.
func (e Identity) Kind() Kind { return e.Of }

// Kind returns KindSPIRange.
func (SPIRange) Kind() Kind { return KindSPIRange }

// Kind returns e.Of.
func (e Port) Kind() Kind { return e.Of }

// Kind returns KindReplay.
func (Replay) Kind() Kind { return KindReplay }

// Kind returns KindUsage.
func (Usage) Kind() Kind { return KindUsage }

// Kind returns KindGroup.
func (SAIDs) Kind() Kind { return KindGroup }

// Kind returns KindGroups.
func (Groups) Kind() Kind { return KindGroups }

// Kind returns KindInflow.
func (Inflow) Kind() Kind { return KindInflow }

// Kind returns KindAttachment.
func (Attachment) Kind() Kind { return KindAttachment }

// Kind returns KindDrop.
func (Drop) Kind() Kind { return KindDrop }

// Kind returns KindSettings.
func (Switches) Kind() Kind { return KindSettings }

// Kind returns e.Of.
func (e Text) Kind() Kind { return e.Of }
