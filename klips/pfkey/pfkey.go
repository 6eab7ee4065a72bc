// Package pfkey is PF_KEYv2 (RFC 2367): messages to bytes and back. A message
// is a header and a run of extensions, all of a whole number of 64-bit words,
// in host byte order but for SPIs, ports and addresses.
//
// Beside what the RFC has there are the messages that KLIPS always had, under
// their old numbers (grouping, flows, debugging, NAT mappings), and, from 64
// on, extensions of our own: attachments, settings, replay windows of more
// than 255 packets, usage, the text of an error. Where the RFC sends replies
// to everyone who listens, ours go to the asker alone; a dump is one message
// for each entry, and ends with one of the same sequence number that has no
// extensions.
package pfkey

import (
	"fmt"
	"syscall"

	"ipsec/klips/said"
)

// Version is PF_KEY_V2, the first byte of every message.
const Version = 2

// MaxMessage is the longest message in bytes, by a limit of our own.
const MaxMessage = 64 << 10

// MaxFlows is the greatest number of flows that may come out of one SA, so
// that an SA always fits a message.
const MaxFlows = 1024

const headerSize = 16

// Type is the sort of a message.
type Type uint8

// The types of RFC 2367, section 3.1, those of KLIPS, and, from 64, our own.
const (
	GetSPI   Type = 1
	Update   Type = 2
	Add      Type = 3
	Delete   Type = 4
	Get      Type = 5
	Acquire  Type = 6
	Register Type = 7
	Expire   Type = 8
	Flush    Type = 9
	Dump     Type = 10

	Group      Type = 13 // X_GRPSA: chains SAs
	AddFlow    Type = 14 // X_ADDFLOW: sets an eroute, or lets a flow come in
	DelFlow    Type = 15 // X_DELFLOW: the reverse of each
	Debug      Type = 16 // X_DEBUG
	NewMapping Type = 17 // X_NAT_T_NEW_MAPPING

	DumpFlow   Type = 64
	Attach     Type = 65
	Detach     Type = 66 // without an extension: all
	DumpAttach Type = 67
	Settings   Type = 68
	DumpDrops  Type = 69
	AddGroups  Type = 70 // SAs, in groups, all or none
	Check      Type = 71 // an SA, as Add carries it: whether the one in force has its keys
)

var typeNames = map[Type]string{
	GetSPI: "GETSPI", Update: "UPDATE", Add: "ADD", Delete: "DELETE", Get: "GET", Acquire: "ACQUIRE", Register: "REGISTER",
	Expire: "EXPIRE", Flush: "FLUSH", Dump: "DUMP", Group: "X_GRPSA", AddFlow: "X_ADDFLOW", DelFlow: "X_DELFLOW",
	Debug: "X_DEBUG", NewMapping: "X_NAT_T_NEW_MAPPING", DumpFlow: "X_DUMPFLOW", Attach: "X_ATTACH", Detach: "X_DETACH",
	DumpAttach: "X_DUMPATTACH", Settings: "X_SETTINGS", DumpDrops: "X_DUMPDROPS", AddGroups: "X_ADDGROUPS", Check: "X_CHECK",
}

// String returns the name of t as RFC 2367 has it, without "SADB_".
func (t Type) String() string {
	if n, ok := typeNames[t]; ok {
		return n
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// SAType is the protocol of a message.
type SAType uint8

// The SA types of RFC 2367, section 3.2, and those of KLIPS.
const (
	Unspec SAType = 0
	AH     SAType = 2
	ESP    SAType = 3
	IPIP   SAType = 9
	COMP   SAType = 10
	INT    SAType = 11
)

// SATypeOf returns the SA type of a protocol; Unspec when it has none.
func SATypeOf(p said.Proto) SAType {
	switch p {
	case said.AH:
		return AH
	case said.ESP:
		return ESP
	case said.IPIP:
		return IPIP
	case said.COMP:
		return COMP
	case said.INT:
		return INT
	}
	return Unspec
}

// Proto returns the protocol of an SA type; 0 when it has none.
func (t SAType) Proto() said.Proto {
	for _, p := range []said.Proto{said.AH, said.ESP, said.IPIP, said.COMP, said.INT} {
		if SATypeOf(p) == t {
			return p
		}
	}
	return 0
}

// Message is a PF_KEY message.
type Message struct {
	Type   Type
	Errno  syscall.Errno // of a reply: 0 when what was asked for is done
	SAType SAType
	Seq    uint32 // a reply has that of the request
	PID    uint32 // of the process that asked
	Exts   []Ext  // no two of the same kind
}

// Reply returns the beginning of an answer to m.
func (m *Message) Reply(exts ...Ext) *Message {
	return &Message{Type: m.Type, SAType: m.SAType, Seq: m.Seq, PID: m.PID, Exts: exts}
}

// find returns the extension of type T and that kind.
func find[T Ext](m *Message, kind Kind) (ext T, ok bool) {
	for _, e := range m.Exts {
		if e.Kind() == kind {
			ext, ok = e.(T)
			return ext, ok
		}
	}
	return ext, false
}

// invalid is an error that wraps EINVAL.
func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, syscall.EINVAL)...)
}
