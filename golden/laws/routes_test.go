package laws

import (
	"errors"
	"fmt"
	"math/rand"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"ipsec/conf"
	"ipsec/klips"
	"ipsec/klips/klipstest"
	"ipsec/klips/route"
	"ipsec/plan"
	"ipsec/plan/compile"
	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/plutotest"
	plutoupdown "ipsec/pluto/updown"
	"ipsec/pluto/whack/cmdline"
)

// TestRoutesAlike has manual and automatic keying lead packets into KLIPS alike: whatever
// routes a host has, the same conns leave the same routes, or are refused with the same
// reason. SEEDS says how many hosts, -seed which one.
func TestRoutesAlike(t *testing.T) {
	seeds, first := 2000, int64(1)
	if text := os.Getenv("SEEDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("malformed SEEDS %q", text)
		}
		seeds = n
	}
	if *seed != 0 {
		seeds, first = 1, *seed
	}
	refused, routed, twice := 0, 0, 0
	for n := first; n < first+int64(seeds); n++ {
		r := rand.New(rand.NewSource(n))
		facts, conns := randomFacts(r), randomConns(r)
		manual, auto := manualRoutes(t, facts, conns), automaticRoutes(t, facts, conns)
		if slices.ContainsFunc(auto.refusals, taken) && slices.ContainsFunc(conns, func(c randomConn) bool { return len(c.left)*len(c.right) > 1 }) {
			continue // Pluto has each pair of networks by itself: it routes others of a conn
		}
		if !manual.started { // and then it is not said which network has another entrance
			auto.refusals = slices.DeleteFunc(auto.refusals, taken)
		}
		if !slices.Equal(manual.refusals, auto.refusals) {
			t.Errorf("-seed %d: refused are\n%s\nby manual keying, and\n%s\nby automatic\n%s", n,
				strings.Join(manual.refusals, "\n"), strings.Join(auto.refusals, "\n"), describe(facts, conns))
		}
		if !manual.started {
			refused++
			continue
		}
		twice += len(manual.refusals)
		routed += len(manual.routes)
		if !slices.Equal(manual.routes, auto.routes) {
			t.Errorf("-seed %d: routes are\n%s\nby manual keying, and\n%s\nby automatic\n%s", n,
				strings.Join(manual.routes, "\n"), strings.Join(auto.routes, "\n"), describe(facts, conns))
		}
	}
	if *seed == 0 && (refused < seeds/10 || routed < seeds || twice < seeds/500) {
		t.Errorf("of %d hosts %d refuse, %d routes are set, %d conns want what is led into another interface: the hosts are all alike", seeds, refused, routed, twice)
	}
}

// outcome is what becomes of conns: the routes, or why there are none, sorted.
type outcome struct {
	routes, refusals []string
	started          bool // by manual keying: no route of the host leads past KLIPS
}

// taken reports whether a conn is refused for another has its network by another interface.
func taken(refusal string) bool { return strings.Contains(refusal, "enter KLIPS by") }

func (o *outcome) sort() {
	slices.Sort(o.routes)
	slices.Sort(o.refusals)
}

// randomConn is a conn, but for its keying.
type randomConn struct {
	name, kind  string
	ours, peer  string // the ends
	left, right []netip.Prefix
	source      string // leftsourceip=
	metric, mtu int
}

func (c randomConn) text(keying string) string {
	list := func(nets []netip.Prefix) string {
		var words []string
		for _, n := range nets {
			words = append(words, n.String())
		}
		return "{" + strings.Join(words, " ") + "}"
	}
	s := fmt.Sprintf("conn %s\n\tleft=%s\n\tright=%s\n\ttype=%s\n", c.name, c.ours, c.peer, c.kind)
	if len(c.left) > 0 {
		s += fmt.Sprintf("\tleftsubnets=%s\n\trightsubnets=%s\n", list(c.left), list(c.right))
	}
	if c.source != "" {
		s += "\tleftsourceip=" + c.source + "\n"
	}
	if c.mtu != 0 {
		s += fmt.Sprintf("\tmtu=%d\n", c.mtu)
	}
	if c.metric != 0 {
		s += fmt.Sprintf("\tmetric=%d\n", c.metric)
	}
	return s + keying + "\n"
}

var (
	farNets = []string{
		"10.2.0.0/16", "10.2.0.0/17", "10.2.128.0/17", "10.2.3.0/24", "10.2.3.4/32", "10.0.0.0/8", "0.0.0.0/0", "10.0.1.128/25", "192.0.2.128/25", "172.16.0.0/24",
		"fd02::/48", "fd02::/64", "fd02::7/128", "fd00::/8", "::/0", "fd01::/65",
	}
	ownNets = []string{"10.0.1.0/24", "10.0.1.0/25", "10.0.0.0/16", "fd01::/64", "10.9.0.0/16"}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.Intn(len(list))] }

// randomFacts returns a host on lan, wan and maybe ppp, with routes in the way.
func randomFacts(r *rand.Rand) plan.Facts {
	facts := plan.Facts{
		Version: plan.FactsVersion, Host: "west", Paths: conf.DefaultPaths(), TUN: true, IPv6: true, Stacks: []string{"klips"}, RunDir: true,
		Links: []plan.Link{
			{Name: "wan", MTU: 1500, Up: true, Addrs: []plan.Addr{{Prefix: netip.MustParsePrefix("192.0.2.1/24")}, {Prefix: netip.MustParsePrefix("2001:db8::1/64")}}},
			{Name: "lan", MTU: 1500, Up: true, Addrs: []plan.Addr{{Prefix: netip.MustParsePrefix("10.0.1.1/24")}, {Prefix: netip.MustParsePrefix("fd01::1/64")}}},
		},
		Routes: []plan.Route{
			{Dst: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("192.0.2.254"), Link: "wan"},
			{Dst: netip.MustParsePrefix("192.0.2.0/24"), Link: "wan", Src: netip.MustParseAddr("192.0.2.1")},
			{Dst: netip.MustParsePrefix("10.0.1.0/24"), Link: "lan", Src: netip.MustParseAddr("10.0.1.1")},
			{Dst: netip.MustParsePrefix("fd01::/64"), Link: "lan", Metric: 256},
			{Dst: netip.MustParsePrefix("2001:db8::/64"), Link: "wan", Metric: 256},
		},
	}
	if r.Intn(3) == 0 {
		facts.Links[1].Addrs = append(facts.Links[1].Addrs, plan.Addr{Prefix: netip.MustParsePrefix("10.2.3.1/24")})
		facts.Routes = append(facts.Routes, plan.Route{Dst: netip.MustParsePrefix("10.2.3.0/24"), Link: "lan", Src: netip.MustParseAddr("10.2.3.1")})
	}
	for range r.Intn(4) {
		route := plan.Route{Dst: netip.MustParsePrefix(pick(r, farNets)), Link: pick(r, []string{"lan", "wan"}), Metric: pick(r, []int{0, 0, 0, 1, 100, 1024, 2000})}
		if route.Dst.Bits() == 0 && route.Dst.Addr().Is4() {
			continue // %defaultroute would be another
		}
		if r.Intn(2) == 0 {
			route.Gateway = netip.MustParseAddr(map[bool]string{true: "10.0.1.9", false: "fd01::9"}[route.Dst.Addr().Is4()])
			route.Link = "lan"
		}
		if !slices.ContainsFunc(facts.Routes, func(o plan.Route) bool { return o.Dst == route.Dst && o.Metric == route.Metric }) {
			facts.Routes = append(facts.Routes, route)
		}
	}
	return facts
}

// randomConns returns conns of all types, no two of which have a flow in common.
func randomConns(r *rand.Rand) []randomConn {
	taken := map[string]bool{}
	var conns []randomConn
	for i := range 1 + r.Intn(3) {
		c := randomConn{
			name: fmt.Sprintf("c%d", i), kind: pick(r, []string{"tunnel", "tunnel", "transport", "passthrough", "passthrough", "drop", "reject"}),
			ours: "192.0.2.1", peer: fmt.Sprintf("198.51.100.%d", 2+i), metric: pick(r, []int{0, 0, 0, 1, 50, 3000}), mtu: pick(r, []int{0, 0, 1300}),
			source: pick(r, []string{"", "", "", "10.0.1.1", "10.99.0.1"}),
		}
		if r.Intn(2) == 0 {
			c.ours = "10.0.1.1" // on another interface
		}
		if r.Intn(4) == 0 {
			c.ours, c.peer, c.source = "2001:db8::1", fmt.Sprintf("2001:db8:9::%d", 2+i), pick(r, []string{"", "", "fd01::1"})
		}
		if c.kind == "transport" || r.Intn(8) == 0 { // host to host
			conns = append(conns, c)
			continue
		}
		for range 1 + r.Intn(2) {
			if n := netip.MustParsePrefix(pick(r, ownNets)); !slices.Contains(c.left, n) {
				c.left = append(c.left, n)
			}
		}
		for range 1 + r.Intn(2) {
			if n := netip.MustParsePrefix(pick(r, farNets)); !slices.Contains(c.right, n) {
				c.right = append(c.right, n)
			}
		}
		if i > 0 && r.Intn(3) == 0 && len(conns) > 0 { // the network of another
			c.left, c.right = c.left[:1], conns[len(conns)-1].right
		}
		var flows []string
		for _, a := range c.left {
			for _, b := range c.right {
				if a.Addr().Is4() == b.Addr().Is4() {
					flows = append(flows, a.String()+b.String())
				}
			}
		}
		if len(flows) == 0 || slices.ContainsFunc(flows, func(f string) bool { return taken[f] }) {
			continue
		}
		for _, f := range flows {
			taken[f] = true
		}
		conns = append(conns, c)
	}
	return conns
}

func describe(facts plan.Facts, conns []randomConn) string {
	var b strings.Builder
	for _, r := range facts.Routes {
		fmt.Fprintf(&b, "%v via %v dev %s metric %d\n", r.Dst, r.Gateway, r.Link, r.Metric)
	}
	for _, c := range conns {
		b.WriteString(c.text(""))
	}
	return b.String()
}

func compiled(t *testing.T, facts plan.Facts, text string) (plan.Plan, error) {
	t.Helper()
	config, err := conf.Parse("/etc/ipsec.conf", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return compile.Setup(plan.Start, config, facts, facts.Paths)
}

// manualRoutes returns the routes that a start would set for conns that are keyed manually.
func manualRoutes(t *testing.T, facts plan.Facts, conns []randomConn) (o outcome) {
	text := "config setup\n\tinterfaces=\"ipsec0=wan ipsec1=lan\"\n\tpluto=no\n\n"
	for i, c := range conns {
		keying := "\tauto=manual\n"
		if c.kind == "tunnel" || c.kind == "transport" {
			keying += fmt.Sprintf("\tspi=0x%x\n\tesp=3des-md5-96\n\tespenckey=0x%s\n\tespauthkey=0x%s\n", 0x200+0x10*i, strings.Repeat("0ddba110", 6), strings.Repeat("0ddba110", 4))
		}
		text += c.text(keying)
	}
	p, err := compiled(t, facts, text)
	var all conf.Errors
	if err != nil && !errors.As(err, &all) {
		t.Fatal(err)
	}
	for _, d := range all {
		o.refusals = append(o.refusals, strings.TrimPrefix(d.Text, "conn "))
	}
	o.started = err == nil
	for _, n := range p.Nodes {
		if s, ok := n.(plan.Step); ok {
			if op, ok := s.Op.(plan.Log); ok && taken(op.Text) {
				name, reason, _ := strings.Cut(strings.TrimPrefix(op.Text, "conn "), " is not brought up: ")
				o.refusals = append(o.refusals, name+": "+reason)
			}
			if op, ok := s.Op.(plan.AddRoute); ok {
				o.routes = append(o.routes, routeName(route.Route{Dst: op.Dst, Link: op.Link, Src: op.Src, MTU: op.MTU, Metric: op.Metric}))
			}
		}
	}
	o.sort()
	return o
}

// automaticRoutes returns the routes that Pluto sets when it routes conns.
func automaticRoutes(t *testing.T, facts plan.Facts, conns []randomConn) (o outcome) {
	text := "config setup\n\tinterfaces=\"ipsec0=wan ipsec1=lan\"\n\n"
	for _, c := range conns {
		auth := "secret"
		if c.kind != "tunnel" && c.kind != "transport" {
			auth = "never"
		}
		text += c.text("\tauto=route\n\tauthby=" + auth + "\n")
	}
	p, err := compiled(t, facts, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	host := &memoryHost{view: hostOf(facts), set: map[string]bool{}}
	clock := plutotest.NewClock()
	table := connection.New(connection.Config{
		Kernel: klipstest.New(klips.Settings{}), Clock: clock, Rand: plutotest.Random(1, "routes"), Report: func(pluto.Report) {},
		Updown: plutoupdown.New(plutoupdown.Config{Host: host, Clock: clock, Log: func(string) {}}),
	})
	table.Drive(&plutotest.Negotiator{})
	for _, n := range p.Nodes {
		s, ok := n.(plan.Step)
		op, add := s.Op.(plan.AddConn)
		if !ok || !add {
			continue
		}
		request, err := cmdline.Parse(append([]string{"--name", op.Name}, op.Args...))
		if err != nil {
			t.Fatal(err)
		}
		if err := table.Add(request.Add); err != nil {
			t.Fatal(err)
		}
	}
	table.Listen([]connection.Address{{Addr: netip.MustParseAddr("192.0.2.1"), Virtual: "ipsec0"}, {Addr: netip.MustParseAddr("2001:db8::1"), Virtual: "ipsec0"}, {Addr: netip.MustParseAddr("10.0.1.1"), Virtual: "ipsec1"}})
	for _, c := range conns {
		if err := table.Route(c.name); err != nil {
			_, reason, _ := strings.Cut(err.Error(), ": ")
			o.refusals = append(o.refusals, fmt.Sprintf("%q: %s", c.name, reason))
		}
	}
	for r := range host.set {
		o.routes = append(o.routes, r)
	}
	o.sort()
	return o
}

// hostOf returns the host as rtnetlink would read it.
func hostOf(facts plan.Facts) (h route.Host) {
	for _, r := range facts.Routes {
		h.Routes = append(h.Routes, route.Route{Dst: r.Dst, Link: r.Link, Gateway: r.Gateway, Src: r.Src, Metric: r.Metric})
	}
	for _, link := range facts.Links {
		for _, a := range link.Addrs {
			h.Addrs = append(h.Addrs, a.Prefix.Addr())
			h.Nets = append(h.Nets, route.Net{Prefix: a.Prefix.Masked(), Link: link.Name})
		}
	}
	return h
}

// memoryHost is a host whose routes are only noted.
type memoryHost struct {
	view route.Host
	set  map[string]bool
}

func (h *memoryHost) Look() (*route.Table, error) { return route.NewTable(h.view), nil }

// routeName tells routes apart by all that is set of them.
func routeName(r route.Route) string {
	return fmt.Sprintf("%v dev %s src %v mtu %d metric %d", r.Dst, r.Link, r.Src, r.MTU, r.Metric)
}

func (h *memoryHost) Replace(r route.Route) error {
	h.set[routeName(r)] = true
	return nil
}

func (h *memoryHost) Delete(r route.Route) error {
	if !h.set[routeName(r)] {
		return syscall.ESRCH
	}
	delete(h.set, routeName(r))
	return nil
}
