package suite

import (
	"crypto/ecdh"
	"errors"
	"fmt"
	"io"
	"slices"
)

// The IANA numbers of Diffie-Hellman groups, transform type 4.
const (
	GroupNone  uint16 = 0
	MODP1024   uint16 = 2
	MODP1536   uint16 = 5
	MODP2048   uint16 = 14
	MODP3072   uint16 = 15
	MODP4096   uint16 = 16
	MODP6144   uint16 = 17
	MODP8192   uint16 = 18
	ECP256     uint16 = 19
	ECP384     uint16 = 20
	ECP521     uint16 = 21
	Curve25519 uint16 = 31
)

// A Group is a Diffie-Hellman group, or another way to exchange keys. The zero
// value is none. Lengths are in bytes.
type Group struct {
	ID     uint16
	Name   string
	Public int // length of the key exchange data, of either side
	Secret int // length of the shared secret

	exchange exchanger
}

// An exchanger makes private keys of a group.
type exchanger interface {
	generate(random io.Reader) (PrivateKey, error)
}

// A PrivateKey is one side's ephemeral key, for one key exchange or for several
// (RFC 7296, section 2.12). The methods are good for concurrent use.
type PrivateKey interface {
	// Public returns what goes into the KE payload: the public value padded to
	// the length of the modulus, x and y of a point, 32 bytes of Curve25519.
	Public() []byte
	// Shared returns the shared secret with the peer whose KE payload that was. It
	// refuses a value that is not valid: RFC 6989, RFC 8031. The secret of an ECP
	// group is the x coordinate alone: RFC 5903, section 9.
	Shared(peer []byte) ([]byte, error)
}

// ErrPublic refuses a peer's public value that is of the wrong length, out of
// range, not on the curve, or leads to a secret of zero.
var ErrPublic = errors.New("invalid public value in the key exchange")

var groups = append(slices.Clone(modpGroups),
	Group{ECP256, "ecp256", 64, 32, curve{ecdh.P256(), 32, true, 0xff}},
	Group{ECP384, "ecp384", 96, 48, curve{ecdh.P384(), 48, true, 0xff}},
	Group{ECP521, "ecp521", 132, 66, curve{ecdh.P521(), 66, true, 0x01}},
	Group{Curve25519, "curve25519", 32, 32, curve{ecdh.X25519(), 32, false, 0xff}},
)

// Groups returns the table of groups, in the order of their numbers; none is not
// among them.
func Groups() []Group { return slices.Clone(groups) }

// FindGroup returns the group of an IANA number.
func FindGroup(id uint16) (Group, error) { return byID("Diffie-Hellman group", groups, id) }

// GroupByName returns the group of a name, or an error that lists the names there
// are.
func GroupByName(name string) (Group, error) { return byName("Diffie-Hellman group", groups, name) }

func (g Group) number() uint16 { return g.ID }
func (g Group) name() string   { return g.Name }

// Generate draws a private key. The same bytes from random make the same key.
// It fails only where random does, and for the zero Group.
func (g Group) Generate(random io.Reader) (PrivateKey, error) {
	if g.exchange == nil {
		return nil, errors.New("failed to generate a key: no Diffie-Hellman group")
	}
	key, err := g.exchange.generate(random)
	if err != nil {
		return nil, fmt.Errorf("failed to generate a key of %s: %w", g.Name, err)
	}
	return key, nil
}
