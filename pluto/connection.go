package pluto

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"ipsec/conf/identity"
	"ipsec/conf/proposal"
)

// Connection is what "whack --name NAME … --to …" hands to Pluto: everything
// that is to be negotiated with a peer, resolved, and no secret. It is not
// changed once it is loaded; an instance or an oriented one is a copy.
type Connection struct {
	Name  string
	Alias string // the conn of ipsec.conf that this is one pair of subnets of; "" for Name itself
	// Instance numbers the copies that are made of a connection for peers at
	// addresses unknown beforehand: 1, 2 and so on; 0 for the connection itself.
	Instance int
	Template *Connection // of an instance: the connection that it is one of

	// Local and Remote are the ends before and after --to as whack hands them
	// over; in an oriented connection, ours and the peer's.
	Local, Remote End

	AuthBy   []AuthMethod // what a peer may prove itself by; the first is what we use
	Protocol Protocol
	Mode     Mode
	Shunt    Shunt // for type=passthrough, drop, reject: there is nothing to negotiate
	Versions Versions

	IKE proposal.List // empty: proposal.DefaultIKE
	ESP proposal.List // of the Child SA, ESP or AH; empty: the defaults

	PFS         bool
	PFSGroup    string       // "" for that of the IKE SA
	Compress    bool         // offer and accept IPCOMP
	ForceEncaps bool         // ESP in UDP, whatever NAT detection finds
	Aggressive  bool         // IKEv1
	ModeCfgPull bool         // IKEv1: the client asks for its address
	XAuthBy     string       // IKEv1: file, pam or alwaysok; "" where there is no XAUTH
	ESN         proposal.ESN // offered in Child SAs where ESP does not say; 0: both

	IKELifetime   time.Duration // of an IKE SA
	ChildLifetime time.Duration // of a Child SA: keylife=
	RekeyMargin   time.Duration // how long before the end of either to negotiate anew
	RekeyFuzz     int           // per cent by which the margin may grow at random
	KeyingTries   int           // attempts to negotiate before giving up; 0: forever
	Rekey         bool          // start negotiations anew before the end of life
	Reauth        bool          // with a fresh IKE_AUTH rather than a rekeyed IKE SA

	DPD           DPD
	ReplayWindow  int // of Child SAs; -1: the default
	MTU, Metric   int // of the route; 0: none given
	Fragmentation Fragmentation

	FailureShunt     FailureShunt
	NegotiationShunt FailureShunt // while negotiation goes on: ShuntDrop (hold) or ShuntPass

	// Swapped says that Local is what ipsec.conf has as right, for messages that tell a person
	// which keyword to look at. See See.
	Swapped bool
}

// See returns keywords as ipsec.conf has them, for a person who is to look at them: "ike=", or
// "leftid= and rightid=". What begins with left is about Local, and with right about Remote.
func (c *Connection) See(keywords ...string) string {
	shown := make([]string, len(keywords))
	for i, keyword := range keywords {
		if c.Swapped {
			keyword = otherSide(keyword)
		}
		shown[i] = keyword + "="
	}
	return strings.Join(shown, " and ")
}

// otherSide returns the keyword of the other end that is like keyword.
func otherSide(keyword string) string {
	if rest, ok := strings.CutPrefix(keyword, "left"); ok {
		return "right" + rest
	}
	if rest, ok := strings.CutPrefix(keyword, "right"); ok {
		return "left" + rest
	}
	return keyword
}

// Type returns what type= of ipsec.conf is for c.
func (c *Connection) Type() string {
	switch {
	case c.Shunt == ShuntPass:
		return "passthrough"
	case c.Shunt != ShuntNone:
		return c.Shunt.String()
	case c.Mode == TransportMode:
		return "transport"
	}
	return "tunnel"
}

// String returns the connection as reports name it: "name", or
// "name"[2] 192.0.2.9 for an instance.
func (c *Connection) String() string {
	if c.Instance == 0 {
		return fmt.Sprintf("%q", c.Name)
	}
	return fmt.Sprintf("%q[%d] %s", c.Name, c.Instance, c.Remote.Host)
}

// Reversed returns a copy with the ends exchanged.
func (c *Connection) Reversed() *Connection {
	r := *c
	r.Local, r.Remote = c.Remote, c.Local
	r.Swapped = !c.Swapped
	return &r
}

// Proofs returns the ways in which e, an end of c, may prove itself.
func (c *Connection) Proofs(e *End) []AuthMethod {
	if e.Auth != "" {
		return []AuthMethod{e.Auth}
	}
	return c.AuthBy
}

// End is one end of a connection.
type End struct {
	Host    Host
	IKEPort uint16 // where the peer listens; 0 for 500
	// ID is who this end is; the zero ID stands for its address, and
	// FromCert for the subject of its certificate.
	ID identity.ID
	// Clients are the networks behind this end; none means the host itself.
	Clients []netip.Prefix
	// Virtual is vhost:… or vnet:… of a client behind NAT, as written; Within
	// bounds the client that a peer may have chosen.
	Virtual string
	Within  netip.Prefix
	Proto   uint8 // of the traffic; 0: any
	Port    uint16
	AnyPort bool // a peer may choose one

	NextHop  netip.Addr
	SourceIP netip.Addr // that our own packets into the tunnel get
	Updown   string     // a command in place of the default; "" for that

	// Auth is how this end proves itself, where the ends differ in that; "" for all of AuthBy.
	Auth       AuthMethod
	Cert       string   // a file, by its name in ipsec.d/certs or its path
	CA         string   // who must have signed this end's certificate; "%same", "%any"
	SendCert   SendCert // ours, to the peer
	PublicKeys []string // raw, as ipsec.conf has them: 0s… (RFC 3110 or SubjectPublicKeyInfo)
	Groups     string
	AllowAny   bool // leftallowany: the address is a hint

	XAuthServer, XAuthClient     bool
	XAuthName                    string
	ModeCfgServer, ModeCfgClient bool
}

// HostKind says what the host of an end is.
type HostKind uint8

// The kinds of host.
const (
	HostAddr  HostKind = iota + 1 // an address
	HostAny                       // %any: whoever comes
	HostName                      // a name of the DNS, resolved again when it does not answer
	HostGroup                     // %group and %opportunistic…, of the policy groups
)

// Host is where an end is.
type Host struct {
	Kind HostKind
	Addr netip.Addr // for HostAddr, and for HostName once it is resolved
	Name string     // for HostName and HostGroup
	Six  bool       // for HostAny: of IPv6
}

// String returns the host as ipsec.conf writes it, a resolved one by its address.
func (h Host) String() string {
	switch {
	case h.Addr.IsValid():
		return h.Addr.String()
	case h.Kind == HostAny && h.Six:
		return "%any6"
	case h.Kind == HostAny:
		return "%any"
	}
	return h.Name
}

// AuthMethod is one value of authby=.
type AuthMethod string

// The ways to prove who one is.
const (
	AuthPSK   AuthMethod = "secret"
	AuthRSA   AuthMethod = "rsasig" // a signature of RFC 7427 with any hash, or the old kind
	AuthECDSA AuthMethod = "ecdsa"
	AuthEdDSA AuthMethod = "eddsa"
	AuthNull  AuthMethod = "null"
	AuthNever AuthMethod = "never" // for shunts
)

// Base returns the method without the hash that it may be bound to: "rsasig" of "rsa-sha2_512".
func (m AuthMethod) Base() AuthMethod {
	switch {
	case strings.HasPrefix(string(m), "rsa"):
		return AuthRSA
	case strings.HasPrefix(string(m), "ecdsa"):
		return AuthECDSA
	case m == "ed25519":
		return AuthEdDSA
	}
	return m
}

// PublicKey reports whether a signature proves who an end is, by whatever kind of key.
func (m AuthMethod) PublicKey() bool {
	switch m.Base() {
	case AuthRSA, AuthECDSA, AuthEdDSA, "pubkey":
		return true
	}
	return false
}

// Protocol is what protects the packets of a connection.
type Protocol uint8

// The protocols.
const (
	ESP Protocol = iota
	AH
)

// Mode is how packets are wrapped.
type Mode uint8

// The modes.
const (
	TunnelMode Mode = iota
	TransportMode
)

// Shunt is what a connection that negotiates nothing does with packets.
type Shunt uint8

// The shunts of type=.
const (
	ShuntNone Shunt = iota
	ShuntPass
	ShuntDrop
	ShuntReject
)

// String returns what becomes of packets: trap, pass, drop or reject.
func (s Shunt) String() string { return [...]string{"trap", "pass", "drop", "reject"}[s] }

// FailureShunt is what becomes of packets when, or while, there is no SA:
// ShuntNone keeps trapping them.
type FailureShunt = Shunt

// Versions says which versions of IKE a connection may speak. Where both are
// allowed, ProposeIKEv2 says which one we begin with.
type Versions struct {
	IKEv1, IKEv2, ProposeIKEv2 bool
}

// Unspoken says why no version that v allows can be spoken, as Pluto speaks IKEv2
// alone, and what to write instead; nil where one can.
func (v Versions) Unspoken() error {
	const instead = "expected ikev2=insist, or keyexchange=ikev2"
	switch {
	case v.IKEv2:
		return nil
	case v.IKEv1:
		return errors.New("it allows only IKEv1, which this Pluto does not speak: " + instead)
	}
	return errors.New("it allows no version of IKE: " + instead)
}

// Fragmentation says whether IKE messages are fragmented (RFC 7383).
type Fragmentation uint8

// Fragmentation is used where the peer can, unless forbidden.
const (
	FragmentationYes Fragmentation = iota
	FragmentationNo
	FragmentationForce
)

// SendCert is leftsendcert=.
type SendCert uint8

// When a certificate is sent.
const (
	SendCertAlways SendCert = iota
	SendCertIfAsked
	SendCertNever
)

// DPD is how the death of a peer is noticed, and what follows.
type DPD struct {
	Delay   time.Duration // without a sign of life, after which one is asked for; 0: never
	Timeout time.Duration // IKEv1; in IKEv2 the retransmissions decide
	Action  DPDAction
}

// DPDAction is dpdaction=.
type DPDAction uint8

// What follows the death of a peer.
const (
	DPDHold          DPDAction = iota // trap its packets, which bring it up again
	DPDClear                          // take its connection away
	DPDRestart                        // negotiate anew
	DPDRestartByPeer                  // negotiate anew all connections with it
	DPDNone
)

// String returns the value of dpdaction=.
func (a DPDAction) String() string {
	return [...]string{"hold", "clear", "restart", "restart_by_peer", "none"}[a]
}
