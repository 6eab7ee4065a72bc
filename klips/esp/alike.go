package esp

import "crypto/subtle"

// probe is a payload of several blocks of every cipher.
const probe = "a payload that leaves this process in no packet"

// Alike reports whether t opens what other seals: whether both have the same algorithms and keys. It takes an
// IV of other and none of t, and no key is kept for it.
func (t *Transform) Alike(other *Transform) bool {
	var w Scratch
	ivs, err := other.TakeIVs(1)
	if err != nil {
		return false
	}
	payload := append(make([]byte, 0, len(probe)+Tailroom), probe...)
	packet, err := other.Seal(&w, &ivs, make([]byte, 0, other.Len(len(probe))), payload, 0, 1)
	if err != nil {
		return false
	}
	opened, _, err := t.Open(&w, packet, 0)
	return err == nil && subtle.ConstantTimeCompare(opened, payload) == 1
}
