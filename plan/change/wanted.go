package change

import (
	"net/netip"
	"strings"

	"ipsec/klips"
	"ipsec/klips/route"
	"ipsec/klips/said"
	"ipsec/plan"
	"ipsec/pluto/whack/cmdline"
)

// Wanted returns what the plan of a start leaves on a machine. leads are what Pluto gives the conns that it
// routes.
func Wanted(p plan.Plan, leads []Lead) []Item {
	w := wanted{links: make(map[string]*link), named: make(map[string]bool), routes: make(map[slot]int)}
	for _, node := range p.Nodes {
		if step, ok := node.(plan.Step); ok {
			w.step(step)
		}
	}
	for i, item := range w.items {
		if attach, ok := item.Op.(plan.Attach); ok && item.Kind == Network {
			l := w.links[attach.Virtual]
			w.items[i].Value = InterfaceOf(attach.Virtual, attach.Physical, l.mtu, l.up).Value
		}
	}
	for _, path := range w.saved {
		w.add(SettingOf(path, Any), nil, "")
	}
	for _, l := range leads {
		for _, r := range l.Routes {
			op := plan.AddRoute{Dst: r.Dst, Link: r.Link, Src: r.Src, MTU: r.MTU, Metric: r.Metric}
			w.add(RouteOf(op), op, l.Reason)
		}
		for _, f := range l.Flows {
			item := ErouteOf(plan.Flow(f), said.SAID{})
			item.Value, item.Conn = OfPluto, "conn "+l.Conn
			w.add(item, nil, l.Reason)
		}
	}
	Sort(w.items)
	return w.items
}

// Lead is what Pluto gives a conn that it routes: routes into KLIPS, and the flows that have an eroute for it.
type Lead struct {
	Conn   string
	Reason string
	Routes []route.Route
	Flows  []klips.Selector
}

// wanted gathers what steps leave.
type wanted struct {
	items  []Item
	named  map[string]bool
	routes map[slot]int // where in items a route is
	links  map[string]*link
	saved  []string // settings that steps note, for they or what follows from them may change
}

// link is what several steps make of an interface.
type link struct {
	mtu int
	up  bool
}

func (w *wanted) of(name string) *link {
	if w.links[name] == nil {
		w.links[name] = new(link)
	}
	return w.links[name]
}

func (w *wanted) add(item Item, op plan.Op, reason string) {
	item.Op, item.Reason = op, reason
	if r, ok := op.(plan.AddRoute); ok {
		of := slot{r.Dst, r.Metric}
		if at, taken := w.routes[of]; taken { // two conns may need one route, which is as the last has set it
			w.items[at] = item
			return
		}
		w.routes[of] = len(w.items)
	}
	if w.named[item.Object] {
		return
	}
	w.named[item.Object] = true
	w.items = append(w.items, item)
}

// slot is what two routes cannot both have.
type slot struct {
	dst    netip.Prefix
	metric int
}

// step adds what one step leaves.
func (w *wanted) step(step plan.Step) {
	add := func(item Item) { w.add(item, step.Op, step.Reason) }
	switch op := step.Op.(type) {
	case plan.StartKlips:
		add(DaemonOf(plan.Klips, op.Words()))
	case plan.StartPluto:
		add(DaemonOf(plan.Pluto, op.Args))
	case plan.Attach:
		add(InterfaceOf(op.Virtual, op.Physical, 0, false)) // its value is known at the end
		if op.XDP != "auto" {
			add(UseOf(op.Virtual, op.XDP))
		}
	case plan.LinkUp:
		w.of(op.Link).up = true
	case plan.SetMTU:
		w.of(op.Link).mtu = op.MTU
	case plan.AddAddr:
		add(AddressOf(op))
	case plan.AddRoute:
		add(RouteOf(op))
	case plan.Save:
		w.saved = append(w.saved, op.Paths...)
	case plan.RPFilter:
		add(SettingOf(allLinksFilter, op.Value))
		for _, link := range op.Links {
			add(SettingOf("/proc/sys/net/ipv4/conf/"+link+"/rp_filter", op.Value))
		}
	case plan.Write:
		if strings.HasPrefix(op.Path, "/proc/sys/") {
			add(SettingOf(op.Path, op.Text))
		}
	case plan.AddTunnel:
		add(SAOf(klips.SA{ID: op.SAID, Src: op.Src, TunnelDst: op.Dst}))
	case plan.AddComp:
		add(SAOf(klips.SA{ID: op.SAID, Src: op.Src, Comp: "deflate"}))
	case plan.AddSA:
		add(SAOf(saOf(op)))
	case plan.GroupSAs:
		add(GroupOf(op.SAIDs))
	case plan.AddInflow:
		add(InflowOf(op.Flow, op.SAID))
	case plan.AddEroute:
		add(ErouteOf(op.Flow, op.SAID))
	case plan.AddConn:
		add(ConnOf(op.Name, normal(op)))
	case plan.RouteConn:
		if step.OnFail.Kind == plan.FailWarn { // else the plan says that Pluto will refuse
			add(RoutingOf(op.Name, "routed"))
		}
	}
}

// normal returns whack's words for a connection as Pluto has them once it has read them.
func normal(op plan.AddConn) []string {
	request, err := cmdline.Parse(append([]string{"--name", op.Name}, op.Args...))
	if err != nil || request.Add == nil {
		return op.Args
	}
	return cmdline.Describe(request.Add)
}
