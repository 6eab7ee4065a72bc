package exec_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/exec"
	"ipsec/exec/exectest"
	"ipsec/plan"
)

var (
	ignore  = plan.OnFail{Kind: plan.FailIgnore}
	status1 = plan.OnFail{Kind: plan.FailStatus1}
)

func undo(message string) plan.OnFail { return plan.OnFail{Kind: plan.FailUndo, Message: message} }
func warn(message string) plan.OnFail { return plan.OnFail{Kind: plan.FailWarn, Message: message} }

// touch is a step that touches /path and fails when the path has a ! in it.
func touch(path string, onFail plan.OnFail) plan.Node {
	return plan.Step{Op: plan.Touch{Path: "/" + path}, OnFail: onFail}
}

func exit(s plan.Status) plan.Node { return plan.Exit{Status: s} }

func failing(op plan.Op) error {
	if t, ok := op.(plan.Touch); ok && strings.HasSuffix(t.Path, "!") {
		return errors.New("cannot touch " + t.Path)
	}
	return nil
}

func planOf(undo []plan.Node, nodes ...plan.Node) plan.Plan {
	return plan.Plan{Verb: plan.Start, Paths: conf.DefaultPaths(), Syslog: "daemon.error", Nodes: nodes, Undo: undo}
}

func TestRun(t *testing.T) {
	back := []plan.Node{touch("back!", warn("not back")), touch("back2", ignore)}
	there, gone := plan.Exists{Path: "/there"}, plan.Exists{Path: "/gone"}
	for _, c := range []struct {
		name   string
		nodes  []plan.Node
		status int
		want   string
	}{
		{"exit 0", []plan.Node{touch("a", ignore), exit(0), touch("b", ignore), exit(0)}, 0, "a"},
		{"exit 1", []plan.Node{exit(1)}, 1, ""},
		{"the register is 0", []plan.Node{exit(plan.StatusRegister)}, 0, ""},
		{"ignored", []plan.Node{touch("a!", ignore), touch("b", ignore), exit(plan.StatusRegister)}, 0, "a! b"},
		{"warned", []plan.Node{touch("a!", warn("oh")), touch("b", warn("no")), exit(plan.StatusRegister)}, 0, "a! say(cannot touch /a!) log(oh) b"},
		{"status 1", []plan.Node{touch("a!", status1), touch("b", status1), exit(plan.StatusRegister)}, 1, "a! say(cannot touch /a!) b"},
		{"status 1 but exit 0", []plan.Node{touch("a!", status1), exit(0)}, 0, "a! say(cannot touch /a!)"},
		{"set status", []plan.Node{plan.SetStatus{}, exit(plan.StatusRegister)}, 1, ""},
		{"undone", []plan.Node{touch("a!", undo("oh")), touch("b", ignore), exit(0)}, 1,
			"a! say(cannot touch /a!) log(oh) back! say(cannot touch /back!) log(not back) back2"},
		{"not undone", []plan.Node{touch("a", undo("oh")), exit(0)}, 0, "a"},
		{"if", []plan.Node{
			plan.If{Cond: there, Then: []plan.Node{touch("a", ignore)}, Else: []plan.Node{touch("b", ignore)}},
			plan.If{Cond: gone, Then: []plan.Node{touch("c", ignore)}, Else: []plan.Node{touch("d", ignore)}},
			plan.If{Cond: gone, Then: []plan.Node{touch("e", ignore)}},
			plan.If{Cond: plan.Not{Cond: gone}, Then: []plan.Node{touch("f", ignore)}},
			plan.If{Cond: plan.Not{Cond: there}, Then: []plan.Node{touch("g", ignore)}},
			exit(0)}, 0, "?/there a ?/gone d ?/gone ?/gone f ?/there"},
		{"a condition that cannot be told", []plan.Node{
			plan.If{Cond: plan.Exists{Path: "/dark"}, Then: []plan.Node{touch("a", ignore)}},
			plan.If{Cond: plan.Not{Cond: plan.Exists{Path: "/dark"}}, Then: []plan.Node{touch("b", ignore)}},
			exit(0)}, 0, "?/dark say(failed to tell {/dark}) ?/dark say(failed to tell {/dark}) b"},
		{"exit in if", []plan.Node{plan.If{Cond: there, Then: []plan.Node{exit(1)}}, exit(0)}, 1, "?/there"},
		{"undo in if", []plan.Node{plan.If{Cond: there, Then: []plan.Node{touch("a!", undo("oh"))}}, exit(0)}, 1,
			"?/there a! say(cannot touch /a!) log(oh) back! say(cannot touch /back!) log(not back) back2"},
		{"try", []plan.Node{
			plan.Try{Op: plan.Touch{Path: "/a"}, Else: []plan.Node{exit(1)}},
			plan.Try{Op: plan.Touch{Path: "/b!"}, Else: []plan.Node{touch("c", ignore), exit(1)}},
			exit(0)}, 1, "a b! say(cannot touch /b!) c"},
		{"invalid", []plan.Node{touch("a", ignore)}, 1, "say(malformed plan: its last node is not an Exit)"},
		{"invalid within", []plan.Node{touch("a", ignore), plan.Step{}, exit(0)}, 1, "say(malformed Step: it is not an op)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := exectest.NewRecorder()
			r.Fails = failing
			r.True, r.Broken = []plan.Cond{there}, []plan.Cond{plan.Exists{Path: "/dark"}}
			if got := exec.Run(context.Background(), planOf(back, c.nodes...), r, nil); got != c.status {
				t.Errorf("status %d, want %d", got, c.status)
			}
			if got := brief(r.Events); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// brief shortens events.
func brief(events []string) string {
	out := make([]string, 0, len(events))
	for _, e := range events {
		if text, ok := strings.CutPrefix(e, "say "); ok {
			e = "say(" + text + ")"
		}
		e = strings.NewReplacer("Touch{Path:/", "", "? plan.Exists{Path:", "?",
			"Log{Priority: Text:", "log(", " SyslogOnly:false}", ")").Replace(e)
		if !strings.HasPrefix(e, "say(") {
			e = strings.TrimSuffix(e, "}")
		}
		out = append(out, e)
	}
	return strings.Join(out, " ")
}

func TestRunInterrupted(t *testing.T) {
	back := []plan.Node{touch("back", ignore), touch("back2", ignore)}
	cause := errors.New("SIGINT")
	for _, c := range []struct {
		name  string
		at    string // the event at which the signal comes
		nodes []plan.Node
		want  string
	}{
		{"before anything to undo", "a", []plan.Node{touch("a", ignore), touch("b", undo("oh")), exit(0)}, "a say(interrupted: SIGINT)"},
		{"in what is undone", "b", []plan.Node{touch("a", ignore), touch("b", undo("oh")), touch("c", ignore), exit(0)},
			"a b say(interrupted: SIGINT) back back2"},
		{"in a body", "b", []plan.Node{touch("a", undo("oh")),
			plan.Try{Op: plan.Touch{Path: "/t!"}, Else: []plan.Node{touch("b", ignore), touch("c", ignore)}}, exit(0)},
			"a t! say(cannot touch /t!) b say(interrupted: SIGINT) back back2"},
		{"in undo, which goes on", "back", []plan.Node{touch("a!", undo("oh")), exit(0)},
			"a! say(cannot touch /a!) log(oh) back back2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			r := exectest.NewRecorder()
			r.Fails = failing
			r.Before = func(event string) {
				if event == "Touch{Path:/"+c.at+"}" {
					cancel(cause)
				}
			}
			if got := exec.Run(ctx, planOf(back, c.nodes...), r, nil); got != 1 {
				t.Errorf("status %d, want 1", got)
			}
			if got := brief(r.Events); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestObserver(t *testing.T) {
	r := exectest.NewRecorder()
	r.Fails = failing
	p := planOf([]plan.Node{touch("back", ignore)},
		plan.If{Cond: plan.Exists{Path: "/gone"}, Then: []plan.Node{exit(1)}},
		plan.Try{Op: plan.Touch{Path: "/t!"}, Else: []plan.Node{touch("a!", undo("oh"))}},
		exit(0))
	exec.Run(context.Background(), p, r, r)
	want := []string{
		"see plan.If", "? plan.Exists{Path:/gone}",
		"see plan.Try", "Touch{Path:/t!}", "say cannot touch /t!",
		"see plan.Step", "Touch{Path:/a!}", "say cannot touch /a!", "Log{Priority: Text:oh SyslogOnly:false}",
		"see plan.Step", "Touch{Path:/back}",
	}
	if !slices.Equal(r.Events, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(r.Events, "\n"), strings.Join(want, "\n"))
	}
}

// counting decorates a Backend and counts the ops that go through it.
type counting struct {
	exec.Backend
	ops []plan.Op
}

func (c *counting) Do(ctx context.Context, op plan.Op) error {
	c.ops = append(c.ops, op)
	return c.Backend.Do(ctx, op)
}

// A decorator sees every op: those of steps, tries and undo, and what failure
// policies say.
func TestDecorated(t *testing.T) {
	var nodes []plan.Node
	for _, zero := range exec.Zeros() {
		op := exectest.Op(zero, []byte{1, 2, 3, 4, 5})
		nodes = append(nodes, plan.Step{Op: op, OnFail: warn("oh")}, plan.Try{Op: op, Else: []plan.Node{plan.SetStatus{}}})
	}
	nodes = append(nodes, touch("a!", undo("oh")), exit(0))
	r := exectest.NewRecorder()
	r.Fails = func(plan.Op) error { return errors.New("no") }
	c := &counting{Backend: r}
	exec.Run(t.Context(), planOf([]plan.Node{touch("back", ignore)}, nodes...), c, nil)
	events := slices.DeleteFunc(r.Events, func(e string) bool { return strings.HasPrefix(e, "say ") })
	if len(c.ops) != len(events) || len(c.ops) != 3*len(exec.Zeros())+3 {
		t.Errorf("%d ops went through, %d were done; want %d", len(c.ops), len(events), 3*len(exec.Zeros())+3)
	}
}
