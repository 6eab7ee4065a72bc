// Package foresee has Pluto's own table of connections go through what a plan will ask of it, over
// values in memory, so that what Pluto will refuse is known when the plan is made. The rules stay where they
// are: in pluto/connection, pluto/updown and klips/route.
package foresee

import (
	"errors"
	"slices"
	"time"

	"ipsec/klips"
	"ipsec/klips/route"
	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/updown"
)

// Pluto is a Pluto that has been started and does nothing but keep its table.
type Pluto struct {
	table  *connection.Table
	host   *routes
	kernel *kernel
}

// New returns a Pluto without connections, on a host with those routes.
func New(host *route.Table) *Pluto {
	nobody := func(string) {}
	r, k := &routes{table: host}, &kernel{}
	return &Pluto{host: r, kernel: k, table: connection.New(connection.Config{
		Kernel: k, Clock: still{}, Rand: zeros{}, Report: func(pluto.Report) {},
		Updown: updown.New(updown.Config{Host: r, Clock: still{}, Run: nothing{}, Log: nobody}),
	})}
}

// Add loads a connection. An error is what Pluto will say.
func (p *Pluto) Add(conn *pluto.Connection) error { return p.table.Add(conn) }

// Listen says which addresses Pluto will speak IKE on.
func (p *Pluto) Listen(ours []connection.Address) { p.table.Listen(ours) }

// Route routes a connection. An error is what Pluto will say for certain: of one that waits for
// an address, its own or the peer's, nothing is certain.
func (p *Pluto) Route(name string) error {
	err := p.table.Route(name)
	if refused, ok := errors.AsType[*connection.Error](err); ok && (refused.Code == pluto.RCClash || refused.Code == pluto.RCRoute) {
		return err
	}
	return nil
}

// still is a clock of a plan: no time passes while it is made.
type still struct{}

func (still) Now() time.Time { return time.Unix(0, 0) }

// zeros stands for the randomness that SPIs are drawn from: none are, here.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// nothing stands for the commands of users: what they would do is not known.
type nothing struct{}

func (nothing) Run(string, []string, time.Duration) error { return nil }

// Routes returns the routes into KLIPS that the connections have been given.
func (p *Pluto) Routes() []route.Route { return p.host.set }

// Flows returns the flows that have an eroute of Pluto, in the order in which they got it.
func (p *Pluto) Flows() []klips.Selector { return p.kernel.flows }

// routes is the host's routes, and beside them those into KLIPS.
type routes struct {
	table *route.Table
	set   []route.Route
}

func (r *routes) Look() (*route.Table, error) { return r.table, nil }

func (r *routes) Replace(one route.Route) error {
	r.set = append(r.set, one)
	return nil
}

func (r *routes) Delete(one route.Route) error {
	r.set = slices.DeleteFunc(r.set, func(other route.Route) bool { return other == one })
	return nil
}

// kernel takes every eroute, and has no SAs: before a negotiation there are none.
type kernel struct {
	pluto.Kernel
	flows []klips.Selector
	has   map[klips.Selector]bool
}

func (k *kernel) ReplaceEroute(e klips.Eroute) error {
	if k.has == nil {
		k.has = make(map[klips.Selector]bool)
	}
	if !k.has[e.Selector] {
		k.has[e.Selector] = true
		k.flows = append(k.flows, e.Selector)
	}
	return nil
}

func (k *kernel) DelEroute(f klips.Selector) error {
	delete(k.has, f)
	k.flows = slices.DeleteFunc(k.flows, func(other klips.Selector) bool { return other == f })
	return nil
}
