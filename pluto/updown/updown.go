// Package updown does what a connection needs done to the routes of the host:
// the default by netlink, and a command of the user, leftupdown=, with the
// PLUTO_ variables of pluto(8).
//
// What is done is noted in ipsec.info before it is done, so that "ipsec setup
// stop" can take it back after Pluto has been killed.
package updown

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"ipsec/conf/hook"
	"ipsec/conf/info"
	"ipsec/klips"
	"ipsec/klips/route"
	"ipsec/pluto"
	"ipsec/pluto/connection"
)

// Config is what an Updown needs of its surroundings.
type Config struct {
	Host    Host
	Clock   pluto.Clock
	Run     Runner       // for commands of the user
	Info    string       // ipsec.info, which is appended to where it is there; "" for none
	Log     func(string) // of what is odd, and no failure
	Timeout time.Duration
}

// DefaultTimeout is how long a command of the user may take. All of Pluto waits for it.
const DefaultTimeout = 10 * time.Second

// Updown implements connection.Updown. It is not for concurrent use.
type Updown struct {
	config Config
	router router
	notes  notes
	led    map[lead][]led // what was set for each, the oldest first
	ways   route.Entrances
	hooks  map[shared]int // users of each
}

// A lead is what routes are asked for. A connection that is replaced may be
// there twice for a while.
type lead struct {
	conn     string
	instance int
	virtual  string
	flow     klips.Selector
	metric   int
	shunt    pluto.Shunt
}

// A led is routes that were set for a lead.
type led struct {
	user   route.User
	routes []route.Route
}

// A shared is what several connections run a command of the user for.
type shared struct {
	virtual string
	dst     netip.Prefix
	metric  int
	command string
}

var _ connection.Updown = (*Updown)(nil)

// New returns an Updown that has done nothing yet.
func New(c Config) *Updown {
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	return &Updown{
		config: c,
		router: newRouter(c.Host, c.Clock.Now, c.Log),
		notes:  notes{path: c.Info, log: c.Log},
		led:    map[lead][]led{},
		hooks:  map[shared]int{},
	}
}

// Do does what verb says. Of connections that need the same route, the first has it
// set, and the last has it taken away.
func (u *Updown) Do(verb connection.Verb, c *pluto.Connection, flow klips.Selector, virtual string, others connection.Others) error {
	env := environment(c, flow, virtual)
	command := command(c.Local)
	if command != "" {
		h := info.Hook{Conn: c.Name, Suffix: env.Suffix(), Command: command, Env: env.Variables()}
		return u.custom(verb, shared{virtual, flow.Dst, c.Metric, command}, h)
	}
	l := lead{c.Name, c.Instance, virtual, flow, c.Metric, c.Shunt}
	switch verb {
	case connection.ToRoute:
		return u.route(l, c, env, others)
	case connection.Undo:
		return u.unroute(l)
	}
	return nil
}

// route sets the routes that lead packets into KLIPS.
func (u *Updown) route(l lead, c *pluto.Connection, env hook.Environment, others connection.Others) error {
	if c.Instance > 0 {
		table, err := u.router.look()
		if err != nil {
			return err
		}
		if err := table.Foreign(env.PeerClient, c.Remote.Clients); err != nil {
			return err
		}
	}
	w := want(env)
	w.Pass = c.Shunt == pluto.ShuntPass
	w.Own, w.Passes = others.Own(c), others.Passes()
	list, err := u.router.lead(c.Name, w)
	user := route.User{Conn: cmp.Or(c.Alias, c.Name), Host: c.Local.Host.Addr} // the pairs of networks of one conn are one user
	if err == nil {
		err = u.ways.Refuse(user, list)
	}
	if err != nil {
		return err
	}
	if c.Instance == 0 { // the routes of an instance go with their interface at the latest
		for _, r := range list {
			if err := u.notes.add(noteOf(r)); err != nil {
				return err
			}
		}
	}
	if err := u.router.make(list); err != nil {
		return err
	}
	u.led[l] = append(u.led[l], led{user, list})
	for _, r := range list {
		u.ways.Add(user, r)
	}
	return nil
}

// unroute takes the routes back, where there are any.
func (u *Updown) unroute(l lead) error {
	all := u.led[l]
	if len(all) == 0 {
		return nil
	}
	if len(all) == 1 {
		delete(u.led, l)
	} else {
		u.led[l] = all[1:]
	}
	for _, r := range all[0].routes {
		u.ways.Remove(all[0].user, r)
	}
	return u.router.unmake(all[0].routes)
}

// custom runs a command of the user. What prepares and makes a route is done for
// the first that shares it, and what takes it away for the last.
func (u *Updown) custom(verb connection.Verb, s shared, h info.Hook) error {
	switch verb {
	case connection.Prepare:
		if u.hooks[s] > 0 {
			return nil
		}
		if err := u.notes.add(h); err != nil {
			return err
		}
	case connection.ToRoute:
		if u.hooks[s] == 0 {
			if err := u.run(verb, h); err != nil {
				return err
			}
		}
		u.hooks[s]++
		return nil
	case connection.Undo:
		if u.hooks[s] > 1 {
			u.hooks[s]--
			return nil
		}
		delete(u.hooks, s)
		err := u.run(verb, h)
		if noted := u.notes.add(info.Unhook(h)); err == nil {
			err = noted
		}
		return err
	}
	return u.run(verb, h)
}

func (u *Updown) run(verb connection.Verb, h info.Hook) error {
	variables := append([]string{"PLUTO_VERB=" + string(verb) + h.Suffix}, h.Env...)
	if err := u.config.Run.Run(h.Command, variables, u.config.Timeout); err != nil {
		return fmt.Errorf("%q: %w", h.Command, err)
	}
	return nil
}

// command returns the updown command of our end; "" for the default.
func command(e pluto.End) string {
	text := strings.TrimSpace(e.Updown)
	if text == "ipsec _updown" || strings.HasPrefix(text, "ipsec _updown ") {
		return ""
	}
	return text
}

func environment(c *pluto.Connection, flow klips.Selector, virtual string) hook.Environment {
	ca := c.Remote.CA
	if ca == "%same" {
		ca = c.Local.CA
	}
	return hook.Environment{
		Connection: c.Name,
		NextHop:    c.Local.NextHop,
		Interface:  virtual,
		Me:         c.Local.Host.Addr,
		Peer:       c.Remote.Host.Addr,
		MyID:       id(c.Local),
		PeerID:     id(c.Remote),
		MyClient:   flow.Src,
		PeerClient: flow.Dst,
		Host:       len(c.Local.Clients) == 0,
		Protocol:   flow.Proto,
		MyPort:     flow.SrcPort,
		PeerPort:   flow.DstPort,
		MySourceIP: c.Local.SourceIP,
		PeerCA:     ca,
		MTU:        c.MTU,
		Metric:     c.Metric,
	}
}

func id(e pluto.End) string {
	if e.ID.IsZero() {
		return e.Host.String()
	}
	return e.ID.String()
}
