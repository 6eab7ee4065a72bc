package compile

import (
	"ipsec/conf/info"
	"ipsec/plan"
)

// noted is what ipsec.info says that a stop or a restart takes back.
type noted struct {
	rundir     bool // start made the run folder
	subsys     bool
	interfaces []info.Interface
	addresses  []plan.DelAddr
	routes     []plan.DelRoute
	hooks      []info.Hook
	settings   []string // paths of kernel settings, in order
}

// readInfo returns what the lines of ipsec.info leave to be taken back, passing
// over what no step could carry: a stranger may have written it.
func readInfo(lines []string) noted {
	var n noted
	for _, line := range info.StandingOf(lines).Lines() {
		switch l := line.(type) {
		case info.RunDirMade:
			n.rundir = true
		case info.Subsys:
			n.subsys = true
		case info.Interface:
			if carried(plan.Detach{Virtual: l.Virtual}) {
				n.interfaces = append(n.interfaces, l)
			}
		case info.Address:
			if del := plan.DelAddr(l); carried(del) {
				n.addresses = append(n.addresses, del)
			}
		case info.Route:
			if del := plan.DelRoute(l); carried(del) {
				n.routes = append(n.routes, del)
			}
		case info.Hook:
			if plan.Validate(unroute(l, "")) == nil {
				n.hooks = append(n.hooks, l)
			}
		case info.Setting:
			if l.Below(info.SettingsDir) && carried(plan.Restore{Paths: []string{l.Path}}) {
				n.settings = append(n.settings, l.Path)
			}
		}
	}
	return n
}

// carried reports whether a step can carry op.
func carried(op plan.Op) bool { return plan.Validate(ignored(op, "")) == nil }

// routeOf returns the line that notes the route of r; as an Unroute, that it was
// taken back.
func routeOf(r plan.AddRoute) info.Route { return info.Route(r.Deletion()) }
