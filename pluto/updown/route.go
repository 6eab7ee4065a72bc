package updown

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"ipsec/conf/hook"
	"ipsec/conf/info"
	"ipsec/klips"
	"ipsec/klips/route"
)

// Host is the routes of the host.
type Host interface {
	// Look returns those that are not KLIPS's.
	Look() (*route.Table, error)
	// Replace is like 'ip route replace DST dev LINK [src SRC] [mtu MTU] [metric METRIC]'.
	Replace(route.Route) error
	// Delete is like 'ip route del DST dev LINK [metric METRIC]'; ESRCH where there is none.
	Delete(route.Route) error
}

// noteOf returns the line of ipsec.info that notes r.
func noteOf(r route.Route) info.Route {
	return info.Route{Dst: r.Dst, Link: r.Link, Metric: r.Metric}
}

// lookTime is how old what is known of the host's routes may be.
const lookTime = time.Second

// A router sets the routes that lead packets into interfaces of KLIPS.
type router struct {
	host   Host
	now    func() time.Time
	log    func(string)
	table  *route.Table
	looked time.Time
	users  map[info.Route]int // of each route that is set, how many need it
}

func newRouter(host Host, now func() time.Time, log func(string)) router {
	return router{host: host, now: now, log: log, users: map[info.Route]int{}}
}

func (r *router) look() (*route.Table, error) {
	now := r.now()
	if !r.looked.IsZero() && now.Sub(r.looked) < lookTime && !now.Before(r.looked) {
		return r.table, nil
	}
	table, err := r.host.Look()
	if err != nil {
		return nil, err
	}
	r.table, r.looked = table, now
	return table, nil
}

// want returns what is asked of the routes for env.
func want(env hook.Environment) route.Want {
	w := route.Want{
		Flow:    klips.Selector{Src: env.MyClient.Masked(), Dst: env.PeerClient.Masked(), Proto: env.Protocol, SrcPort: env.MyPort, DstPort: env.PeerPort},
		Virtual: env.Interface,
		MTU:     env.MTU,
		Metric:  env.Metric,
		Source:  env.MySourceIP,
	}
	if env.MyClient.IsValid() {
		w.Own = []netip.Prefix{env.MyClient}
	}
	return w
}

// lead returns the routes for w, which a connection of that name asks for. They
// are returned with a *route.LeakError, too.
func (r *router) lead(name string, w route.Want) ([]route.Route, error) {
	table, err := r.look()
	if err != nil {
		return nil, err
	}
	lead, err := table.Lead(w)
	for _, other := range lead.Beside {
		r.log(fmt.Sprintf("%q: packets to %s, a network of this host on %s, stay outside of it", name, other.Dst, other.Link))
	}
	if lead.NoSource {
		r.log(fmt.Sprintf("%q: leftsourceip=%s is not an address of this host; the route to %s has no source", name, w.Source, w.Flow.Dst))
	}
	return lead.Routes, err
}

// make sets routes that are not set yet. Where one fails, those before it are taken
// back.
func (r *router) make(list []route.Route) error {
	for i, route := range list {
		note := noteOf(route)
		if r.users[note] == 0 {
			if err := r.host.Replace(route); err != nil {
				return errors.Join(err, r.unmake(list[:i]))
			}
		}
		r.users[note]++
	}
	return nil
}

// unmake takes routes away that nobody else needs. What is not there is no error.
func (r *router) unmake(list []route.Route) error {
	var all []error
	for _, route := range slices.Backward(list) {
		note := noteOf(route)
		if r.users[note]--; r.users[note] > 0 {
			continue
		}
		delete(r.users, note)
		if err := r.host.Delete(route); err != nil && !errors.Is(err, syscall.ESRCH) && !errors.Is(err, syscall.ENODEV) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}
