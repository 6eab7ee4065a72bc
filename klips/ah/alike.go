package ah

// probe is an IPv4 packet without a payload.
const probe = "\x45\x00\x00\x14\x00\x00\x00\x00\x40\x3b\x00\x00\xc0\x00\x02\x01\xc0\x00\x02\x02"

// Alike reports whether t verifies what other protects: whether both have the same algorithm and key. No key is
// kept for it.
func (t *Transform) Alike(other *Transform) bool {
	packet, err := other.Protect(append(make([]byte, Headroom), probe...), Headroom, 1)
	if err == nil {
		_, err = t.Verify(packet, 0)
	}
	return err == nil
}
