// Package ikev2 is the protocol of RFC 7296: IKE SAs, the Child SAs under them,
// and the exchanges that make, renew and end both. A Machine takes messages and
// deadlines in, and gives messages, reports and calls of pluto.Connections
// out. It does no I/O, starts no goroutine, and waits for nothing: time,
// randomness and the network come from its Config, so that a simulation runs
// many of them in one process and replays from a seed.
//
//	machine.go, receive.go    what comes in, and whom it is for
//	sa.go, child.go           what there is
//	states.go                 the states of both, and who may follow whom
//	exchange.go, window.go    requests of ours, one at a time; answers, kept to be sent again
//	init.go, initresponder.go IKE_SA_INIT
//	handshake.go, part.go     the rounds that follow it, and the parts that they are made of
//	hello.go … childcreation.go  the parts, for both roles
//	childcreate.go … delete.go   the exchanges of an IKE SA that stands
//	collide.go                both ends at once (RFC 7296, section 2.8)
//	alarm.go, timers.go       deadlines
//
// Every request of ours is a value (exchange) that knows what to ask and what
// to do with the answer. The handshake after IKE_SA_INIT is a list of rounds, each a
// list of parts: an IKE_INTERMEDIATE, or another round of IKE_AUTH, is another
// value in it.
package ikev2

import (
	"cmp"
	"hash/maphash"
	"io"
	"time"

	"ipsec/conf/identity"
	"ipsec/pluto"
	"ipsec/pluto/alarm"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/offer"
	"ipsec/pluto/ikev2/proof"
	"ipsec/pluto/limit"
	"ipsec/pluto/natt"
	"ipsec/pluto/suite"
)

// Config is what a Machine is made of.
type Config struct {
	Clock       pluto.Clock
	Rand        io.Reader // must not fail
	Transport   pluto.Transport
	Connections pluto.Connections
	Credentials Credentials
	Report      pluto.Reporter
	UniqueIDs   bool // uniqueids=: a peer that comes again from elsewhere replaces itself
	// KeepAlive is the time between the packets by which we keep the mapping of
	// a NAT that we are behind; 0 for 20 seconds (RFC 3948, section 4). With
	// ForceKeepAlive they are sent for a NAT at the other end, too.
	KeepAlive      time.Duration
	ForceKeepAlive bool
	Limits         Limits // zero fields mean defaultLimits
	// Serial numbers SAs, from 1 on, in one order with those of other versions.
	Serial func() int
}

// Credentials knows what we prove who we are with, and what a peer's proof is checked by, as
// credential.Store does.
type Credentials interface {
	OwnID(conn *pluto.Connection) (identity.ID, error)
	PeerID(conn *pluto.Connection) (identity.ID, error)
	CertRequest(conn *pluto.Connection) []byte
	proof.Store
}

// Limits bound what peers can make a Machine keep.
type Limits struct {
	Cookies     int // half-open IKE SAs of all peers from which on cookies are asked for
	PerPeer     int // half-open IKE SAs of one address, or one /64 of IPv6, from which on it is asked for cookies
	Unproved    int // bytes that are kept of peers that have not proved who they are
	Children    int // Child SAs with one peer that it has asked for
	Alike       int // IKE SAs between the same two identities, those that are about to go included
	ReportBurst int // reports of unauthenticated messages in a row; one a second follows
}

// defaultLimits suit a gateway with thousands of peers.
var defaultLimits = Limits{Cookies: 64, PerPeer: 8, Unproved: 16 << 20, Children: 1024, Alike: 256, ReportBurst: 10}

func (l Limits) orDefault() Limits {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	d := defaultLimits
	set(&l.Cookies, d.Cookies)
	set(&l.PerPeer, d.PerPeer)
	set(&l.Unproved, d.Unproved)
	set(&l.Children, d.Children)
	set(&l.Alike, d.Alike)
	set(&l.ReportBurst, d.ReportBurst)
	return l
}

// Machine is all of IKEv2 on one host. It implements pluto.Negotiator.
type Machine struct {
	Config
	now       time.Time              // of the call under way
	sas       map[message.SPI]*ikeSA // by our SPI
	halfOpen  map[initKey]*ikeSA     // as responder, not authenticated yet
	unproved  *limit.Crowd[*ikeSA]   // whose peers have not proved who they are, and what is kept of them
	byConn    map[connKey][]*ikeSA   // by the connection that they were made for
	peers     map[peer][]*ikeSA      // authenticated, by who the ends are
	digests   [32]byte               // key of the digests in peers
	children  map[*pluto.Child]*child
	calls     *limit.Turns[*ikeSA] // IKE SAs that we begin, by the address of the peer
	suites    map[suite.Choice]*suite.Suite
	policies  map[listKey]offer.Policy // of ike=, and of esp= and ah= in IKE_AUTH
	alarms    alarm.Queue[owner]
	cookies   cookieSecrets
	strangers limit.Reports // about messages that anybody may have sent; bounds unprotected answers, too
	known     limit.Reports // about peers that have proved who they are
	seed      maphash.Seed
	rounds    func() []round // of the handshake: rounds
	closed    bool
}

var _ pluto.Negotiator = (*Machine)(nil)

// connKey names a connection, or an instance of one.
type connKey struct {
	name     string
	instance int
}

func keyOf(c *pluto.Connection) connKey { return connKey{c.Name, c.Instance} }

// New returns a Machine without any SA.
func New(c Config) *Machine {
	c.Limits = c.Limits.orDefault()
	c.KeepAlive = cmp.Or(c.KeepAlive, natt.KeepAlive)
	m := &Machine{
		Config:   c,
		sas:      map[message.SPI]*ikeSA{},
		halfOpen: map[initKey]*ikeSA{},
		unproved: limit.NewCrowd[*ikeSA](c.Limits.Unproved),
		policies: map[listKey]offer.Policy{},
		byConn:   map[connKey][]*ikeSA{},
		peers:    map[peer][]*ikeSA{},
		children: map[*pluto.Child]*child{},
		suites:   map[suite.Choice]*suite.Suite{},
		seed:     maphash.MakeSeed(),
		calls:    limit.NewTurns[*ikeSA](atOnce),
		rounds:   rounds,

		strangers: limit.Reports{Burst: c.Limits.ReportBurst},
		known:     limit.Reports{Burst: c.Limits.ReportBurst},
	}
	m.enter()
	m.random(m.digests[:])
	return m
}

// enter notes the time: one call sees one moment.
func (m *Machine) enter() { m.now = m.Clock.Now() }

// random fills b. Randomness that fails leaves nothing that could be done safely.
func (m *Machine) random(b []byte) {
	if _, err := io.ReadFull(m.Rand, b); err != nil {
		panic("ikev2: no randomness: " + err.Error())
	}
}

// nonceLen is at least half the key of every PRF (RFC 7296, section 2.10).
const nonceLen = 32

func (m *Machine) nonce() []byte {
	n := make([]byte, nonceLen)
	m.random(n)
	return n
}

// newSPI draws an SPI that none of our IKE SAs has.
func (m *Machine) newSPI() message.SPI {
	for {
		var spi message.SPI
		m.random(spi[:])
		if _, taken := m.sas[spi]; !taken && !spi.IsZero() {
			return spi
		}
	}
}

// suite returns the algorithms of a choice, one value for all SAs that have it.
func (m *Machine) suite(c suite.Choice) (*suite.Suite, error) {
	if s := m.suites[c]; s != nil {
		return s, nil
	}
	s, err := suite.New(c)
	if err != nil {
		return nil, err
	}
	m.suites[c] = &s
	return &s, nil
}
