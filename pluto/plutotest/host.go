package plutotest

import (
	"net/netip"
	"time"

	"ipsec/conf/identity"
	"ipsec/pluto"
	"ipsec/pluto/credential"
)

// Conn returns a connection with a shared key between two addresses, as seen from
// left, with networks behind the ends; none, for the end itself.
func Conn(name, left, leftSubnet, right, rightSubnet string) *pluto.Connection {
	end := func(host, subnet string) pluto.End {
		e := pluto.End{Host: pluto.Host{Kind: pluto.HostAny}}
		if addr, err := netip.ParseAddr(host); err == nil {
			e.Host = pluto.Host{Kind: pluto.HostAddr, Addr: addr}
		}
		if subnet != "" {
			e.Clients = []netip.Prefix{netip.MustParsePrefix(subnet)}
		}
		return e
	}
	return &pluto.Connection{
		Name:  name,
		Local: end(left, leftSubnet), Remote: end(right, rightSubnet),
		AuthBy:        []pluto.AuthMethod{pluto.AuthPSK},
		Versions:      pluto.Versions{IKEv2: true, ProposeIKEv2: true},
		PFS:           true,
		IKELifetime:   time.Hour,
		ChildLifetime: 8 * time.Hour,
		RekeyMargin:   9 * time.Minute,
		RekeyFuzz:     100,
		KeyingTries:   1,
		Rekey:         true,
	}
}

// Secrets is a credential.Secrets with the same key for everybody.
type Secrets string

// Shared implements credential.Secrets.
func (s Secrets) Shared(own, peer identity.ID, ownAddr, peerAddr netip.Addr) ([]byte, bool) {
	return []byte(s), s != ""
}

// Shared returns credentials with one shared key.
func Shared(key string) *credential.Store {
	return credential.New(credential.Parts{Secrets: Secrets(key)})
}
