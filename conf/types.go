package conf

import (
	"net/netip"

	"ipsec/conf/secret"
)

// Config is a parsed ipsec.conf with everything that it includes.
type Config struct {
	Setup  Setup
	Conns  []*Conn // in the order of their first lines; policy-group conns last
	Digest string  // "sha256:" and hex digits over the keywords in force; see digest
	Files  []string
	// Warnings are about lines that are right, and have another effect here than elsewhere or in
	// another place.
	Warnings []Diagnostic
	// Harmless are values of which nothing is done here, and without which nothing is missing.
	Harmless []Diagnostic

	byName map[string]*Conn // of a Config that was read
}

// Conn returns the connection of that name, or nil.
func (c *Config) Conn(name string) *Conn {
	if c.byName != nil {
		return c.byName[name]
	}
	for _, conn := range c.Conns {
		if conn.Name == name {
			return conn
		}
	}
	return nil
}

// Setup is the section "config setup".
type Setup struct {
	Params

	Interfaces          []Interface
	ForwardControl      bool
	RPFilter            string // "%unchanged", "0", "1" or "2"
	Syslog              string // facility.priority
	KlipsDebug          []string
	PlutoDebug          []string
	PlutoOpts           []string // words
	PlutoStderrLog      string
	DumpDir             string
	Pluto               bool
	PlutoWait           bool
	PlutoRestartOnCrash bool
	PrePluto            string // a command for /bin/sh, or empty
	PostPluto           string
	ManualStart         []string // names of conns
	FragICMP            bool
	HideTOS             bool
	NoOffload           []string // words of ipsec klips --no-offload
	Offload             []string // "xdp", or none
	UniqueIDs           bool
	OverrideMTU         int // 0: not given
	NoCRSend            bool
	StrictCRLPolicy     string // "no", "yes" or "ifuri"
	CRLCheckInterval    int    // seconds
	OCSPURI             string
	NATTraversal        bool
	VirtualPrivate      []string // %v4:…, %v4:!…, %v6:…
	KeepAlive           int      // seconds
	ForceKeepAlive      bool
	DisablePortFloating bool
	NHelpers            int // -1: Pluto chooses
	MyID                string
	Protostack          string // "auto", "klips", "netkey" or "none"
}

// InterfaceForm says how an entry of interfaces= is written.
type InterfaceForm uint8

// The forms of an entry. InterfaceNone stands alone and means no interface.
const (
	InterfaceInvalid      InterfaceForm = iota
	InterfaceDefaultRoute               // %defaultroute: ipsec0 over the link of the default route
	InterfaceBind                       // ipsecN=phys
	InterfaceNone                       // %none
)

// Interface is one entry of interfaces=.
type Interface struct {
	Form     InterfaceForm
	Virtual  string // "ipsec0"; set for InterfaceBind
	Physical string // "eth0"; set for InterfaceBind
	Pos      Pos
}

// ConnType is the value of type=.
type ConnType string

// The types of a connection.
const (
	Tunnel      ConnType = "tunnel"
	Transport   ConnType = "transport"
	Passthrough ConnType = "passthrough"
	Drop        ConnType = "drop"
	Reject      ConnType = "reject"
)

// Auto is the value of auto=: what start does with a connection.
type Auto string

// The values of auto=. Old spellings (%search, route as ondemand) become these.
const (
	AutoIgnore Auto = "ignore"
	AutoManual Auto = "manual"
	AutoAdd    Auto = "add"
	AutoRoute  Auto = "route"
	AutoStart  Auto = "start"
)

// Conn is a section "conn", with its also= and %default resolved.
type Conn struct {
	Params

	Name        string
	Pos         Pos  // of the line "conn NAME"
	PolicyGroup bool // one of the implicit conns private, block, clear, …
	Type        ConnType
	Auto        Auto
	Left, Right End
	Unmet       []Unmet // what it asks for and is not done here
	FullTunnel  bool    // both ends may have 0.0.0.0/0

	// Manual keying. SPI and SPIBase are 0 where not given.
	SPI             uint32
	SPIBase         uint32
	ESP             string // the algorithm string as written, e.g. "3des-md5-96"; "" when not given
	AH              string
	ESPEncKey       secret.Text
	ESPAuthKey      secret.Text
	AHKey           secret.Text
	ESPReplayWindow int // -1: not given
	AHReplayWindow  int
	Compress        bool
	ForceEncaps     bool

	// Automatic keying.
	KeyExchange    string // "ike", "ikev1", "ikev2"
	IKEv2          string // never, permit, propose, insist
	AuthBy         string // secret, rsasig, never, … in one normal form
	IKE            string // the proposal string as written
	PFS            bool
	PFSGroup       string
	IKELifetime    int // seconds
	KeyLife        int
	RekeyMargin    int
	RekeyFuzz      int // per cent
	KeyingTries    int // 0: forever
	Rekey          bool
	Aggressive     bool
	DPDDelay       int // seconds; 0: none
	DPDTimeout     int
	DPDAction      string
	Auth           string // "esp" or "ah"
	MTU            int    // of the route; 0: not given
	Metric         int    // of the route; 0: not given
	FailureShunt   string
	NegotiateShunt string
	ModeConfigPull bool
	XAuthBy        string
	Fragmentation  string // "yes", "no", "force"
	Reauth         bool
	ESN            string // "yes", "no", "either"; "" when not given
	ReplayWindow   int    // of Child SAs; -1: not given
}

// HostForm says what left= or leftnexthop= names.
type HostForm uint8

// The forms of a host. HostUnset is a value that no file gave.
const (
	HostUnset HostForm = iota
	HostAddr
	HostName
	HostAny           // %any
	HostDefaultRoute  // %defaultroute
	HostDirect        // %direct, for a next hop
	HostOpportunistic // %opportunistic
	HostGroup         // %group
	HostOppoGroup     // %opportunisticgroup
)

// Host is the value of left= or leftnexthop=.
type Host struct {
	Form HostForm
	Addr netip.Addr // for HostAddr
	Name string     // for HostName, and for HostAny an optional %interface
	Six  bool       // for HostAny: %any6
}

// ProtoPort is the value of leftprotoport=.
type ProtoPort struct {
	Proto   uint8
	Port    uint16
	AnyPort bool // %any
}

// End is one side of a connection.
type End struct {
	Host         Host
	NextHop      Host
	Subnets      []netip.Prefix // empty: the host itself
	Virtual      string         // leftsubnet=vhost:… or vnet:…, as written
	SubnetWithin netip.Prefix
	SourceIP     netip.Addr
	ProtoPort    ProtoPort
	Updown       string
	Firewall     bool
	ID           string
	Auth         string // leftauth=, in the words of authby; "" when not given
	IKEPort      int    // 0: not given
	RSASigKey    string
	RSASigKey2   string
	ECDSAKey     string // as rawkey.Format has it
	PublicKey    string // likewise, of any kind
	Cert         string
	CA           string
	SendCert     string
	Groups       string
	AllowAnyPeer bool // leftallowany
	XAuthServer  bool
	XAuthClient  bool
	XAuthUser    string
	ModeCfgServ  bool
	ModeCfgCli   bool

	// Manual keying, for the SA that is sent towards this side.
	ESPSPI     uint32
	AHSPI      uint32
	ESPEncKey  secret.Text
	ESPAuthKey secret.Text
	AHKey      secret.Text
}

// Diagnostic is a remark about a place in a file.
type Diagnostic struct {
	Pos  Pos
	Text string

	cause error // what the system said, of a file that cannot be read
}

// WithCause returns the diagnostic with what the system said, which Errors
// unwraps to.
func (d Diagnostic) WithCause(err error) Diagnostic {
	d.cause = err
	return d
}

// String returns FILE:LINE:COL: TEXT.
func (d Diagnostic) String() string { return d.Pos.withCol() + ": " + d.Text }

// Param is a keyword with its value as written.
type Param struct {
	Keyword string // in its normal spelling
	Value   string
	Pos     Pos // of the value
}

// Params are the parameters of a section in force, in the order in which the
// table lists them, x- keys last.
type Params struct {
	List []Param
}

// At returns where the value of keyword (in its normal spelling) stands; the
// zero Pos when it is a default.
func (p *Params) At(keyword string) Pos {
	for _, param := range p.List {
		if param.Keyword == keyword {
			return param.Pos
		}
	}
	return Pos{}
}
