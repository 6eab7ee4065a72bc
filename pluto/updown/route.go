package updown

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"

	"ipsec/conf/hook"
	"ipsec/conf/info"
)

// Host is the routes of the host.
type Host interface {
	// Look returns what is not KLIPS's.
	Look() (View, error)
	// Replace is like 'ip route replace DST dev LINK [src SRC] [mtu MTU] [metric METRIC]'.
	Replace(Route) error
	// Delete is like 'ip route del DST dev LINK [metric METRIC]'; ESRCH where there is none.
	Delete(Route) error
}

// View is the routes and addresses of the host, but for those of KLIPS.
type View struct {
	Routes []Route                   // of the main table, unicast
	Addrs  map[netip.Addr]bool       // of this host
	Nets   map[string][]netip.Prefix // that it is on, by link
}

// Route is a route. Src, MTU and Gateway may be none.
type Route struct {
	Dst     netip.Prefix
	Link    string
	Gateway netip.Addr
	Src     netip.Addr
	MTU     int
	Metric  int
}

// note returns the line of ipsec.info that notes r.
func (r Route) note() info.Route { return info.Route{Dst: r.Dst, Link: r.Link, Metric: r.Metric} }

// lookTime is how old what is known of the host's routes may be.
const lookTime = time.Second

// A router leads packets into interfaces of KLIPS. It never replaces a route of
// somebody else: where there is one to the same destination, it routes the two
// halves of it.
type router struct {
	host   Host
	now    func() time.Time
	log    func(string)
	view   View
	looked time.Time
}

func (r *router) look() error {
	now := r.now()
	if !r.looked.IsZero() && now.Sub(r.looked) < lookTime && !now.Before(r.looked) {
		return nil
	}
	view, err := r.host.Look()
	if err != nil {
		return err
	}
	slices.SortStableFunc(view.Routes, func(a, b Route) int {
		return cmp.Or(compareNets(a.Dst, b.Dst), cmp.Compare(a.Metric, b.Metric))
	})
	r.view, r.looked = view, now
	return nil
}

// plan returns the routes that lead the packets of env into KLIPS. With pass,
// they need not enter it. An error says which route of the host lets packets
// leave in the clear.
func (r *router) plan(env hook.Environment, pass bool) ([]Route, error) {
	if err := r.look(); err != nil {
		return nil, err
	}
	var list []Route
	for _, dst := range r.cover(env.PeerClient.Masked(), env.Metric) {
		if pass && r.routed(dst, env.Metric) {
			continue // they pass by the route that is there
		}
		if !pass {
			if err := r.leak(env, dst); err != nil {
				return nil, err
			}
		}
		route := Route{Dst: dst, Link: env.Interface, MTU: env.MTU, Metric: env.Metric}
		if src := env.MySourceIP; src.IsValid() && src.Is4() == dst.Addr().Is4() {
			if r.view.Addrs[src] {
				route.Src = src
			} else {
				r.log(fmt.Sprintf("%q: leftsourceip=%s is not an address of this host; the route to %s has no source", env.Connection, src, dst))
			}
		}
		list = append(list, route)
	}
	return list, nil
}

// leak finds a route of the host that is better than one of env to dst, so that
// packets would leave in the clear by it. Networks that this host itself is on
// are on its side, and not the peer's.
func (r *router) leak(env hook.Environment, dst netip.Prefix) error {
	for _, other := range r.within(dst) {
		same := other.Dst == dst
		switch {
		case same && other.Metric > metricOf(dst, env.Metric):
		case !same && env.MyClient.IsValid() && covers(env.MyClient, other.Dst):
		case !same && r.neighbours(other):
			r.log(fmt.Sprintf("%q: packets to %s, a network of this host on %s, stay outside of it", env.Connection, other.Dst, other.Link))
		default:
			return fmt.Errorf("there is a route to %s over %s already, by which packets that the connection protects would leave in the clear: take it away, %q",
				other.Dst, other.Link, other.deletion())
		}
	}
	return nil
}

// foreign refuses a network that a peer has chosen from what it may, where the
// host has a way to it that is none of the connection's: the peer would cut this host off
// from its neighbours. A choice that was cut out of such a network is meant to be.
func (r *router) foreign(dst netip.Prefix, choice []netip.Prefix) error {
	if err := r.look(); err != nil {
		return err
	}
	whole := dst
	for _, c := range choice {
		if covers(c.Masked(), dst) {
			whole = c.Masked()
			break
		}
	}
	for link, nets := range r.view.Nets {
		for _, net := range nets {
			if covers(net, dst) && net.Bits() >= whole.Bits() {
				return fmt.Errorf("the peer has chosen %s, but %s is a network of this host on %s", dst, net, link)
			}
		}
	}
	for _, route := range r.view.Routes {
		if covers(route.Dst, dst) && route.Dst.Bits() > whole.Bits() {
			return fmt.Errorf("the peer has chosen %s, but there is a route to %s over %s", dst, route.Dst, route.Link)
		}
	}
	return nil
}

// deletion returns the command that takes r away.
func (r Route) deletion() string {
	s := "ip route del " + r.Dst.String()
	if r.Gateway.IsValid() {
		s += " via " + r.Gateway.String()
	}
	s += " dev " + r.Link
	if r.Metric != 0 {
		s += " metric " + strconv.Itoa(r.Metric)
	}
	return s
}

// neighbours reports whether other leads straight to a network that this host
// is on, or to the gateway of another route.
func (r *router) neighbours(other Route) bool {
	if other.Gateway.IsValid() {
		return false
	}
	return slices.Contains(r.view.Nets[other.Link], other.Dst) ||
		other.Dst.IsSingleIP() && slices.ContainsFunc(r.view.Routes, func(via Route) bool {
			return via.Link == other.Link && via.Gateway == other.Dst.Addr()
		})
}

// cover returns what to route for dst so that no route of the host is replaced
// or shades ours. Everything is always routed by halves.
func (r *router) cover(dst netip.Prefix, metric int) []netip.Prefix {
	if dst.IsSingleIP() || dst.Bits() > 0 && !r.routed(dst, metric) {
		return []netip.Prefix{dst}
	}
	low, high := halves(dst)
	return append(r.cover(low, metric), r.cover(high, metric)...)
}

// routed reports whether the host has a route to dst that is at least as good
// as one of metric.
func (r *router) routed(dst netip.Prefix, metric int) bool {
	within := r.within(dst)
	return len(within) > 0 && within[0].Dst == dst && within[0].Metric <= metricOf(dst, metric)
}

// within returns the routes to dst, those of the lowest metric first, and to
// networks inside of it.
func (r *router) within(dst netip.Prefix) []Route {
	first, _ := slices.BinarySearchFunc(r.view.Routes, dst, func(r Route, p netip.Prefix) int { return compareNets(r.Dst, p) })
	list := r.view.Routes[first:]
	for i, other := range list {
		if !dst.Contains(other.Dst.Addr()) {
			return list[:i]
		}
	}
	return list
}

// make sets routes; what fails takes back those before it.
func (r *router) make(list []Route) error {
	for i, route := range list {
		if err := r.host.Replace(route); err != nil {
			return errors.Join(err, r.unmake(list[:i]))
		}
	}
	return nil
}

// unmake takes routes away, those that are there.
func (r *router) unmake(list []Route) error {
	var all []error
	for _, route := range slices.Backward(list) {
		if err := r.host.Delete(route); err != nil && !errors.Is(err, syscall.ESRCH) && !errors.Is(err, syscall.ENODEV) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// metricOf returns the metric that a route to dst has when metric is asked
// for: the kernel takes 0 for 1024 in IPv6.
func metricOf(dst netip.Prefix, metric int) int {
	if dst.Addr().Is6() && metric == 0 {
		return 1024
	}
	return metric
}

func covers(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// compareNets puts a network before those inside of it.
func compareNets(a, b netip.Prefix) int {
	return cmp.Or(a.Masked().Addr().Compare(b.Masked().Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// halves splits a network that is larger than one address.
func halves(net netip.Prefix) (low, high netip.Prefix) {
	b := net.Addr().AsSlice()
	b[net.Bits()/8] |= 0x80 >> (net.Bits() % 8)
	upper, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(net.Addr(), net.Bits()+1), netip.PrefixFrom(upper, net.Bits()+1)
}
