package connection

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"ipsec/conf/identity"
	"ipsec/klips"
	"ipsec/pluto"
)

// An entry is a connection as it was loaded, or an instance of one.
type entry struct {
	order     int               // the older of two has the smaller one
	loaded    *pluto.Connection // with names of the DNS resolved, as far as they are
	conn      *pluto.Connection // the oriented copy; nil while it is not
	virtual   string            // the interface of KLIPS that it uses
	complaint string            // why it is not oriented, as last reported

	parent    *entry // of an instance
	peer      peerKey
	instances []*entry           // in the order in which they came
	peers     map[peerKey]*entry // the same, by whom they are for
	numbered  int                // instances so far

	asked    bool             // Route
	wanted   bool             // Initiate
	flows    []klips.Selector // of the oriented connection
	spans    []*span          // that updown has routed into KLIPS
	inherits int              // flows that SAs of an earlier worker carry

	busy    time.Time // since when it is negotiated; zero: it is not
	failing bool      // failureshunt= has its packets
	tries   int
	retry   time.Time
	idle    time.Time             // when to look whether an instance has anything left
	moved   map[string]netip.Addr // answers of the DNS that wait for it to be idle
	bundles []*bundle             // its Child SAs, in the order in which they came
	lastErr string
	errAt   time.Time // when the last attempt failed
}

// peerKey is what tells the instances of a connection apart.
type peerKey struct {
	addr netip.Addr
	id   identity.ID // canonical
}

// busyTime is how long a negotiation may go without an outcome.
const busyTime = 5 * time.Minute

func (t *Table) busy(e *entry) bool {
	return !e.busy.IsZero() && t.now().Sub(e.busy) < busyTime
}

// subject returns the connection as reports name it.
func (e *entry) subject() *pluto.Connection {
	if e.conn != nil {
		return e.conn
	}
	return e.loaded
}

// isShunt reports whether there is nothing to negotiate.
func isShunt(c *pluto.Connection) bool { return c.Shunt != pluto.ShuntNone }

// isTemplate reports whether peers get instances of c rather than c itself.
func isTemplate(c *pluto.Connection) bool {
	if c.Instance > 0 || isShunt(c) {
		return false
	}
	return c.Remote.Host.Kind == pluto.HostAny || isVirtual(c.Remote)
}

func isVirtual(e pluto.End) bool { return e.Virtual != "" || e.Within.IsValid() }

// flowsOf returns what goes from us to the peer by c, an oriented connection;
// none where a peer who has not come yet has the choice.
func flowsOf(c *pluto.Connection) []klips.Selector {
	if isVirtual(c.Remote) {
		return nil
	}
	proto := c.Local.Proto
	if proto == 0 {
		proto = c.Remote.Proto
	}
	var flows []klips.Selector
	for _, src := range clients(c.Local, c.Remote, false) {
		for _, dst := range clients(c.Remote, c.Local, isShunt(c)) {
			if src.Addr().Is4() != dst.Addr().Is4() {
				continue
			}
			f := klips.Selector{Src: src.Masked(), Dst: dst.Masked(), Proto: proto}
			if proto != 0 {
				f.SrcPort, f.DstPort = port(c.Local), port(c.Remote)
			}
			flows = append(flows, f)
		}
	}
	return flows
}

func port(e pluto.End) uint16 {
	if e.AnyPort {
		return 0
	}
	return e.Port
}

// clients returns the networks behind an end, or the host itself: of a shunt
// with any peer, everybody.
func clients(e, other pluto.End, everybody bool) []netip.Prefix {
	switch {
	case len(e.Clients) > 0:
		return e.Clients
	case e.Host.Addr.IsValid():
		return []netip.Prefix{netip.PrefixFrom(e.Host.Addr, e.Host.Addr.BitLen())}
	case everybody && e.Host.Kind == pluto.HostAny:
		zero := netip.IPv4Unspecified()
		if e.Host.Six || other.Host.Addr.Is6() {
			zero = netip.IPv6Unspecified()
		}
		return []netip.Prefix{netip.PrefixFrom(zero, 0)}
	}
	return nil
}

func reverse(f klips.Selector) klips.Selector {
	return klips.Selector{Src: f.Dst, Dst: f.Src, Proto: f.Proto, SrcPort: f.DstPort, DstPort: f.SrcPort}
}

func masked(f klips.Selector) klips.Selector {
	f.Src, f.Dst = f.Src.Masked(), f.Dst.Masked()
	return f
}

// within reports whether every packet of a is one of b.
func within(a, b klips.Selector) bool {
	return b.Src.Bits() <= a.Src.Bits() && b.Src.Contains(a.Src.Addr()) &&
		b.Dst.Bits() <= a.Dst.Bits() && b.Dst.Contains(a.Dst.Addr()) &&
		(b.Proto == 0 || b.Proto == a.Proto) &&
		(b.SrcPort == 0 || b.SrcPort == a.SrcPort) &&
		(b.DstPort == 0 || b.DstPort == a.DstPort)
}

// ident is what an eroute says of the ends. That it says anything at all is how
// our eroutes are told from those set by hand.
func ident(c *pluto.Connection) [2]string {
	return [2]string{identOf(c.Local), identOf(c.Remote)}
}

func identOf(e pluto.End) string {
	text := e.Host.String()
	if !e.ID.IsZero() {
		text = e.ID.String()
	}
	const limit = 200 // bytes, of what is there to be read by people
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "")
	}
	return text
}

// samePeer reports whether two oriented connections are with one peer: of one identity, which it
// has to prove to both alike.
func samePeer(a, b *pluto.Connection) bool {
	switch {
	case !expects(a).Equal(expects(b)) || a.Demand() != b.Demand():
		return false
	case !named(a):
		return sameHost(a, b)
	}
	return pinned(a, b) && pinned(b, a)
}

// named reports whether c is for one peer, whose identity it names, and not for whoever has one
// that it lets pass.
func named(c *pluto.Connection) bool {
	id := expects(c)
	return id.OnWire() && !id.IsPattern() || c.Remote.Cert != ""
}

// pinned reports whether the peer of b is where that of a has to be.
func pinned(a, b *pluto.Connection) bool { return !a.Pin().IsValid() || a.Pin() == b.Remote.Host.Addr }

// sameHost reports whether two connections are with one address, as ipsec.conf says.
func sameHost(a, b *pluto.Connection) bool {
	return a.Instance == 0 && b.Instance == 0 && a.Remote.Host.Addr.IsValid() && a.Remote.Host.Addr == b.Remote.Host.Addr
}

// expects returns who the peer of c has to be, and the zero ID where it may be anybody.
func expects(c *pluto.Connection) identity.ID {
	if c.Remote.ID.IsZero() && c.Remote.Cert == "" && c.Remote.Host.Kind != pluto.HostAny && !c.Remote.AllowAny {
		return identity.FromAddr(c.Remote.Host.Addr)
	}
	return c.Remote.ID
}

func (t *Table) report(e *entry, code int, outcome pluto.Outcome, format string, args ...any) {
	t.config.Report(pluto.Report{Code: code, Conn: e.subject(), Text: fmt.Sprintf(format, args...), Outcome: outcome})
}

func refuse(code int, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// later is refuse for what is done once an address is known.
func later(code int, format string, args ...any) *Error {
	err := refuse(code, format, args...)
	err.Waits = true
	return err
}
