// Package suite is the cryptography of an IKE SA: pseudorandom functions,
// Diffie-Hellman groups, what protects messages, and the derivation of keys (RFC
// 7296, sections 2.13 to 2.18). Its tables give each algorithm its IANA number and
// the name that conf/proposal writes.
//
//	s, err := suite.New(suite.Choice{Encryption: 20, KeyBits: 128, PRF: 5, Group: 31})
//	private, err := s.Group.Generate(rand)
//	shared, err := private.Shared(peer)
//	keys := s.Derive(suite.Exchange{Ni: ni, Nr: nr, Shared: shared, SPIi: spiI, SPIr: spiR})
//	out, in, err := s.Protectors(keys, initiator, rand)
//
//	child, err := suite.NewChild(suite.ChildChoice{Encryption: 20, KeyBits: 128})
//	toResponder, toInitiator := child.Derive(s.PRF, keys.D, exchange)
//
// Whatever is random comes from a reader that the caller brings, and the same
// bytes make the same keys, so that a simulation replays. No error of this
// package contains a key or a part of one.
package suite

import (
	"fmt"
	"strings"
)

// An entry is what all the tables have in common.
type entry interface {
	number() uint16
	name() string
}

func byID[T entry](what string, table []T, id uint16) (T, error) {
	for _, e := range table {
		if e.number() == id {
			return e, nil
		}
	}
	var none T
	return none, fmt.Errorf("unsupported %s number %d", what, id)
}

// pointTo returns the entry of a number in the table itself, nil where there is
// none. Nobody changes what it points to.
func pointTo[T entry](table []T, id uint16) *T {
	for i := range table {
		if table[i].number() == id {
			return &table[i]
		}
	}
	return nil
}

func byName[T entry](what string, table []T, name string) (T, error) {
	var names []string
	for _, e := range table {
		if e.name() == name {
			return e, nil
		}
		names = append(names, e.name())
	}
	var none T
	return none, fmt.Errorf("unknown %s %q, expected one of %s", what, name, strings.Join(names, ", "))
}
