// Package pluto holds the vocabulary of the key-negotiation daemon: the
// connections that whack(8) hands to it, the Child SAs that a version of IKE
// negotiates for them, and the few interfaces by which its parts know each
// other. The parts lie below it:
//
//	alarm        deadlines of many owners in one heap
//	limit        what strangers can make Pluto say and keep
//	natt         NAT detection, the ports of NAT traversal, keepalives
//	traffic      traffic selectors, narrowing, and the flows that come of them
//	suite        the algorithms that IKE negotiates
//	credential   the keys and certificates of this host
//	ikev2        the protocol of RFC 7296; below it message, offer, keys and proof
//	versions     all versions of IKE as one
//	connection   the connections in force, above any version of IKE
//	updown       what is done to routes when a connection comes and goes
//	whack        the control protocol of whack(8); below it cmdline and status
//	daemon       the process: sockets, netlink, control; below it stack, what carries packets
//	hostkey      the keys of this host, made and shown
//	plutotest    a clock, a network and a kernel for simulations
//
// IKE is messages in, messages and effects out. ikev2 and connection do no
// I/O and start no goroutine: one goroutine, the worker's loop, calls into
// them, and gives them time, randomness, a transport and a Kernel. So a test
// runs many of them in one process, on a clock of its own.
package pluto

import (
	"net/netip"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
)

// Clock tells the time. Timers are deadlines that their owner compares with
// it (see Negotiator.Next), so that virtual time can jump.
type Clock interface {
	Now() time.Time
}

// Datagram is an IKE message on its way, without the non-ESP marker of RFC 3948:
// that it needs one follows from the port of ours, 4500. A payload of the one byte
// 0xff is not a message but the keepalive of RFC 3948, section 2.3, and goes as it is.
type Datagram struct {
	Local, Remote netip.AddrPort
	Payload       []byte
}

// Transport sends IKE messages. It does not wait; a message that cannot be
// sent is lost, as IKE sends again, and the error is for the log.
type Transport interface {
	Send(Datagram) error
}

// Kernel is the data plane as Pluto needs it: it sets, reads and takes away SAs and
// eroutes. Errors wrap syscall.Errno. What is not said here is as klips.Table has it.
type Kernel interface {
	GetSPI(proto said.Proto, src, dst netip.Addr, min, max uint32) (uint32, error)
	// Install sets the SAs of bundles, all or none, and returns for each bundle the
	// names of its SAs: first the one that an eroute leads to, last the one that
	// encrypts or authenticates. EEXIST says that there is one of a name already; an
	// SPI that is reserved gets its keys.
	Install(bundles ...klips.Bundle) ([][]said.SAID, error)
	UpdateSA(klips.SA) error
	DelSA(said.SAID) error
	GetSA(said.SAID) (klips.SA, error)
	ListSAs() ([]klips.SA, error)
	ReplaceEroute(klips.Eroute) error
	DelEroute(klips.Selector) error
	ListEroutes() ([]klips.Eroute, error)
	ListAttachments() ([]klips.Attachment, error)
}

// Report is a line about a connection or one of its states, for the log and
// for the whacks that wait on that connection. Its text goes after
// `"name"[instance] address #serial: `.
type Report struct {
	Code   int // the number that whack(8) prints before it, see package whack
	Conn   *Connection
	Serial int // of the state, #1 and so on; 0 for none
	Text   string
	// Outcome tells waiting whacks that there is nothing more to wait for.
	Outcome Outcome
}

// Outcome is how an attempt to bring a connection up, or to take it down, ended.
type Outcome uint8

// The outcomes. All reports of an attempt but the last have Pending.
const (
	Pending Outcome = iota
	Up              // its Child SA is in force
	Down            // it has been taken down, as asked for
	Failed          // it did not come up; Text says why
)

// Reporter takes reports, in order. It does not wait.
type Reporter func(Report)
