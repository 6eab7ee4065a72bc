// Package suite is the algorithms that IKE negotiates: pseudorandom functions, Diffie-Hellman
// groups, ciphers and integrity algorithms. Its tables give each its IANA number as a transform of
// IKEv2 and the name that conf/proposal writes. What keys are made of a key exchange, each version
// of IKE says for itself; for IKEv2 see package keys.
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
