package cmdline

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ipsec/conf/spell"
	"ipsec/pluto"
)

// Parse reads a command line of whack(8). The error says what was expected, in
// one line, and is fit to be printed after "whack: ".
func Parse(words []string) (*Request, error) {
	p := newParser()
	for len(words) > 0 {
		rest, err := p.option(words)
		if err != nil {
			return nil, err
		}
		words = rest
	}
	return p.finish()
}

// parser is a command line that has been read in part.
type parser struct {
	request Request
	conn    *pluto.Connection
	key     Key
	keyed   bool // --keyid was given
	end     *pluto.End
	place   string            // of the end: "" before --to, "--to " behind it
	given   map[string]string // what was said already: place and name of the option
	about   string            // the first option that describes a connection
	six     bool              // --ipv6
	inner   int               // 4 or 6: --tunnelipv4, --tunnelipv6; 0 for neither
	kinds   []string          // the options that say what becomes of packets
	json    string            // the value of --format
}

func newParser() *parser {
	conn := &pluto.Connection{
		Mode:             pluto.TransportMode,
		Versions:         pluto.Versions{IKEv1: true},
		Rekey:            true,
		ReplayWindow:     -1,
		NegotiationShunt: pluto.ShuntDrop,
		IKELifetime:      defaultIKELifetime,
		ChildLifetime:    defaultChildLifetime,
		RekeyMargin:      defaultRekeyMargin,
		RekeyFuzz:        defaultRekeyFuzz,
	}
	return &parser{conn: conn, end: &conn.Local, given: make(map[string]string)}
}

// option reads one option with its value, and returns the words behind it.
func (p *parser) option(words []string) ([]string, error) {
	word, words := words[0], words[1:]
	if err := printable(word); err != nil {
		return nil, err
	}
	name, value, joined := strings.Cut(word, "=")
	if !strings.HasPrefix(name, "--") {
		return nil, fmt.Errorf("unexpected %s: expected an option, which begins with --", spell.Quote(word))
	}
	o, ok := options()[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("unknown option %s: expected one of ipsec_whack(8)%s", spell.Quote(name), spell.Suggest(name, slices.Sorted(maps.Keys(options()))))
	case o.want == "" && joined:
		return nil, fmt.Errorf("%s takes no value, found %s", name, spell.Quote(value))
	case o.want != "" && !joined:
		if len(words) == 0 || strings.HasPrefix(words[0], "--") {
			return nil, fmt.Errorf("%s needs a value: expected %s", name, o.want)
		}
		value, words = words[0], words[1:]
		if err := printable(value); err != nil {
			return nil, err
		}
	}
	if !o.repeats {
		slot := name
		if o.scope == ofEnd {
			slot = p.place + name
		}
		if _, twice := p.given[slot]; twice {
			return nil, fmt.Errorf("%s is given twice", slot)
		}
		p.given[slot] = value
	}
	if o.scope != ofRequest && p.about == "" && !strings.HasPrefix(name, "--pubkey") {
		p.about = name
	}
	if err := o.set(p, value); err != nil {
		if errors.Is(err, errValue) {
			return nil, fmt.Errorf("malformed %s %s: expected %s", name, spell.Quote(value), o.want)
		}
		return nil, fmt.Errorf("malformed %s %s: %w", name, spell.Quote(value), err)
	}
	return words, nil
}

// errValue is a value that is not what its option wants.
var errValue = errors.New("malformed value")

// printable refuses what would spoil a log or a terminal: control characters, and those that
// disguise a line, such as marks that turn the direction of writing. A plan carries no such word either.
func printable(word string) error {
	if !utf8.ValidString(word) || strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("malformed word %s: expected UTF-8 without control characters and other invisible ones", spell.Quote(word))
	}
	return nil
}

// finish checks what was read as a whole.
func (p *parser) finish() (*Request, error) {
	r := &p.request
	keys := p.conn.Local.PublicKeys
	switch {
	case p.keyed && p.about == "" && len(keys) > 1:
		return nil, errors.New("--keyid takes one --pubkey")
	case p.keyed && p.about == "" && len(keys) == 1:
		p.key.Text = keys[0]
	case p.about == "" && len(keys) > 0:
		return nil, errors.New("--pubkey needs --keyid, or a connection that it belongs to")
	}
	if p.about != "" {
		if err := p.finishConn(); err != nil {
			return nil, err
		}
		r.Add = p.conn
	}
	if p.keyed {
		r.Key = &p.key
	}
	for _, n := range []struct {
		is   bool
		name string
	}{
		{r.Add != nil, "the description of a connection"}, {r.Delete, "--delete"},
		{r.Route, "--route"}, {r.Unroute, "--unroute"},
		{r.Initiate, "--initiate"}, {r.Terminate, "--terminate"},
	} {
		if n.is && r.Name == "" {
			return nil, fmt.Errorf("%s needs --name NAME", n.name)
		}
	}
	switch {
	case r.Asynchronous && !r.Initiate && !r.Terminate:
		return nil, errors.New("--asynchronous goes with --initiate or --terminate")
	case p.json != "" && !r.Status:
		return nil, errors.New("--format goes with --status")
	case p.keyed && r.Add != nil:
		return nil, fmt.Errorf("--keyid does not go with %s", p.about)
	case r.Key != nil && r.Key.Add && r.Key.Text == "":
		return nil, errors.New("--addkey needs --pubkey KEY")
	case r.Route && r.Unroute:
		return nil, errors.New("--route does not go with --unroute")
	case r.Initiate && r.Terminate:
		return nil, errors.New("--initiate does not go with --terminate")
	case r.Listen && r.Unlisten:
		return nil, errors.New("--listen does not go with --unlisten")
	case !p.acts():
		return nil, errors.New("nothing to do: expected something such as --status, or --name NAME --initiate")
	}
	r.JSON = p.json == "json"
	return r, nil
}

// acts reports whether the request asks for anything.
func (p *parser) acts() bool {
	r := &p.request
	return len(r.Debug) > 0 || r.Delete || r.DeleteState != 0 || r.Key != nil || r.Add != nil || r.Listen || r.Unlisten ||
		r.Reread != 0 || r.List != 0 || r.Route || r.Unroute || r.Initiate || r.Terminate || r.Status || r.Traffic || r.Loaded || r.Shutdown
}

// finishConn checks a connection as a whole, and fills in what follows.
func (p *parser) finishConn() error {
	c := p.conn
	c.Name = p.request.Name
	switch {
	case p.given["--host"] == "":
		return fmt.Errorf("%s is about a connection, which needs --host before --to", p.about)
	case p.place == "":
		return fmt.Errorf("%s is about a connection, which needs --to and --host behind it", p.about)
	case p.given[behind+"--host"] == "":
		return fmt.Errorf("%s is about a connection, which needs --host behind --to", p.about)
	case len(p.kinds) == 0:
		return errors.New("a connection needs one of --encrypt, --authenticate, --pass, --drop and --reject")
	case len(p.kinds) > 1:
		return fmt.Errorf("%s does not go with %s", p.kinds[1], p.kinds[0])
	case !c.Versions.IKEv1 && !c.Versions.IKEv2:
		return errors.New("--ikev1-disable without --ikev2-allow leaves no version of IKE")
	case c.Versions.ProposeIKEv2 && !c.Versions.IKEv2:
		return errors.New("--ikev2-propose needs --ikev2-allow")
	case len(c.AuthBy) == 0 && c.Shunt == pluto.ShuntNone:
		return errors.New("a connection needs a way to prove who the peers are, such as --psk or --rsasig")
	case p.given["--esp"] != "" && c.Protocol == pluto.AH:
		return errors.New("--esp does not go with --authenticate")
	case p.given["--ah"] != "" && c.Protocol == pluto.ESP:
		return errors.New("--ah goes with --authenticate")
	case c.PFSGroup != "" && !c.PFS:
		return errors.New("--pfsgroup needs --pfs")
	}
	if c.Shunt != pluto.ShuntNone {
		c.Mode = pluto.TunnelMode
	}
	if err := p.families(); err != nil {
		return err
	}
	for _, end := range []*pluto.End{&c.Local, &c.Remote} {
		if end.Virtual != "" && len(end.Clients) > 0 {
			return errors.New("--client takes networks, or one vhost:… or vnet:…")
		}
	}
	return nil
}

// families checks that outer addresses are of one family, and inner ones of
// the family that was said.
func (p *parser) families() error {
	c := p.conn
	l, r := c.Local.Host.Addr, c.Remote.Host.Addr
	if l.IsValid() && r.IsValid() && l.Is4() != r.Is4() {
		return fmt.Errorf("--host %s and --host %s are not of one address family", l, r)
	}
	six := p.six || l.Is6() || r.Is6()
	for _, end := range []*pluto.End{&c.Local, &c.Remote} {
		switch {
		case end.Host.Addr.Is4() && six:
			return fmt.Errorf("--host %s is not IPv6, as --ipv6 says", end.Host.Addr)
		case end.Host.Kind == pluto.HostAny && end.Host.Six && (l.Is4() || r.Is4()):
			return errors.New("--host %any6 does not go with an IPv4 address")
		case end.Host.Kind == pluto.HostAny:
			end.Host.Six = end.Host.Six || six
		}
		for _, client := range end.Clients {
			if p.inner == 4 && client.Addr().Is6() || p.inner == 6 && client.Addr().Is4() {
				return fmt.Errorf("--client %s is not of the family that --tunnelipv%d says", client, p.inner)
			}
		}
	}
	return nil
}

// prefix reads a network without bits beyond its mask.
func prefix(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return p, errValue
	}
	if p != p.Masked() {
		return p, fmt.Errorf("it has bits beyond its mask: expected %s", p.Masked())
	}
	return p, nil
}
