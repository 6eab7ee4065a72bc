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

// Updown answers for connection.Updown. It is not for concurrent use.
type Updown struct {
	config Config
	router router
	notes  notes
	shared map[key]*share
}

// A key is what several connections may need alike.
type key struct {
	virtual string
	dst     netip.Prefix
	metric  int
	command string // "" for the default
}

// A share is how many need it, and what was done for the first.
type share struct {
	users int
	made  []Route
}

var _ connection.Updown = (*Updown)(nil)

// New returns an Updown that has done nothing yet.
func New(c Config) *Updown {
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	return &Updown{
		config: c,
		router: router{host: c.Host, now: c.Clock.Now, log: c.Log},
		notes:  notes{path: c.Info, log: c.Log},
		shared: map[key]*share{},
	}
}

// Do does what verb says. Of connections that lead the same packets into one
// interface, the first makes the routes and the last takes them away.
func (u *Updown) Do(verb connection.Verb, c *pluto.Connection, flow klips.Selector, virtual string) error {
	env := environment(c, flow, virtual)
	k := key{virtual, flow.Dst, c.Metric, command(c.Local)}
	if k.command == "" {
		return u.native(verb, c, k, env)
	}
	h := info.Hook{Conn: c.Name, Suffix: env.Suffix(), Command: k.command, Env: env.Variables()}
	return u.custom(verb, k, h)
}

// native is the default.
func (u *Updown) native(verb connection.Verb, c *pluto.Connection, k key, env hook.Environment) error {
	s := u.shared[k]
	switch {
	case verb == connection.ToRoute && s != nil:
		s.users++
	case verb == connection.ToRoute:
		if c.Instance > 0 {
			if err := u.router.foreign(env.PeerClient.Masked(), c.Remote.Clients); err != nil {
				return err
			}
		}
		list, err := u.router.plan(env, c.Shunt == pluto.ShuntPass)
		if err != nil {
			return err
		}
		if c.Instance == 0 { // the routes of an instance go with their interface at the latest
			for _, r := range list {
				if err := u.notes.add(r.note()); err != nil {
					return err
				}
			}
		}
		if err := u.router.make(list); err != nil {
			return err
		}
		u.shared[k] = &share{users: 1, made: list}
	case verb == connection.Undo && s != nil:
		if s.users--; s.users == 0 {
			delete(u.shared, k)
			return u.router.unmake(s.made)
		}
	}
	return nil
}

// custom runs a command of the user. What prepares and makes a route is done for
// the first, and what takes it away for the last.
func (u *Updown) custom(verb connection.Verb, k key, h info.Hook) error {
	s := u.shared[k]
	switch verb {
	case connection.Prepare:
		if s != nil {
			return nil
		}
		if err := u.notes.add(h); err != nil {
			return err
		}
	case connection.ToRoute:
		if s != nil {
			s.users++
			return nil
		}
		if err := u.run(verb, h); err != nil {
			return err
		}
		u.shared[k] = &share{users: 1}
		return nil
	case connection.Undo:
		if s != nil {
			if s.users--; s.users > 0 {
				return nil
			}
			delete(u.shared, k)
		}
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
