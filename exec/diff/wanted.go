package diff

import (
	"strings"

	"ipsec/exec/shell"
	"ipsec/klips/route"
	"ipsec/plan"
	"ipsec/pluto/whack/cmdline"
)

// Wanted returns what the plan of a start leaves on a machine. routed are the routes that Pluto makes for the
// conns that it routes.
func Wanted(p plan.Plan, routed []route.Route) []Item {
	var list []Item
	links := make(map[string]*link)
	of := func(name string) *link {
		if links[name] == nil {
			links[name] = new(link)
		}
		return links[name]
	}
	named := make(map[string]bool)
	add := func(kind Kind, object, value, reason string) {
		if named[object] { // two conns may need one route
			return
		}
		named[object] = true
		list = append(list, Item{kind, object, value, reason, false})
	}
	for _, node := range p.Nodes {
		step, ok := node.(plan.Step)
		if !ok {
			continue
		}
		switch op := step.Op.(type) {
		case plan.StartKlips:
			add(Daemon, "klips", arguments(op.Words()), step.Reason)
		case plan.StartPluto:
			add(Daemon, "pluto", arguments(op.Args), step.Reason)
		case plan.Attach:
			of(op.Virtual).physical = op.Physical
			add(Network, interfaceObject(op.Virtual), op.Virtual, step.Reason) // its value is known at the end
		case plan.LinkUp:
			of(op.Link).up = true
		case plan.SetMTU:
			of(op.Link).mtu = op.MTU
		case plan.AddAddr:
			add(Network, addressObject(op.Prefix, op.Link), "", step.Reason)
		case plan.AddRoute:
			add(Network, routeObject(op.Dst, op.Link, op.Metric), "", step.Reason)
		case plan.RPFilter:
			add(Setting, allLinksFilter, op.Value, step.Reason)
			for _, link := range op.Links {
				add(Setting, "/proc/sys/net/ipv4/conf/"+link+"/rp_filter", op.Value, step.Reason)
			}
		case plan.Write:
			if strings.HasPrefix(op.Path, "/proc/sys/") {
				add(Setting, op.Path, op.Text, step.Reason)
			}
		case plan.AddTunnel:
			add(DataPlane, "SA "+op.SAID.String(), "", step.Reason)
		case plan.AddComp:
			add(DataPlane, "SA "+op.SAID.String(), "", step.Reason)
		case plan.AddSA:
			add(DataPlane, "SA "+op.SAID.String(), "", step.Reason)
		case plan.AddEroute:
			add(DataPlane, erouteObject(op.Flow), op.SAID.String(), step.Reason)
		case plan.AddConn:
			add(Connection, "conn "+op.Name, strings.Join(normal(op), "\x00"), step.Reason)
		case plan.RouteConn:
			if step.OnFail.Kind == plan.FailWarn { // else the plan says that Pluto will refuse
				add(Routing, "routing of conn "+op.Name, "routed", step.Reason)
			}
		}
	}
	for i, item := range list {
		if l, ok := links[item.Value]; ok && item.Object == interfaceObject(item.Value) {
			list[i].Value = l.String()
		}
	}
	for _, r := range routed {
		add(Network, routeObject(r.Dst, r.Link, r.Metric), "", "a conn that Pluto routes")
	}
	return sorted(list)
}

// normal returns whack's words for a connection as Pluto has them once it has read them.
func normal(op plan.AddConn) []string {
	request, err := cmdline.Parse(append([]string{"--name", op.Name}, op.Args...))
	if err != nil || request.Add == nil {
		return op.Args
	}
	return cmdline.Describe(request.Add)
}

// arguments writes the words after the name of a daemon as the shell has them, each option and its value apart.
func arguments(words []string) string {
	var apart []string
	for _, w := range words {
		if name, value, ok := strings.Cut(w, "="); ok && strings.HasPrefix(name, "--") {
			apart = append(apart, name, value)
		} else {
			apart = append(apart, w)
		}
	}
	line, err := shell.Line(plan.Step{Op: plan.StartPluto{Args: apart}, OnFail: plan.OnFail{Kind: plan.FailStatus1}})
	if err != nil { // what is running may have any words
		return strings.Join(apart, " ")
	}
	return strings.TrimPrefix(strings.TrimPrefix(strings.TrimSuffix(line, " || status=1"), "ipsec pluto"), " ")
}
