package compile

import (
	"net/netip"
	"strings"

	"ipsec/conf"
)

// unmet says what conn asks for and is not done here, so that it must not be loaded or brought up. Of one
// that does not negotiate, what Pluto alone would do is not missed.
func (c *compiler) unmet(conn *conf.Conn, negotiates bool) *conf.Diagnostic {
	ours := c.ours(conn)
	var list []conf.Unmet
	for _, u := range conn.Unmet {
		if u.Counts(negotiates, ours) {
			list = append(list, u)
		}
	}
	return conf.Refusal(list)
}

// ours returns the end of conn that is this host, as far as its addresses say; 0 where they do not.
func (c *compiler) ours(conn *conf.Conn) conf.Side {
	var found conf.Side
	for _, s := range []conf.Side{conf.Left, conf.Right} {
		if host := conn.End(s).Host; host.Form == conf.HostAddr && c.host.holder[host.Addr] != nil || host.Form == conf.HostAny && host.Name != "" {
			if found != 0 {
				return 0
			}
			found = s
		}
	}
	if found == 0 {
		return conn.Ours()
	}
	return found
}

// everything returns what is to be said of a conn that leads packets to all addresses into KLIPS; "" where
// it does not. Only those of the sources that it is for are protected.
func (c *compiler) everything(conn *conf.Conn) string {
	ours := c.ours(conn)
	if ours == 0 || conn.Type != conf.Tunnel {
		return ""
	}
	us, them := conn.End(ours), conn.End(ours.Other())
	if !conf.AllAddresses(them.Subnets) {
		return ""
	}
	all := joined(them.Subnets)
	if conf.AllAddresses(us.Subnets) { // which fulltunnel=yes allows
		return "it takes all packets to " + all + ", this host's own connections among them, to the peer (fulltunnel=yes)"
	}
	sources := joined(us.Subnets)
	if sources == "" {
		sources = "this host's address in " + ours.String() + "="
	}
	return "it takes all packets to " + all + " that no narrower route is for: those from " + sources +
		" go to the peer; of all others, what no conn is for is dropped, this host's own connections from another address among it"
}

func joined(networks []netip.Prefix) string {
	words := make([]string, len(networks))
	for i, p := range networks {
		words[i] = p.String()
	}
	return strings.Join(words, ", ")
}
