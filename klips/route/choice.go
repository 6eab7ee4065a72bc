package route

import (
	"fmt"
	"net/netip"
)

// Foreign refuses a network that a peer has chosen from what it may, where the
// host has a way to it that is not of the peer's conn: the peer would cut
// the host off from its neighbours. Where one of choice was itself cut out of such a network,
// a peer may have it.
func (t *Table) Foreign(dst netip.Prefix, choice []netip.Prefix) error {
	dst = dst.Masked()
	whole := dst
	for _, c := range choice {
		if Covers(c.Masked(), dst) {
			whole = c.Masked()
			break
		}
	}
	for _, n := range t.nets {
		if Covers(n.Prefix, dst) && n.Prefix.Bits() >= whole.Bits() {
			return fmt.Errorf("the peer has chosen %s, but %s is a network of this host on %s", dst, n.Prefix, n.Link)
		}
	}
	for _, r := range t.routes {
		if Covers(r.Dst, dst) && r.Dst.Bits() > whole.Bits() {
			return fmt.Errorf("the peer has chosen %s, but there is a route to %s over %s", dst, r.Dst, r.Link)
		}
	}
	return nil
}
