package pluto

import (
	"net/netip"
	"strings"
	"unique"
)

// Demand is what a connection asks of its peer's proof of who it is, beside the identity. A
// peer that has proved an identity as one connection demands has proved it as any other does
// that demands the same; of others, its word for that identity is worth nothing.
// Demands are compared by ==.
type Demand struct{ of unique.Handle[demand] }

type demand struct{ methods, ca, cert, keys, groups string }

// Demand returns that of c.
func (c *Connection) Demand() Demand {
	d := demand{ca: c.Remote.CA, cert: c.Remote.Cert, keys: strings.Join(c.Remote.PublicKeys, " "), groups: c.Remote.Groups}
	for _, m := range c.Proofs(&c.Remote) {
		d.methods += " " + string(m)
	}
	if d.ca == "%same" {
		d.ca = strings.Join([]string{d.ca, c.Local.CA, c.Local.Cert}, " ")
	}
	return Demand{unique.Make(d)}
}

// Pin returns the address that a peer must be at to be the one that c asks for, where its proof
// alone does not tell: it may prove itself by a shared key, which several may know, or c names no
// identity but that address. The zero Addr is anywhere.
func (c *Connection) Pin() netip.Addr {
	if c.Template != nil {
		c = c.Template
	}
	r := &c.Remote
	if r.Host.Kind == HostAny || r.AllowAny {
		return netip.Addr{}
	}
	shared := false
	for _, m := range c.Proofs(r) {
		shared = shared || m == AuthPSK
	}
	if shared || r.ID.IsZero() && r.Cert == "" {
		return r.Host.Addr
	}
	return netip.Addr{}
}
