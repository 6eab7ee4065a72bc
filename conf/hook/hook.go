// Package hook is the environment of an updown command, leftupdown= of
// ipsec.conf(5): the PLUTO_ variables that pluto(8) documents. Start runs the
// command for manually keyed conns, and Pluto for all others.
package hook

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Environment is the values of the variables. A field that may be invalid, empty
// or 0, and is, has no variable.
type Environment struct {
	Connection           string
	NextHop              netip.Addr // the peer where none is known
	Interface            string     // that packets are routed into: ipsec0
	Me, Peer             netip.Addr
	MyID, PeerID         string
	MyClient, PeerClient netip.Prefix
	Host                 bool  // we have no client: MyClient is Me
	Protocol             uint8 // 0: any
	MyPort, PeerPort     uint16
	MySourceIP           netip.Addr // may be invalid
	PeerCA               string     // may be empty
	MTU, Metric          int        // of the route; 0: none given
}

// Suffix returns what follows the verb: "-client" or "-host", and "-v6" where
// the packets are of IPv6.
func (e Environment) Suffix() string {
	suffix := "-client"
	if e.Host {
		suffix = "-host"
	}
	if e.PeerClient.Addr().Is6() {
		suffix += "-v6"
	}
	return suffix
}

// Variables returns NAME=VALUE for all but PLUTO_VERB, in a fixed order.
func (e Environment) Variables() []string {
	var list []string
	set := func(name, value string) { list = append(list, "PLUTO_"+name+"="+value) }
	client := func(name string, p netip.Prefix) {
		set(name, p.String())
		set(name+"_NET", p.Addr().String())
		set(name+"_MASK", mask(p).String())
	}
	nexthop := e.NextHop
	if !nexthop.IsValid() {
		nexthop = e.Peer
	}
	set("VERSION", "1.1")
	set("CONNECTION", e.Connection)
	set("NEXT_HOP", nexthop.String())
	set("INTERFACE", e.Interface)
	set("ME", e.Me.String())
	set("MY_ID", e.MyID)
	client("MY_CLIENT", e.MyClient)
	set("MY_PROTOCOL", fmt.Sprint(e.Protocol))
	set("MY_PORT", fmt.Sprint(e.MyPort))
	if e.MySourceIP.IsValid() {
		set("MY_SOURCEIP", e.MySourceIP.String())
	}
	set("PEER", e.Peer.String())
	set("PEER_ID", e.PeerID)
	client("PEER_CLIENT", e.PeerClient)
	set("PEER_PROTOCOL", fmt.Sprint(e.Protocol))
	set("PEER_PORT", fmt.Sprint(e.PeerPort))
	if e.PeerCA != "" {
		set("PEER_CA", e.PeerCA)
	}
	if e.MTU != 0 {
		set("MTU", strconv.Itoa(e.MTU))
	}
	if e.Metric != 0 {
		set("METRIC", strconv.Itoa(e.Metric))
	}
	return list
}

// Read returns what the default updown needs of the variables: the interface, the
// peer's client, ours, and the options of the route.
func Read(getenv func(string) string) (Environment, error) {
	e := Environment{
		Connection: getenv("PLUTO_CONNECTION"),
		Interface:  getenv("PLUTO_INTERFACE"),
		PeerCA:     getenv("PLUTO_PEER_CA"),
		MyID:       getenv("PLUTO_MY_ID"),
		PeerID:     getenv("PLUTO_PEER_ID"),
		Host:       strings.Contains(getenv("PLUTO_VERB"), "-host"),
	}
	var err error
	read := func(name string, needed bool, set func(string) error) {
		text := getenv("PLUTO_" + name)
		switch {
		case err != nil:
		case text == "" && needed:
			err = fmt.Errorf("PLUTO_%s is not set: this is run by Pluto, or by the updown command that Pluto runs", name)
		case text != "":
			if wrong := set(text); wrong != nil {
				err = fmt.Errorf("malformed PLUTO_%s %q: %w", name, text, wrong)
			}
		}
	}
	addr := func(to *netip.Addr) func(string) error {
		return func(text string) (err error) { *to, err = netip.ParseAddr(text); return err }
	}
	client := func(to *netip.Prefix) func(string) error {
		return func(text string) (err error) { *to, err = netip.ParsePrefix(text); return err }
	}
	number := func(to *int) func(string) error {
		return func(text string) error {
			n, err := strconv.ParseUint(text, 10, 31)
			*to = int(n)
			return err
		}
	}
	read("INTERFACE", true, func(string) error { return nil })
	read("PEER_CLIENT", true, client(&e.PeerClient))
	read("MY_CLIENT", false, client(&e.MyClient))
	read("ME", false, addr(&e.Me))
	read("PEER", false, addr(&e.Peer))
	read("NEXT_HOP", false, addr(&e.NextHop))
	read("MY_SOURCEIP", false, addr(&e.MySourceIP))
	read("MTU", false, number(&e.MTU))
	read("METRIC", false, number(&e.Metric))
	return e, err
}

// mask returns the netmask of p.
func mask(p netip.Prefix) netip.Addr {
	b := make([]byte, p.Addr().BitLen()/8)
	for i := range p.Bits() {
		b[i/8] |= 0x80 >> (i % 8)
	}
	addr, _ := netip.AddrFromSlice(b)
	return addr
}
