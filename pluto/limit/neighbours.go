package limit

import "net/netip"

// Neighbours counts something for each neighbourhood: all addresses of which one sender may well have
// any. Its zero value is empty and ready.
type Neighbours struct{ counts map[netip.Prefix]int }

// Neighbourhood returns the addresses that count as one: the address itself, or in IPv6
// its /64.
func Neighbourhood(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits)
	return p
}

// Count returns how many there are in the neighbourhood of an address.
func (n *Neighbours) Count(a netip.Addr) int { return n.counts[Neighbourhood(a)] }

// Add counts one more.
func (n *Neighbours) Add(a netip.Addr) {
	if n.counts == nil {
		n.counts = map[netip.Prefix]int{}
	}
	n.counts[Neighbourhood(a)]++
}

// Remove counts one less. Nothing is kept of a neighbourhood without any.
func (n *Neighbours) Remove(a netip.Addr) {
	p := Neighbourhood(a)
	if n.counts[p] <= 1 {
		delete(n.counts, p)
		return
	}
	n.counts[p]--
}
