package pfkey

import (
	"testing"

	"ipsec/klips/algorithm"
)

// TestNumbers has a number for every algorithm that the transforms offer, and none
// twice.
func TestNumbers(t *testing.T) {
	check := func(table map[string]uint8, want string) {
		n, err := number(table, want)
		if err != nil {
			t.Error(err)
		}
		if got, err := name(table, n); err != nil || got != want {
			t.Errorf("%s has number %d, which is that of %q, %v", want, n, got, err)
		}
	}
	for range 10 { // maps are not in order
		for _, c := range algorithm.Ciphers() {
			check(encNumbers, c.Name)
		}
		for _, a := range algorithm.Auths() {
			check(authNumbers, a.Name)
		}
	}
}
