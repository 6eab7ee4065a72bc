package daemon

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// resolveTime is how long the DNS may take.
const resolveTime = 10 * time.Second

// resolver looks names of the DNS up, as the system is set up to do it.
type resolver struct{ w *worker }

// Resolve begins to look a name up; the loop takes the answer.
func (r resolver) Resolve(name string) {
	r.w.parts.Go(func() {
		ctx, cancel := context.WithTimeout(r.w.ctx, resolveTime)
		defer cancel()
		addr, err := lookUp(ctx, name)
		r.w.do(func() {
			if err != nil {
				r.w.Log("failed to resolve a peer's name: " + err.Error())
			}
			r.w.table.Resolved(name, addr)
		})
	})
}

// lookUp returns the first address of a name, of IPv4 if it has one.
func lookUp(ctx context.Context, name string) (netip.Addr, error) {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range addrs {
		if a.Unmap().Is4() {
			return a.Unmap(), nil
		}
	}
	return addrs[0], nil
}
