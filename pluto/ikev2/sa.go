package ikev2

import (
	"net/netip"
	"slices"
	"time"

	"ipsec/conf/identity"
	"ipsec/pluto"
	"ipsec/pluto/alarm"
	"ipsec/pluto/ikev2/keys"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/offer"
	"ipsec/pluto/ikev2/proof"
	"ipsec/pluto/limit"
	"ipsec/pluto/natt"
	"ipsec/pluto/suite"
)

// ikeSA is an IKE SA, from the first message on. What is needed only until it
// is established hangs off handshake, and is dropped then.
type ikeSA struct {
	serial int // of reports: #1
	alarm  alarm.Alarm[owner]
	window
	spiI, spiR    message.SPI
	local, remote netip.AddrPort
	conn          *pluto.Connection // of a responder: nil until the peer has proved who it is
	suite         *suite.Suite
	out, in       *keys.Protector
	d             []byte // SK_d
	handshake     *handshake
	children      []*child
	rekeying      *rekeyIKE // ours under way
	successor     *ikeSA    // once replaced, who has the Child SAs
	rivalOf       *ikeSA    // the peer has made this in place of that one, which we are replacing, too
	reauth        *reauth   // being replaced by one authenticated afresh

	localID     identity.ID
	remoteID    identity.ID // zero until it is proved
	peer        peer        // whose it is, from then on
	since       int64       // when it was authenticated
	repeated    int64       // when the peer last sent a request again
	begun       int64       // made, of the first in a row of which each was rekeyed from the one before
	made        int64       // when the first message came or went, in nanoseconds since 1970
	heardAt     int64       // when the last authentic message came
	state       state
	initiator   bool
	nat         natt.State
	fragments   bool // the peer can put messages together from fragments
	childless   bool // the peer can do without a Child SA in IKE_AUTH
	doomed      bool // it has ended, and is kept only to repeat its last answer
	authMethod  pluto.AuthMethod
	elsewhere   path // where the peer seems to be, and has not answered from yet
	reassembler *message.Reassembler
	unproved    *limit.Member[*ikeSA] // in Machine.unproved; nil once the peer has proved who it is
}

// handshake is what an IKE SA needs until it is established.
type handshake struct {
	private  suite.PrivateKey
	ni, nr   []byte
	request  []byte // of IKE_SA_INIT, as it came or went
	response []byte
	keys     keys.Keys
	hashes   []uint16 // of SIGNATURE_HASH_ALGORITHMS; nil: the peer did not send it
	certReqs [][]byte
	key      initKey        // in Machine.halfOpen
	waiting  []*createChild // of an initiator: the first goes into IKE_AUTH
	chosen   offer.Chosen   // of a responder
	cookie   []byte
	cookies  int // so many times have we been asked for one
	repeats  int // of a responder: so many times has the answer to IKE_SA_INIT been sent again
	group    uint16
	groups   int           // so many times has the peer asked for another group
	init     *initExchange // ours under way
	rounds   []round       // those that are still to come
	id       *message.ID   // ours, as we have sent it
	expected identity.ID   // who the peer must be, and from its ID on who it says it is
	wanted   identity.ID   // of a responder: whom the peer wants to speak to; zero: nobody in particular
	proof    proof.Proof   // of who we are
	how      proof.Result  // the peer has proved who it is
	hint     *cause        // an error that anybody may have sent
}

// initKey finds the half-open IKE SA that a retransmitted IKE_SA_INIT is for.
type initKey struct {
	spi    message.SPI
	remote netip.AddrPort
}

// spi returns our SPI.
func (s *ikeSA) spi() message.SPI {
	if s.initiator {
		return s.spiI
	}
	return s.spiR
}

// header returns that of a message from us.
func (s *ikeSA) header(x message.ExchangeType, id uint32, response bool) message.Header {
	h := message.Header{InitiatorSPI: s.spiI, ResponderSPI: s.spiR, Exchange: x, MessageID: id}
	if s.initiator {
		h.Flags |= message.FlagInitiator
	}
	if response {
		h.Flags |= message.FlagResponse
	}
	return h
}

// over reports whether no new request of the peer is taken: it has ended the IKE SA, or it has not
// proved who it is and was told so. All that is left to say to it is the last answer once more.
func (s *ikeSA) over() bool { return s.doomed || s.state == deleting && s.handshake != nil }

// newSA enters a new IKE SA.
func (m *Machine) newSA(initiator bool, local, remote netip.AddrPort) *ikeSA {
	s := &ikeSA{initiator: initiator, local: local, remote: remote, made: m.now.UnixNano()}
	s.begun = s.made
	s.serial = m.Serial()
	s.alarm.Owner, s.alarm.Serial = s, s.serial
	spi := m.newSPI()
	if initiator {
		s.spiI = spi
	} else {
		s.spiR = spi
	}
	m.sas[spi] = s
	return s
}

// assign makes conn the connection of s.
func (m *Machine) assign(s *ikeSA, conn *pluto.Connection) {
	m.unassign(s)
	s.conn = conn
	m.byConn[keyOf(conn)] = append(m.byConn[keyOf(conn)], s)
}

func (m *Machine) unassign(s *ikeSA) {
	if s.conn == nil {
		return
	}
	key := keyOf(s.conn)
	rest := slices.DeleteFunc(m.byConn[key], func(o *ikeSA) bool { return o == s })
	if len(rest) == 0 {
		delete(m.byConn, key)
	} else {
		m.byConn[key] = rest
	}
}

// forget takes an IKE SA away without a word to anybody. What becomes of its
// Child SAs has been decided.
func (m *Machine) forget(s *ikeSA) {
	if s.state == gone {
		return
	}
	m.proved(s)
	m.become(s, gone)
	m.wipe(s)
}

// wipe takes all that is known of an IKE SA that is gone from the machine's memory.
func (m *Machine) wipe(s *ikeSA) {
	m.alarms.Clear(&s.alarm)
	delete(m.sas, s.spi())
	m.unassign(s)
	m.removePeer(s)
	s.window = window{}
	s.rivalOf = nil
	s.reassembler = nil
	if s.handshake != nil {
		s.handshake.keys.Clear()
		s.handshake = nil
	}
	clear(s.d)
	s.in, s.out, s.d = nil, nil, nil
}

// drop ends an IKE SA, its Child SAs, and all that waits on it, without telling
// the peer: it knows, or does not answer.
func (m *Machine) drop(s *ikeSA, why pluto.Reason, c *cause) {
	if s.state == gone {
		return
	}
	tasks := s.all()
	m.proved(s)
	m.become(s, gone)
	for _, c := range slices.Clone(s.children) {
		m.removeChild(c, why)
	}
	for _, x := range tasks {
		x.lost(m, s, c)
	}
	m.wipe(s)
}

// handOver gives the Child SAs of s, and the requests that wait on it, to its successor.
func (m *Machine) handOver(s, to *ikeSA) {
	for _, c := range s.children {
		c.sa = to
	}
	to.children = append(to.children, s.children...)
	s.children = nil
	to.queue = append(append(to.queue, s.queue...), s.later...)
	s.queue, s.later = nil, nil
	s.successor = to
	m.become(s, replaced)
	m.watchAlike(to)
	m.set(&s.alarm, atRekey, time.Time{})
	m.set(&s.alarm, atLiveness, time.Time{})
	m.set(&s.alarm, atKeepalive, time.Time{})
}

// inherit copies what a rekeyed IKE SA keeps: all but SPIs, keys and counters
// (RFC 7296, section 2.18).
func (m *Machine) inherit(s, old *ikeSA) {
	s.localID, s.remoteID = old.localID, old.remoteID
	s.nat, s.fragments, s.childless = old.nat, old.fragments, old.childless
	s.authMethod = old.authMethod
	s.heardAt = m.now.UnixNano()
	m.assign(s, old.conn)
	m.addPeer(s, old.peer)
	s.since, s.begun = old.since, old.begun
}
