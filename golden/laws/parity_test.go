package laws

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ipsec/exec/shell"
	"ipsec/golden/lab"
	"ipsec/plan"
)

// verb is a verb of ipsec setup, and what happens to the machine before it.
type verb struct{ before, name string }

// world is what a verb leaves behind.
type world struct {
	status         int
	stdout, syslog []string // of what the plan has to say
	state, tables  string
	log            string // all that was printed, to look at
}

// texts adds what nodes may say to a set.
func texts(set map[string]bool, nodes []plan.Node) {
	for _, n := range nodes {
		switch n := n.(type) {
		case plan.Step:
			if op, ok := n.Op.(plan.Log); ok {
				set[op.Text] = true
			}
			if n.OnFail.Message != "" {
				set[n.OnFail.Message] = true
			}
		case plan.If:
			texts(set, n.Then)
			texts(set, n.Else)
		case plan.Try:
			texts(set, n.Else)
		}
	}
}

// said returns the lines that are a plan's own, after a prefix that ends in
// "ipsec_setup: ".
func said(set map[string]bool, lines []string) []string {
	var own []string
	for _, line := range lines {
		if _, text, ok := strings.Cut(line, "ipsec_setup: "); ok && set[text] {
			own = append(own, line)
		}
	}
	return own
}

// shells are what runs a plan; "native" is the program itself.
var shells = []string{"native", "dash", "busybox sh"}

// perform does a verb natively or by its script.
func (g *gateway) perform(sh, name string, log *syslogd) world {
	g.t.Helper()
	script := g.ipsec("setup", "--showonly", "--format", "sh", name)
	set := make(map[string]bool)
	if script.status == 0 {
		p, err := shell.Lift("script", script.stdout)
		if err != nil {
			g.t.Fatal(err)
		}
		texts(set, p.Nodes)
		texts(set, p.Undo)
	} else if sh != "native" {
		return world{status: script.status}
	}
	log.take()
	var r result
	if sh == "native" {
		r = g.ipsec("setup", name)
	} else {
		g.write("/dev/shm/script", script.stdout)
		words := append(strings.Fields(sh), "/dev/shm/script")
		r = g.do(words[0], words[1:]...)
	}
	w := world{
		status: r.status,
		stdout: said(set, strings.Split(r.stdout, "\n")),
		state:  g.state(),
		log:    r.stdout + r.stderr,
	}
	all := log.take()
	w.syslog = said(set, all)
	if script.status != 0 {
		return world{status: r.status}
	}
	if strings.Contains(w.state, "klips --nofork") {
		w.tables = g.tables()
	}
	return w
}

// parity has all shells do the same verbs, each on a machine of its own, and
// compares the worlds after each verb.
func parity(t *testing.T, text, prepare string, verbs []verb, check func(t *testing.T, worlds []world)) {
	t.Parallel()
	lab.NeedProgram(t, "dash")
	lab.NeedProgram(t, "busybox")
	worlds := make(map[string][]world)
	for _, sh := range shells {
		g := newGateway(t, text, prepare)
		log := g.syslog()
		for _, v := range verbs {
			if v.before != "" {
				g.Sh(t, v.before)
			}
			worlds[sh] = append(worlds[sh], g.perform(sh, v.name, log))
		}
	}
	check(t, worlds["native"])
	for i, v := range verbs {
		native := worlds["native"][i]
		what := fmt.Sprintf("%s (verb %d)", v.name, i+1)
		for _, sh := range shells[1:] {
			w := worlds[sh][i]
			ok := true
			if w.status != native.status {
				ok = false
				t.Errorf("%s: status %d natively, %d in %s", what, native.status, w.status, sh)
			}
			if !slices.Equal(w.stdout, native.stdout) {
				ok = false
				t.Errorf("%s: says natively\n%s\nand in %s\n%s", what, strings.Join(native.stdout, "\n"), sh, strings.Join(w.stdout, "\n"))
			}
			if !slices.Equal(w.syslog, native.syslog) {
				ok = false
				t.Errorf("%s: syslog natively\n%s\nand in %s\n%s", what, strings.Join(native.syslog, "\n"), sh, strings.Join(w.syslog, "\n"))
			}
			ok = same(t, what+": natively and in "+sh, native.state, w.state) && ok
			ok = same(t, what+": KLIPS natively and in "+sh, native.tables, w.tables) && ok
			if !ok {
				t.Logf("%s printed natively\n%s\nand in %s\n%s", what, native.log, sh, w.log)
			}
		}
	}
}

// cycle is a sequence of verbs, with what happens to the machine before each.
var cycle = []verb{{"", "start"}, {"", "start"}, {"", "restart"}, {"", "stop"}, {"", "stop"}}

// statuses are the exit statuses of the verbs of cycle.
var statuses = []int{0, 1, 0, 0, 1}

func TestParity(t *testing.T) {
	for _, c := range []struct{ name, text, prepare string }{
		{"nothing", setup, ""},
		{"tunnel", setup + tunnel, ""},
		{"transport", setup + transport, ""},
		{"IPv6", setup + tunnel6 + mixed, ""},
		{"several", setup + "\tforwardcontrol=yes\n\tinterfaces=\"ipsec0=eth0 ipsec1=eth1\"\n" + tunnel + transport + tunnel6 + mixed + shunts, crooked},
		{"default route", setup + defaultRoute, ""},
		{"updown", setup + updown, updownScript},
		{"forwarding, all is on", setup + "\tforwardcontrol=yes\n" + tunnel6, "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"},
		{"rp_filter 0 under 1", setup + tunnel, "sysctl -qw net.ipv4.conf.all.rp_filter=1"},
		{"rp_filter 0 under 2", setup + tunnel, "sysctl -qw net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.far0.rp_filter=1"},
		{"rp_filter 1", setup + "\trp_filter=1\n" + tunnel, "sysctl -qw net.ipv4.conf.all.rp_filter=2"},
		{"rp_filter 2", setup + "\trp_filter=2\n" + tunnel, ""},
		{"rp_filter unchanged", setup + "\trp_filter=%unchanged\n" + tunnel, "sysctl -qw net.ipv4.conf.all.rp_filter=1"},
		{"AF_XDP whatever rules there are", setup + "\toffload=xdp\n\tnooffload=tso\n" + tunnel, ""},
		{"settings of KLIPS", setup + "\toverridemtu=1300\n\tfragicmp=no\n\thidetos=no\n\tnooffload=\"tso, xdp\"\n\tklipsdebug=\"tunnel esp\"\n\tsyslog=local3.info\n" + tunnel, ""},
		{"Pluto", "version 2.0\nconfig setup\n\tprepluto=\"echo before; touch /var/run/prepluto.log\"\n\tpostpluto=\"touch /var/run/postpluto.log\"\n" + tunnel + negotiated, ""},
		{"folders", setup + tunnel, "mkdir -p /var/run/pluto /var/lock/subsys"},
		{"no data plane", setup + "\tprotostack=none\n\tinterfaces=%none\n" + tunnel, ""},
		{"conns that cannot come up", setup + tunnel + "\nconn elsewhere\n\tleft=203.0.113.1\n\tright=203.0.113.2\n\tauto=manual\n\tspi=0x910\n" + keys3DES, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			parity(t, c.text, c.prepare, cycle, func(t *testing.T, worlds []world) {
				want := slices.Clone(statuses)
				switch c.name {
				case "no data plane": // nothing of it lives, and so its lock is stale
					want[1] = 0
				}
				for i, w := range worlds {
					if w.status != want[i] {
						t.Errorf("%s (verb %d): status %d, want %d\n%s", cycle[i].name, i+1, w.status, want[i], w.log)
					}
				}
				same(t, "after two stops", worlds[3].state, worlds[4].state)
			})
		})
	}
}

// TestParityTryRestart: where nothing runs, try-restart does nothing; where it runs, it restarts.
func TestParityTryRestart(t *testing.T) {
	verbs := []verb{{"", "try-restart"}, {"", "start"}, {"", "try-restart"}, {"", "stop"}, {"", "try-restart"}}
	parity(t, setup+tunnel, "", verbs, func(t *testing.T, worlds []world) {
		for i, w := range worlds {
			if w.status != 0 {
				t.Errorf("%s (verb %d): status %d\n%s", verbs[i].name, i+1, w.status, w.log)
			}
		}
		same(t, "a try-restart after stop", worlds[3].state, worlds[4].state)
		if worlds[1].tables != worlds[2].tables || worlds[2].tables == "" {
			t.Errorf("KLIPS has after start\n%s\nand after try-restart\n%s", worlds[1].tables, worlds[2].tables)
		}
	})
}
