package cmdline

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ipsec/conf/hostname"
	"ipsec/pluto"
)

// Limits of what one command line may hold.
const (
	maxNetworks = 1000 // networks behind one end
	maxKeys     = 16   // public keys of one end
)

// endOptions describe one end.
func endOptions() []option {
	const s = ofEnd
	is := func(name, help string, set func(*pluto.End)) option {
		return flag(name, s, help, func(p *parser) { set(p.end) })
	}
	text := func(name, want, help string, field func(*pluto.End) *string) option {
		return option{name: name, want: want, scope: s, help: help, set: func(p *parser, v string) error {
			if v == "" {
				return errValue
			}
			*field(p.end) = v
			return nil
		}}
	}
	addr := func(name, help string, field func(*pluto.End) *netip.Addr) option {
		return option{name: name, want: "an address", scope: s, help: help, set: func(p *parser, v string) (err error) {
			*field(p.end), err = address(v)
			return err
		}}
	}
	return []option{
		{name: "--host", want: "an address, %any, or a host name", scope: s, help: "where the end is", set: func(p *parser, v string) error { return setHost(&p.end.Host, v) }},
		{name: "--ikeport", want: "a port from 1 to 65535", scope: s, help: "the port that it listens on", set: func(p *parser, v string) error {
			return setPort(&p.end.IKEPort, v)
		}},
		{name: "--id", want: "an identity such as @gate.example.org", scope: s, help: "who it is; without it, its address", set: func(p *parser, v string) (err error) {
			p.end.ID, err = parseID(v)
			return err
		}},
		{name: "--auth", want: "secret, rsasig, ecdsa, eddsa or null", scope: s, help: "how it proves itself, where the ends differ", set: func(p *parser, v string) error {
			return choose(&p.end.Auth, v, authWords())
		}},
		text("--cert", "the name of a file", "its certificate", func(e *pluto.End) *string { return &e.Cert }),
		text("--ca", "a distinguished name, %same or %any", "who must have signed it", func(e *pluto.End) *string { return &e.CA }),
		{name: "--sendcert", want: "always, ifasked or never", scope: s, help: "when to send it", set: func(p *parser, v string) error {
			return choose(&p.end.SendCert, v, sendCerts())
		}},
		{name: "--pubkey", want: "a public key, 0s and base64", scope: s, repeats: true, help: "its raw public key", set: addKey},
		{name: "--pubkeyrsa", want: "a public key, 0s and base64", scope: s, repeats: true, help: "the same", set: addKey},
		text("--groups", "names of groups", "groups of which it must be in one", func(e *pluto.End) *string { return &e.Groups }),
		{name: "--nexthop", want: "an address or %direct", scope: s, help: "the router towards the other end", set: func(p *parser, v string) (err error) {
			if v != "%direct" {
				p.end.NextHop, err = address(v)
			}
			return err
		}},
		{name: "--client", want: "networks with commas between them, vhost:… or vnet:…", scope: s, help: "networks behind it", set: setClients},
		{name: "--clientwithin", want: "a network", scope: s, help: "within which it may choose one", set: func(p *parser, v string) (err error) {
			p.end.Within, err = prefix(v)
			return err
		}},
		{name: "--clientprotoport", want: "PROTOCOL/PORT in numbers, the port %any or 0 for all", scope: s, help: "protocol and port of the traffic", set: setProtoPort},
		addr("--srcip", "our own address for packets into the tunnel", func(e *pluto.End) *netip.Addr { return &e.SourceIP }),
		text("--updown", "a command", "what to run when the connection comes and goes", func(e *pluto.End) *string { return &e.Updown }),
		is("--allowany", "its address is only a hint", func(e *pluto.End) { e.AllowAny = true }),
		is("--xauthserver", "it asks for a password", func(e *pluto.End) { e.XAuthServer = true }),
		is("--xauthclient", "it gives a password", func(e *pluto.End) { e.XAuthClient = true }),
		text("--xauthname", "the name of a user", "whose password", func(e *pluto.End) *string { return &e.XAuthName }),
		is("--modecfgserver", "it gives addresses out", func(e *pluto.End) { e.ModeCfgServer = true }),
		is("--modecfgclient", "it is given an address", func(e *pluto.End) { e.ModeCfgClient = true }),
	}
}

// authWords are the ways in which one end may prove itself.
func authWords() []word[pluto.AuthMethod] {
	var list []word[pluto.AuthMethod]
	for _, m := range []pluto.AuthMethod{pluto.AuthPSK, pluto.AuthRSA, pluto.AuthECDSA, pluto.AuthEdDSA, pluto.AuthNull} {
		list = append(list, word[pluto.AuthMethod]{string(m), m})
	}
	return list
}

func sendCerts() []word[pluto.SendCert] {
	return []word[pluto.SendCert]{{"always", pluto.SendCertAlways}, {"ifasked", pluto.SendCertIfAsked}, {"never", pluto.SendCertNever},
		{"sendifasked", pluto.SendCertIfAsked}, {"alwayssend", pluto.SendCertAlways}, {"forcedtype", pluto.SendCertAlways}}
}

// setHost takes an address, a word with %, or a name of the DNS.
func setHost(h *pluto.Host, v string) error {
	switch v {
	case "%any", "%any4", "0.0.0.0":
		*h = pluto.Host{Kind: pluto.HostAny}
		return nil
	case "%any6", "::":
		*h = pluto.Host{Kind: pluto.HostAny, Six: true}
		return nil
	case "%group", "%opportunistic", "%opportunisticgroup":
		*h = pluto.Host{Kind: pluto.HostGroup, Name: v}
		return nil
	}
	if addr, err := address(v); err == nil {
		*h = pluto.Host{Kind: pluto.HostAddr, Addr: addr}
		return nil
	}
	if !hostname.Valid(v) {
		return errValue
	}
	*h = pluto.Host{Kind: pluto.HostName, Name: v}
	return nil
}

// setClients takes networks with commas between them, or the virtual ones of a
// client behind NAT.
func setClients(p *parser, v string) error {
	if strings.HasPrefix(v, "vhost:") || strings.HasPrefix(v, "vnet:") {
		p.end.Virtual = v
		return nil
	}
	for text := range strings.SplitSeq(v, ",") {
		client, err := prefix(text)
		switch {
		case err != nil:
			return err
		case slices.Contains(p.end.Clients, client):
			return errTwice
		case len(p.end.Clients) >= maxNetworks:
			return errValue
		}
		p.end.Clients = append(p.end.Clients, client)
	}
	return nil
}

// setProtoPort takes PROTOCOL/PORT.
func setProtoPort(p *parser, v string) error {
	protocol, port, ok := strings.Cut(v, "/")
	proto, err := strconv.ParseUint(protocol, 10, 8)
	if !ok || err != nil {
		return errValue
	}
	end := p.end
	end.Proto = uint8(proto)
	switch port {
	case "0":
	case "%any":
		end.AnyPort = true
	default:
		if err := setPort(&end.Port, port); err != nil {
			return err
		}
	}
	if end.Proto == 0 && port != "0" {
		return errValue
	}
	return nil
}

// addKey adds a raw public key to the end; before it, it may be that of --keyid.
func addKey(p *parser, v string) error {
	if !isKey(v) {
		return errValue
	}
	if slices.Contains(p.end.PublicKeys, v) || len(p.end.PublicKeys) >= maxKeys {
		return errTwice
	}
	p.end.PublicKeys = append(p.end.PublicKeys, v)
	return nil
}
