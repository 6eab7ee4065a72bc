package nexthop

import (
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipsec/klips/route/rtnetlink"
)

// answer asks the kernel for the way to a host, unless that has just been done.
func (t *Table) answer(dst netip.Addr) {
	w := t.ways[dst] // which only this goroutine writes
	epoch, now := t.epoch.Load(), time.Now().UnixNano()
	if w != nil && !w.asked.Load() && w.epoch.Load() == epoch && now-w.at.Load() < int64(askInterval) {
		return
	}
	isNew := w == nil
	if isNew {
		w = &way{}
		w.detour.Store(now) // the packet that asks goes by the kernel
	}
	via, mtu, ok := t.route(dst)
	if ok {
		w.gateway.Store(t.gateway(gatewayKey{via, dst.Is6()}))
	} else {
		w.gateway.Store(nil)
	}
	w.mtu.Store(int32(mtu))
	w.epoch.Store(epoch)
	w.at.Store(now)
	w.asked.Store(false)
	if !isNew {
		return
	}
	t.mu.Lock()
	if len(t.ways) >= waysLimit {
		clear(t.ways)
	}
	t.ways[dst] = w
	t.mu.Unlock()
}

func (t *Table) gateway(key gatewayKey) *gateway {
	g := t.gateways[key]
	if g == nil {
		if len(t.gateways) >= waysLimit {
			clear(t.gateways)
			t.epoch.Add(1) // who has one asks for another
		}
		g = &gateway{}
		t.gateways[key] = g
		t.renew(key, g)
	}
	return g
}

// route returns the next host on the way to dst by the interface, whatever
// routes there are by others: what a socket that is bound to it would do.
func (t *Table) route(dst netip.Addr) (via netip.Addr, mtu int, ok bool) {
	if !dst.IsValid() || dst.IsMulticast() || dst.IsUnspecified() || dst.IsLoopback() || dst.Zone() != "" {
		return via, 0, false
	}
	list, err := t.handle.RouteGetWithOptions(dst.AsSlice(), &netlink.RouteGetOptions{OifIndex: t.index})
	if err != nil || len(list) != 1 {
		return via, 0, false // unreachable, prohibited, and the like
	}
	r := list[0]
	if dst.Is6() && r.LinkIndex != t.index && r.Type == unix.RTN_UNICAST {
		// Of IPv6 the kernel tells where any socket would send it.
		if r, ok = t.longest(dst); !ok {
			return via, 0, false
		}
	}
	if r.Type != unix.RTN_UNICAST || r.LinkIndex != t.index || r.Encap != nil || r.MPLSDst != nil || len(r.MultiPath) > 0 {
		return via, 0, false
	}
	if via = rtnetlink.Gateway(r.Gw, r.Via); !via.IsValid() || via.IsUnspecified() {
		via = dst
	}
	return via, r.MTU, true
}

// longest looks a host up among the routes by the interface in the main table.
func (t *Table) longest(dst netip.Addr) (best netlink.Route, ok bool) {
	list, err := rtnetlink.Dump(func() ([]netlink.Route, error) {
		filter := &netlink.Route{LinkIndex: t.index, Table: unix.RT_TABLE_MAIN}
		return t.handle.RouteListFiltered(netlink.FAMILY_V6, filter, netlink.RT_FILTER_OIF|netlink.RT_FILTER_TABLE)
	})
	if err != nil {
		return best, false
	}
	bits := -1
	for _, r := range list {
		length := 0
		if r.Dst != nil {
			length, _ = r.Dst.Mask.Size()
			if !r.Dst.Contains(dst.AsSlice()) {
				continue
			}
		}
		if length > bits || length == bits && r.Priority < best.Priority {
			best, bits = r, length
		}
	}
	return best, bits >= 0
}
