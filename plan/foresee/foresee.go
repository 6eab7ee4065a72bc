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
	hooks  *hooks
}

// New returns a Pluto without connections, on a host with those routes.
func New(host *route.Table) *Pluto {
	nobody := func(string) {}
	r, k, h := &routes{table: host}, &kernel{}, &hooks{}
	p := &Pluto{host: r, kernel: k, hooks: h, table: connection.New(connection.Config{
		Kernel: k, Clock: still{}, Rand: zeros{}, Report: func(pluto.Report) {},
		Updown: updown.New(updown.Config{Host: r, Clock: still{}, Run: h, Log: nobody}),
	})}
	p.table.Drive(silence{})
	return p
}

// Add loads a connection. An error is what Pluto will say.
func (p *Pluto) Add(conn *pluto.Connection) error { return p.table.Add(conn) }

// Listen says which addresses Pluto will speak IKE on.
func (p *Pluto) Listen(ours []connection.Address) { p.table.Listen(ours) }

// Route routes a connection. An error is what Pluto will say, unless the connection Waits.
func (p *Pluto) Route(name string) error { return p.table.Route(name) }

// Initiate brings a connection up, as far as that goes without a peer. An error is what Pluto will say, unless the
// connection Waits.
func (p *Pluto) Initiate(name string) error { return p.table.Initiate(name) }

// Unroute takes back what Route has given a connection.
func (p *Pluto) Unroute(name string) { p.table.Unroute(name) }

// Waits reports whether nothing is certain of what has failed with err: it waits for an address, our own
// or the peer's.
func Waits(err error) bool {
	refused, ok := errors.AsType[*connection.Error](err)
	return ok && refused.Waits
}

// still is a clock of a plan: no time passes while it is made.
type still struct{}

func (still) Now() time.Time { return time.Unix(0, 0) }

// zeros stands for the randomness that SPIs are drawn from: none are, here.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// silence stands for the peers: none has answered yet when Pluto says that it initiates.
type silence struct{ pluto.Negotiator }

func (silence) Initiate(*pluto.Connection, *klips.Selector) {}

// hooks stands for the commands of users: what they would do is not known.
type hooks struct{ ran int }

func (h *hooks) Run(string, []string, time.Duration) error {
	h.ran++
	return nil
}

// Hooks returns how many commands of users Pluto has run.
func (p *Pluto) Hooks() int { return p.hooks.ran }

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
