// Package klips holds the vocabulary of the data plane: security associations,
// eroutes and attachments as the daemon, its PF_KEY socket, its clients and
// its packet engine speak of them. The parts lie below it:
//
//	said       names of SAs
//	esp, ah, ipcomp   transforms: packets to packets, under keys
//	replay     the anti-replay window
//	packet     IPv4, IPv6, ICMP, UDP headers: reading, writing, checksums
//	chain      the order of the SAs of a group; the SAs of a Bundle
//	sadb       the SAs in force, their groups and lifetimes
//	eroute     the table of flows: which packets go to which SA
//	route      which networks the host routes into KLIPS, and what leaks past it
//	tun, wire  the virtual interfaces, and the sockets on the physical ones
//	segment    packets that the host hands over in one piece: cutting, joining
//	offload    the names of the ways in which the kernel does so
//	netfilter  which rules could look at ESP, so that it must not go past them
//	engine     the packet paths, out and in, over interfaces that a System opens
//	linux      the System of Linux: TUN devices, sockets and AF_XDP put together
//	pfkey      PF_KEYv2 messages: bytes to values and back
//	proc       the tables, in the layout of /proc/net/ipsec_*
//	options    the values of options that KLIPS's tools share
//	client     speaks PF_KEY to the daemon
//	server     the PF_KEY socket in front of a Table
//	daemon     the process "ipsec klips": the engine behind its sockets
//	process    what both daemons do to be one: locks, background, privileges
//	klipstest  a Table of maps, for tests
package klips

import (
	"net/netip"
	"time"

	"ipsec/klips/offload"
	"ipsec/klips/said"
)

// SA describes a security association: what spi(8) and Pluto set, and what
// they read back. Keys are present when it is set and absent when it is read.
type SA struct {
	ID  said.SAID
	Src netip.Addr // the address that it is sent from; may be unspecified

	Enc     string // of ESP: "3des", "aes", "aesctr", "aesgcm16", "aesgcm12", "aesgcm8", "aesccm16", "aesccm12", "aesccm8", "chacha20poly1305", "null"
	EncKey  []byte `json:"-"` // for an AEAD or CTR the key followed by the salt or nonce (RFC 4106, 4309, 3686, 7634)
	Auth    string // of ESP and AH: "md5-96", "sha1-96", "sha2_256-128", "sha2_256-96", "sha2_384-192", "sha2_512-256", "aes_xcbc-96", "aes_cmac-96"; "" with an AEAD
	AuthKey []byte `json:"-"`
	Comp    string // of COMP: "deflate"

	// ReplayWindow is the number of sequence numbers remembered: 0 (no check)
	// or 32 to 4096. ESN is on for extended sequence numbers (RFC 4304).
	ReplayWindow int
	ESN          bool
	Encap        Encap // UDP encapsulation of ESP (RFC 3948)

	Soft, Hard Lifetime

	// TunnelSrc and TunnelDst are the outer addresses of an SA of protocol
	// IPIP; the family inside is whatever the packet has.
	TunnelSrc, TunnelDst netip.Addr

	// Inflow lists the flows that may come out of this SA: the inbound policy.
	// Empty on an outbound SA, and on one whose packets go unchecked.
	Inflow []Selector

	Outbound bool        // set when read: it carries packets away from here
	Group    []said.SAID // set when read: the SAs grouped with it, innermost first
	Usage    Usage       // set when read
}

// EncapPort is the UDP port of ESP in UDP, and of IKE beside it (RFC 3948).
const EncapPort = 4500

// Encap is the UDP encapsulation of an ESP SA. The zero value is none.
type Encap struct {
	SrcPort, DstPort uint16
}

// On reports whether ESP travels in UDP.
func (e Encap) On() bool { return e.SrcPort != 0 }

// Lifetime is a limit; zero fields do not limit. RFC 2367, section 2.3.2.
type Lifetime struct {
	Allocations uint32
	Bytes       uint64
	Packets     uint64
	AddTime     time.Duration // since the SA was set
	UseTime     time.Duration // since its first packet
}

// Usage is what an SA has done so far.
type Usage struct {
	Bytes, Packets                        uint64
	Added, FirstUse, Last                 time.Time // zero when not yet
	Seq                                   uint64    // the last sequence number sent, or the highest received
	ReplayErrors                          uint64
	AuthErrors, PolicyErrors, OtherErrors uint64
}

// Selector is a flow: addresses, protocol and ports. Proto 0 and port 0 mean any.
type Selector struct {
	Src, Dst         netip.Prefix
	Proto            uint8
	SrcPort, DstPort uint16
}

// Shunt is what an eroute does without an SA.
type Shunt uint8

// The shunts of ipsec_eroute(8). ShuntNone means that the eroute has an SA.
const (
	ShuntNone Shunt = iota
	ShuntPass
	ShuntDrop
	ShuntReject
	ShuntTrap
	ShuntHold
)

// String returns %pass and the like; "" for ShuntNone.
func (s Shunt) String() string {
	return [...]string{"", "%pass", "%drop", "%reject", "%trap", "%hold"}[s]
}

// Eroute sends the packets of a flow to the first SA of a group, or to a shunt.
type Eroute struct {
	Selector
	SAID    said.SAID // for a shunt: protocol INT and the SPI of the shunt
	Ident   [2]string // identities of source and destination, may be empty
	Packets uint64    // set when read
	Last    time.Time // set when read
}

// Attachment binds a virtual interface to a physical one, tncfg(8).
type Attachment struct {
	Virtual, Physical string
	XDP               offload.Use // when raw ESP goes past netfilter
	MTU               int         // of the virtual interface, set when read
	PhysicalMTU       int         // set when read
	Offloads          string      // set when read: which are in use, and why others are not, for a person
	Watcher           string      // set when read: the rule of netfilter that keeps raw ESP from going by AF_XDP, for a person; "" for none
}

// Settings are what the daemon is started with, and klipsdebug(8) changes.
type Settings struct {
	FragICMP bool     // answer a packet that is too big with ICMP
	HideTOS  bool     // outer TOS 0 in place of the inner one's
	Debug    []string // flags of klipsdebug(8)
}

// Table is the set of operations that the daemon offers and that its client
// forwards: one method for each thing that a tool or Pluto can ask for.
// Errors wrap syscall.Errno values (EEXIST, ENOENT, EINVAL, …), which is what
// PF_KEY carries.
type Table interface {
	AddSA(SA) error              // EEXIST when there is one of that SAID
	UpdateSA(SA) error           // replaces lifetimes, encapsulation, keys of a larval one
	DelSA(said.SAID) error       // ENOENT; its group loses it
	GetSA(said.SAID) (SA, error) // without keys
	// CheckSA asks whether an SA of ESP or AH has the algorithms and keys of this one: EKEYREJECTED where it has
	// others, ENOENT where there is none.
	CheckSA(SA) error
	ListSAs() ([]SA, error) // in a stable order
	ClearSAs() error
	// GetSPI reserves an SPI in [min, max] for proto, src and dst.
	GetSPI(proto said.Proto, src, dst netip.Addr, min, max uint32) (uint32, error)
	// GroupSAs chains two to four SAs, innermost first: tun, comp, esp, ah. Of
	// one SA it takes the group apart, whose SAs then carry nothing until they
	// are grouped again.
	GroupSAs([]said.SAID) error
	// AddGroups sets SAs, each list of one to four grouped as GroupSAs does; one
	// whose SPI is reserved gets its keys. It is all or nothing: where one of them
	// cannot be set, all is as before.
	AddGroups(groups ...[]SA) error
	// AddInflow lets a flow come out of an SA, DelInflow takes that back.
	AddInflow(said.SAID, Selector) error
	DelInflow(said.SAID, Selector) error

	AddEroute(Eroute) error     // EEXIST when the flow has one
	ReplaceEroute(Eroute) error // adds where there is none
	DelEroute(Selector) error   // ENOENT
	ListEroutes() ([]Eroute, error)
	ClearEroutes() error

	// Attach makes the virtual interface where it does not exist and binds
	// it: EBUSY when it is bound, unless just so but for XDP, ENODEV when there is no such physical one.
	// Detach unbinds it and takes away one that KLIPS made: ENOENT when it is
	// not bound.
	Attach(Attachment) error
	Detach(virtual string) error
	ListAttachments() ([]Attachment, error)
	ClearAttachments() error

	// ListDrops says how many packets have been dropped since KLIPS started, by
	// why they were; what has not happened is left out.
	ListDrops() ([]Drop, error)

	SetDebug(flags []string) error
	GetSettings() (Settings, error)
}

// Shunt returns which shunt the eroute stands for, ShuntNone when it has an SA.
func (e Eroute) Shunt() Shunt { return ShuntOf(e.SAID) }

// ShuntOf returns which shunt id names, ShuntNone when it names an SA.
func ShuntOf(id said.SAID) Shunt {
	if id.Proto != said.INT {
		return ShuntNone
	}
	switch id.SPI {
	case said.SPIPass:
		return ShuntPass
	case said.SPIDrop:
		return ShuntDrop
	case said.SPIReject:
		return ShuntReject
	case said.SPITrap:
		return ShuntTrap
	case said.SPIHold:
		return ShuntHold
	}
	return ShuntNone
}
