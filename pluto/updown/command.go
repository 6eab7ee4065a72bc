package updown

import (
	"fmt"
	"strings"
	"time"

	"ipsec/conf/hook"
)

// Default does what "ipsec _updown" does: what the default does for the verb
// and the connection that PLUTO_ variables speak of. A command of the user that
// was run with them may call it. It knows of no other connection.
func Default(host Host, info string, getenv func(string) string, log func(string)) error {
	verb, _, _ := strings.Cut(getenv("PLUTO_VERB"), "-")
	switch verb {
	case "prepare", "up", "down":
		return nil
	case "route", "unroute":
	default:
		return fmt.Errorf("malformed PLUTO_VERB %q: expected prepare, route, up, down or unroute, with -client or -host", getenv("PLUTO_VERB"))
	}
	env, err := hook.Read(getenv)
	if err != nil {
		return err
	}
	r := router{host: host, now: time.Now, log: log}
	list, err := r.plan(env, false)
	if verb == "unroute" {
		if err != nil { // a route has come since, which changes nothing for ours
			list = r.bare(env)
		}
		return r.unmake(list)
	}
	if err != nil {
		return err
	}
	n := notes{path: info, log: log}
	for _, route := range list {
		if err := n.add(route.note()); err != nil {
			return err
		}
	}
	return r.make(list)
}

// bare returns the routes of env without a look at what is beside them.
func (r *router) bare(env hook.Environment) (list []Route) {
	for _, dst := range r.cover(env.PeerClient.Masked(), env.Metric) {
		list = append(list, Route{Dst: dst, Link: env.Interface, Metric: env.Metric})
	}
	return list
}
