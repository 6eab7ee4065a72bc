package offer

import (
	"sync"

	"ipsec/pluto/suite"
)

// tables are the tables of pluto/suite, by name. A policy is made for many a handshake,
// and pluto/suite makes its tables anew whenever it is asked.
type tables struct {
	encryption map[string]suite.Encryption
	integrity  map[string]suite.Integrity
	prf        map[string]suite.PRF
	group      map[string]suite.Group
}

var known = sync.OnceValue(func() tables {
	t := tables{map[string]suite.Encryption{}, map[string]suite.Integrity{}, map[string]suite.PRF{}, map[string]suite.Group{}}
	for _, e := range suite.Encryptions() {
		t.encryption[e.Name] = e
	}
	for _, i := range suite.Integrities() {
		t.integrity[i.Name] = i
	}
	for _, p := range suite.PRFs() {
		t.prf[p.Name] = p
	}
	for _, g := range suite.Groups() {
		t.group[g.Name] = g
	}
	return t
})

// find looks a name up, and leaves it to otherwise to say what is wrong with one
// that is not there.
func find[T any](table map[string]T, name string, otherwise func(string) (T, error)) (T, error) {
	if found, ok := table[name]; ok {
		return found, nil
	}
	return otherwise(name)
}
