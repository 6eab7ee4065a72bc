package esp

import (
	"bytes"
	"testing"
)

// TestAlike: transforms are alike where algorithms and keys are the same, and a bit of any byte of a key makes
// them others.
func TestAlike(t *testing.T) {
	all := combinations()
	for i, p := range all {
		for _, p.ESN = range []bool{false, true} {
			x := mustNew(t, p)
			for j, q := range all {
				q.ESN = p.ESN
				if alike := x.Alike(mustNew(t, q).Transform); alike != (i == j) {
					t.Errorf("%v and %v: %t", p, q, alike)
				}
			}
			for at := range len(p.EncKey) + len(p.AuthKey) {
				q := p
				q.EncKey, q.AuthKey = bytes.Clone(p.EncKey), bytes.Clone(p.AuthKey)
				if at < len(p.EncKey) {
					q.EncKey[at] ^= 0x10
				} else {
					q.AuthKey[at-len(p.EncKey)] ^= 0x10
				}
				if x.Alike(mustNew(t, q).Transform) {
					t.Errorf("%v: byte %d of the keys makes no difference", p, at)
				}
			}
		}
	}
}
