package manualkey

import (
	"maps"
	"slices"
	"testing"

	"ipsec/klips/algorithm"
)

// TestAlgorithms compares what conf knows of the algorithms of KLIPS with what
// their transforms say.
func TestAlgorithms(t *testing.T) {
	ciphers, auths := maps.Clone(cipherKeys), maps.Clone(authKeys)
	for _, c := range algorithm.Ciphers() {
		if !slices.Equal(ciphers[c.Name], c.Keys) || SaltLen(c.Name) != c.Salt || IsAEAD(c.Name) != c.AEAD() {
			t.Errorf("%s: keys of %v bytes, salt of %d, AEAD %v; want %+v", c.Name, ciphers[c.Name], SaltLen(c.Name), IsAEAD(c.Name), c)
		}
		delete(ciphers, c.Name)
	}
	for _, a := range algorithm.Auths() {
		if auths[a.Name] != a.Key {
			t.Errorf("%s: key of %d bytes, want %d", a.Name, auths[a.Name], a.Key)
		}
		delete(auths, a.Name)
	}
	if len(ciphers)+len(auths) > 0 {
		t.Errorf("conf knows %v and %v, which KLIPS does not", ciphers, auths)
	}
}
