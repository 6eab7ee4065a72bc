package updown

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"ipsec/conf/hook"
	"ipsec/klips/route"
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
	r := newRouter(host, time.Now, log)
	list, err := r.lead(env.Connection, want(env))
	if verb == "unroute" {
		if !errors.As(err, new(*route.LeakError)) && err != nil { // one that has come since changes nothing for ours
			return err
		}
		return r.unmake(list)
	}
	if err != nil {
		return err
	}
	n := notes{path: info, log: log}
	for _, route := range list {
		if err := n.add(noteOf(route)); err != nil {
			return err
		}
	}
	return r.make(list)
}
