package pluto

import (
	"net/netip"
	"time"

	"ipsec/conf/identity"
	"ipsec/klips"
	"ipsec/klips/said"
)

// Child is a Child SA (RFC 7296, section 1), or an IPsec SA of IKEv1: a pair
// of SAs, one in each direction, and the flows that they carry.
type Child struct {
	Conn     *Connection // oriented; of a %any connection, the instance
	Serial   int         // of the state, for reports: #2
	Protocol said.Proto  // said.ESP or said.AH
	Mode     Mode
	ESN      bool

	Local, Remote netip.Addr  // the outer addresses
	Encap         klips.Encap // as seen from here: SrcPort ours, DstPort the peer's; zero for none
	In, Out       ChildKeys
	// Flows are what goes from us to the peer; the answers are the reverse.
	Flows []klips.Selector

	// Answered is set where the peer asked for it, which hears of it a moment
	// after we have set it.
	Answered bool
	// Replaces is the Child SA that this one was rekeyed from; nil for a new one.
	Replaces *Child
}

// ChildKeys is one direction of a Child SA, in the names of klips.SA.
type ChildKeys struct {
	SPI     uint32
	CPI     uint16 // of IPCOMP; 0 for none
	Enc     string
	EncKey  []byte
	Auth    string
	AuthKey []byte
}

// Clear overwrites the keys, once no SA has them any more.
func (k *ChildKeys) Clear() {
	clear(k.EncKey)
	clear(k.AuthKey)
}

// Connections is what a version of IKE asks of the connections in force and
// tells them. All calls come from the worker's goroutine.
type Connections interface {
	// Offers returns, of the oriented connections that a peer at remote may mean who has spoken to our
	// address local and has not said yet who it is, the first of each list of proposals for IKE SAs:
	// those for its address before those for any.
	Offers(local, remote netip.Addr) []*Connection
	// Candidates returns those that it may mean once it says that it is id, in the same order: those for
	// id, those for several identities, and those whose certificate says who the peer is.
	Candidates(local, remote netip.Addr, id identity.ID) []*Connection
	// Instantiate returns a connection for the peer at remote that says it is
	// id: an instance where conn is for any peer or for any client, conn itself
	// otherwise. It is the same instance for the same peer and id.
	Instantiate(conn *Connection, remote netip.AddrPort, peer Peer) *Connection
	// Siblings returns the other connections between the same ends, which may
	// share an IKE SA with conn, in the order in which they were added.
	Siblings(conn *Connection) []*Connection
	// Adopted reports whether SAs with the host at remote that an earlier process has
	// negotiated still carry packets: it is not to be told that we know of none.
	Adopted(remote netip.Addr) bool

	// ReserveSPI reserves an SPI for packets from remote to local; a CPI of
	// IPCOMP where proto is said.COMP.
	ReserveSPI(proto said.Proto, remote, local netip.Addr) (uint32, error)
	// ReleaseSPI gives up one that no Child SA came of.
	ReleaseSPI(proto said.Proto, local netip.Addr, spi uint32)

	// Install sets both SAs of child and lets its flows come in. The error is a
	// *TrafficError where the peer may not have the flows. With use, the
	// flows go out by it too; a responder that rekeys says so later, by Use,
	// when it knows that the peer has the new SA.
	Install(child *Child, use bool) error
	// Use sends the flows of child out by it.
	Use(child *Child) error
	// Move says that Local, Remote or Encap of child have changed: its peer, behind a
	// NAT, has got another address or port. The SAs go on from there.
	Move(child *Child) error
	// Remove takes the SAs of child away, and, unless another Child SA carries
	// them, decides by the reason what becomes of its flows.
	Remove(child *Child, why Reason)
	// Used returns when an authentic packet last came in by child; the zero
	// time for none.
	Used(child *Child) time.Time

	// Failed says that an attempt to bring conn up has failed, and why, in one
	// line for a person; it has been reported. What follows (another attempt, a
	// shunt) is decided there. Each Initiate ends in an Install or in Failed, unless
	// Terminate comes before.
	Failed(conn *Connection, why error)
}

// A TrafficError refuses a flow that is not for the peer to have.
type TrafficError struct{ Text string }

// Error returns the text.
func (e *TrafficError) Error() string { return e.Text }

// Peer is what is known of a peer once it has said who it is.
type Peer struct {
	ID        identity.ID
	BehindNAT bool
}

// Reason says why a Child SA goes.
type Reason uint8

// The reasons.
const (
	Replaced    Reason = iota // it was rekeyed
	DeletedHere               // by whack, or by shutdown
	DeletedByPeer
	PeerDead // it does not answer
	Expired
)

// String says a reason in a report.
func (r Reason) String() string {
	switch r {
	case Replaced:
		return "replaced"
	case DeletedHere:
		return "deleted here"
	case DeletedByPeer:
		return "deleted by the peer"
	case PeerDead:
		return "the peer is dead"
	case Expired:
		return "expired"
	}
	return "unknown reason"
}

// Negotiator is a version of IKE, as those who drive it see it. It is not for
// concurrent use: all calls come from one goroutine, and none waits.
type Negotiator interface {
	// Initiate begins to negotiate a Child SA for conn: over the IKE SA with
	// its peer if there is one, otherwise with a new one. packet is the flow that
	// asked for it (RFC 7296, section 2.9), nil when a person did.
	Initiate(conn *Connection, packet *klips.Selector)
	// Terminate deletes the Child SAs of conn, tells the peer, gives up what is
	// under way for it, and deletes an IKE SA that nothing is left of.
	Terminate(conn *Connection)
	// Rekey replaces child ahead of time: its lifetime in the kernel is near.
	Rekey(child *Child)
	// Moved says that the packets of child come from another address or port.
	Moved(child *Child, remote netip.AddrPort)
	// Receive takes a message from the network: any bytes whatever.
	Receive(Datagram)

	// Next returns when Tick wants to be called; false when nothing is awaited.
	Next() (time.Time, bool)
	// Tick does what is due by now.
	Tick()
	// Shutdown tells all peers that their SAs are deleted.
	Shutdown()
	// States describes all SAs, in the order of their serial numbers.
	States() []State
}

// State describes an IKE SA or a Child SA for whack --status.
type State struct {
	Serial  int
	Conn    *Connection
	Version int    // of IKE: 1 or 2
	Name    string // STATE_V2_ESTABLISHED_IKE_SA and the like
	Text    string // the same for a person
	Parent  int    // of a Child SA: its IKE SA's serial
	// Algorithms in ipsec.conf's spelling, e.g. aes_gcm_16_256-hmac_sha2_512-curve25519.
	Algorithms    string
	Initiator     bool
	Local, Remote netip.AddrPort
	LocalID       string
	RemoteID      string
	AuthBy        AuthMethod
	SPIs          [2]string // IKE: initiator's and responder's; Child: in and out
	Child         *Child    // of a Child SA
	Since         time.Time
	Rekey         time.Time // zero: never
	Expires       time.Time
	Retransmits   int
}
