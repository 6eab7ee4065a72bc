package ah

import (
	"testing"

	"ipsec/klips/algorithm"
)

// TestAlike: transforms are alike where algorithm and key are the same, and a bit of any byte of a key makes them
// others.
func TestAlike(t *testing.T) {
	made := func(name string, key []byte, esn bool) *Transform {
		x, err := New(Params{SPI: 0x300, Auth: name, AuthKey: key, ESN: esn})
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, a := range algorithm.Auths() {
		for _, esn := range []bool{false, true} {
			x := made(a.Name, make([]byte, a.Key), esn)
			for _, b := range algorithm.Auths() {
				if alike := x.Alike(made(b.Name, make([]byte, b.Key), esn)); alike != (a.Name == b.Name) {
					t.Errorf("%s and %s: %t", a.Name, b.Name, alike)
				}
			}
			for at := range a.Key {
				key := make([]byte, a.Key)
				key[at] = 0x10
				if x.Alike(made(a.Name, key, esn)) {
					t.Errorf("%s: byte %d of the key makes no difference", a.Name, at)
				}
			}
		}
	}
}
