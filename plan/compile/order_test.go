package compile_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/plan"
	"ipsec/plan/compile"
)

const gatewayConf = `version 2.0
config setup
	interfaces=%defaultroute
	forwardcontrol=yes
	prepluto=/bin/true
conn %default
	left=192.0.2.1
	leftsubnet=10.0.1.0/24
conn one
	right=198.51.100.2
	rightsubnet=10.0.2.0/24
	auto=manual
	spi=0x200
	esp=null-md5
	espauthkey=0x00112233445566778899aabbccddeeff
conn two
	right=198.51.100.3
	rightsubnet=0.0.0.0/0
	auto=manual
	spi=0x201
	esp=null-md5
	espauthkey=0x00112233445566778899aabbccddeeff
	leftupdown=/bin/updown
conn three
	right=198.51.100.4
	rightsubnet=10.0.4.0/24
	auto=start
conn four
	right=198.51.100.5
	rightsubnet=10.0.5.0/24
	auto=route
`

func compiled(t testing.TB, verb plan.Verb, text string, facts plan.Facts) plan.Plan {
	t.Helper()
	p, err := compile.Setup(verb, parse(t, text), facts, conf.DefaultPaths())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	return p
}

// ops returns the ops of nodes in order, those of both branches too.
func ops(nodes []plan.Node) []plan.Op {
	var list []plan.Op
	for _, n := range nodes {
		switch n := n.(type) {
		case plan.Step:
			list = append(list, n.Op)
		case plan.If:
			list = append(append(list, ops(n.Then)...), ops(n.Else)...)
		case plan.Try:
			list = append(append(list, n.Op), ops(n.Else)...)
		}
	}
	return list
}

// places returns where ops of one kind are.
func places[T plan.Op](list []plan.Op) []int {
	var at []int
	for i, op := range list {
		if _, ok := op.(T); ok {
			at = append(at, i)
		}
	}
	return at
}

// before checks that the last of a comes before the first of b.
func before(t *testing.T, what string, a, b []int) {
	t.Helper()
	if len(a) == 0 || len(b) == 0 {
		t.Errorf("%s: one of them is not there (%v, %v)", what, a, b)
	} else if slices.Max(a) >= slices.Min(b) {
		t.Errorf("%s: at %v and %v", what, a, b)
	}
}

func verbs(list []plan.Op, verb string) []int {
	var at []int
	for i, op := range list {
		if u, ok := op.(plan.Updown); ok && strings.HasPrefix(u.Env[0], "PLUTO_VERB="+verb+"-") {
			at = append(at, i)
		}
	}
	return at
}

func writes(list []plan.Op, path string) []int {
	var at []int
	for i, op := range list {
		if w, ok := op.(plan.Write); ok && w.Path == path {
			at = append(at, i)
		}
	}
	return at
}

func TestOrderOfStart(t *testing.T) {
	p := compiled(t, plan.Start, gatewayConf, gateway())
	list := ops(p.Nodes)
	forwarding := writes(list, "/proc/sys/net/ipv4/ip_forward")
	before(t, "the lock is taken first", places[plan.Lock](list), places[plan.WritePID](list))
	before(t, "KLIPS runs before its interfaces are made", places[plan.StartKlips](list), places[plan.Attach](list))
	before(t, "addresses are there before the link is up", places[plan.AddAddr](list), places[plan.LinkUp](list))
	before(t, "rp_filter is saved before it changes", places[plan.Save](list)[:1], places[plan.RPFilter](list))
	before(t, "all routes lead into KLIPS before the first SA is up", places[plan.AddRoute](list), places[plan.AddTunnel](list))
	before(t, "so do the routes of updown commands", verbs(list, "route"), places[plan.AddTunnel](list))
	before(t, "an updown command is told of what is up already", places[plan.AddEroute](list)[1:], verbs(list, "up"))
	before(t, "SAs are grouped before eroutes lead to them", places[plan.GroupSAs](list)[:2], places[plan.AddEroute](list)[:1])
	before(t, "manual conns come before Pluto", places[plan.AddEroute](list), places[plan.StartPluto](list))
	before(t, "prepluto comes before Pluto", places[plan.Run](list), places[plan.StartPluto](list))
	before(t, "conns are added before Pluto listens", places[plan.AddConn](list), places[plan.Listen](list))
	before(t, "conns are routed once Pluto listens", places[plan.Listen](list), places[plan.RouteConn](list))
	before(t, "conns are routed before the first is initiated", places[plan.RouteConn](list), places[plan.Initiate](list))
	before(t, "forwarding goes on last", places[plan.Initiate](list), forwarding)
	if last := list[len(list)-1]; !last.(plan.Log).SyslogOnly {
		t.Errorf("the closing message goes to %+v", last)
	}
}

func TestOrderOfUndo(t *testing.T) {
	p := compiled(t, plan.Start, gatewayConf, gateway())
	list := ops(p.Undo)
	before(t, "forwarding goes off first", places[plan.Restore](list)[:1], places[plan.EndDaemon](list))
	before(t, "the interfaces outlive KLIPS", places[plan.EndDaemon](list), places[plan.ClearInterfaces](list))
	before(t, "the notes go last", places[plan.ClearInterfaces](list), places[plan.Remove](list)[1:])
	var saved, restored []string
	for _, op := range ops(p.Nodes) {
		if s, ok := op.(plan.Save); ok {
			saved = append(saved, s.Paths...)
		}
	}
	for _, op := range list {
		if r, ok := op.(plan.Restore); ok {
			restored = append(restored, r.Paths...)
		}
	}
	slices.Sort(saved)
	slices.Sort(restored)
	if !slices.Equal(saved, restored) {
		t.Errorf("saved are\n%v\nrestored are\n%v", saved, restored)
	}
}

// notes returns what start writes into ipsec.noted.
func notes(p plan.Plan) []string {
	var lines []string
	for _, op := range ops(p.Nodes) {
		switch op := op.(type) {
		case plan.Write:
			if op.Path == p.Paths.Info() {
				lines = append(lines, op.Text)
			}
		case plan.Append:
			lines = append(lines, op.Text)
		case plan.Save:
			for _, path := range op.Paths {
				lines = append(lines, path+"=0")
			}
		}
	}
	return lines
}

// TestStopAfterStart stops what start has noted.
func TestStopAfterStart(t *testing.T) {
	start := compiled(t, plan.Start, gatewayConf, gateway())
	facts := gateway()
	facts.Running = plan.Running{Setup: true, Klips: true, Pluto: true, Info: notes(start)}
	list := ops(compiled(t, plan.Stop, "", facts).Nodes)
	restores := places[plan.Restore](list)
	before(t, "forwarding goes off first", restores[:1], places[plan.EndDaemon](list))
	before(t, "Pluto goes before KLIPS is emptied", places[plan.EndDaemon](list)[:1], places[plan.ClearEroutes](list))
	before(t, "an updown command goes down before KLIPS is emptied", verbs(list, "down"), places[plan.ClearEroutes](list))
	before(t, "the interfaces outlive KLIPS", places[plan.EndDaemon](list), places[plan.ClearInterfaces](list))
	before(t, "the interfaces outlive the settings", restores, places[plan.ClearInterfaces](list))
	before(t, "the lock outlives the interfaces", places[plan.ClearInterfaces](list), places[plan.Remove](list)[1:])
	var restored []string
	for _, i := range restores {
		restored = append(restored, list[i].(plan.Restore).Paths...)
	}
	for _, op := range ops(start.Nodes) {
		save, ok := op.(plan.Save)
		if !ok {
			continue
		}
		for _, path := range save.Paths {
			if !slices.Contains(restored, path) {
				t.Errorf("%s is not restored", path)
			}
		}
	}
	if places[plan.Save](list) != nil || places[plan.AddRoute](list) != nil {
		t.Error("stop makes something")
	}
}

// TestStopWithoutConfig has the plan of stop not depend on ipsec.conf.
func TestStopWithoutConfig(t *testing.T) {
	facts := gateway()
	facts.Running = plan.Running{Setup: true, Klips: true, Info: notes(compiled(t, plan.Start, gatewayConf, gateway()))}
	with := compiled(t, plan.Stop, gatewayConf, facts)
	without, err := compile.Setup(plan.Stop, nil, facts, conf.DefaultPaths())
	if err != nil {
		t.Fatal(err)
	}
	with.Digest = ""
	if !reflect.DeepEqual(with, without) {
		t.Error("the plan of stop depends on the configuration")
	}
}

// TestStartWhileRunning has the plan of start be the same before a start and
// after it, so that it can be kept and compared.
func TestStartWhileRunning(t *testing.T) {
	for _, there := range []bool{true, false} {
		facts := gateway()
		facts.RunDir = there
		stopped := compiled(t, plan.Start, gatewayConf, facts)
		facts.RunDir = true
		facts.Running = plan.Running{Setup: true, Klips: true, Pluto: true, Info: notes(stopped)}
		if running := compiled(t, plan.Start, gatewayConf, facts); !reflect.DeepEqual(stopped, running) {
			t.Errorf("run folder there: %v: the plan of start is another one while it runs", there)
		}
	}
}

// TestRestartKeeps has restart leave what keeps packets from leaving in the
// clear, until the new conns are up.
func TestRestartKeeps(t *testing.T) {
	facts := gateway()
	text := strings.Replace(gatewayConf, "0.0.0.0/0", "10.3.0.0/16", 1)
	facts.Running = plan.Running{Setup: true, Klips: true, Pluto: true, Info: append(notes(compiled(t, plan.Start, text, gateway())),
		"route=ipsec0 10.9.0.0/24", "interface=ipsec1 eth1", "address=ipsec0 192.0.2.99/32",
		"route=ipsec0 10.0.4.0/24", "hook=three/1x1 -client /bin/pluto", // of what Pluto has routed for three, and routes again
		"route=ipsec0 10.3.1.0/24", // which the command of two may have made
		"hook=gone -client /bin/gone")}
	p := compiled(t, plan.Restart, text, facts)
	list := ops(p.Nodes)
	for _, n := range p.Nodes {
		branch, ok := n.(plan.If)
		if !ok || branch.Cond != (plan.Exists{Path: p.Paths.SetupPID()}) {
			continue
		}
		kept := ops(branch.Then)
		if len(places[plan.EndDaemon](kept)) != 2 {
			t.Errorf("the stop half ends %d daemons", len(places[plan.EndDaemon](kept)))
		}
		for _, at := range [][]int{places[plan.ClearInterfaces](kept), places[plan.Detach](kept), places[plan.DelRoute](kept), verbs(kept, "unroute")} {
			if at != nil {
				t.Errorf("the stop half lets packets out: %+v", kept[at[0]])
			}
		}
	}
	before(t, "old routes go when new conns are up", places[plan.AddEroute](list), places[plan.DelRoute](list))
	before(t, "and before a peer can bring up what may need them", places[plan.DelRoute](list), places[plan.StartPluto](list))
	before(t, "old addresses go when new conns are up", places[plan.AddEroute](list), places[plan.DelAddr](list))
	before(t, "old links go when new conns are up", places[plan.Initiate](list), places[plan.Detach](list))
	want := []plan.Op{
		plan.DelRoute{Dst: prefix("10.9.0.0/24"), Link: "ipsec0"},
		plan.DelAddr{Link: "ipsec0", Prefix: prefix("192.0.2.99/32")},
		plan.Detach{Virtual: "ipsec1"},
	}
	var got []plan.Op
	for _, op := range list {
		switch op.(type) {
		case plan.DelRoute, plan.DelAddr, plan.Detach:
			got = append(got, op)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("taken away are %+v, expected %+v", got, want)
	}
	var undone []string
	for _, n := range p.Nodes { // and not what is done where nothing has run
		if step, ok := n.(plan.Step); ok && len(verbs([]plan.Op{step.Op}, "unroute")) > 0 {
			undone = append(undone, step.Op.(plan.Updown).Command)
		}
	}
	if !slices.Equal(undone, []string{"/bin/gone"}) {
		t.Errorf("unrouted are %q, expected /bin/gone alone", undone)
	}
}

// TestNoteFirst has each change be noted before it is made.
func TestNoteFirst(t *testing.T) {
	facts := gateway()
	facts.RunDir, facts.SubsysDir = false, true
	list := ops(compiled(t, plan.Start, gatewayConf, facts).Nodes)
	note := func(op plan.Op) string {
		switch op := op.(type) {
		case plan.StartKlips:
			return "klips=started"
		case plan.StartPluto:
			return "pluto=started"
		case plan.Attach:
			return "interface=" + op.Virtual + " " + op.Physical
		case plan.AddAddr:
			return "address=" + op.Link + " " + op.Prefix.String()
		case plan.AddRoute:
			return "route=" + op.Link + " " + op.Dst.String()
		case plan.Touch:
			if op.Path == "/var/lock/subsys/ipsec" {
				return "subsys=" + op.Path
			}
		}
		return ""
	}
	seen := make(map[string]bool)
	noted := 0
	for _, op := range list {
		if a, ok := op.(plan.Append); ok {
			seen[a.Text] = true
		}
		if n := note(op); n != "" {
			noted++
			if !seen[n] {
				t.Errorf("%+v is done before %q is noted", op, n)
			}
		}
	}
	if noted < 7 {
		t.Errorf("%d changes, expected more", noted)
	}
}
