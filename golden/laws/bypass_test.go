package laws

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ipsec/exec"
	"ipsec/exec/shell"
	"ipsec/golden"
	"ipsec/plan"
)

func cases(t *testing.T) []*golden.Case {
	t.Helper()
	list, err := golden.Load("../testdata")
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 40 {
		t.Fatalf("there are %d cases", len(list))
	}
	return list
}

// TestRoundTrip is law 1 for each plan of each golden case, as a whole and
// node by node.
func TestRoundTrip(t *testing.T) {
	for _, c := range cases(t) {
		for _, verb := range c.Verbs() {
			p, err := c.Plan(verb)
			if err != nil {
				t.Errorf("%s, %s: %v", c.Name, verb, err)
				continue
			}
			lift(t, c.Name+", "+verb, p)
			for _, n := range append(slices.Clone(p.Nodes), p.Undo...) {
				one := p
				one.Nodes, one.Undo = []plan.Node{n, plan.Exit{}}, nil
				lift(t, c.Name+", "+verb, one)
			}
		}
	}
}

func lift(t *testing.T, what string, p plan.Plan) {
	t.Helper()
	var b strings.Builder
	if err := shell.Script(&b, p); err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	lifted, err := shell.Lift("script", b.String())
	if err != nil {
		t.Errorf("%s: %v\n%s", what, err, b.String())
		return
	}
	if !reflect.DeepEqual(lifted, p) {
		t.Errorf("%s: another plan is read back:\n%s", what, shell.Compare(p, lifted))
	}
}

// observer records the ops of the nodes that it observes.
type observer struct{ ops []plan.Op }

func (o *observer) Observe(n plan.Node) {
	switch n := n.(type) {
	case plan.Step:
		o.ops = append(o.ops, n.Op)
	case plan.Try:
		o.ops = append(o.ops, n.Op)
	}
}

// TestNoBypassOps runs each plan of each golden case against a recorder: the ops
// that are done are the ops of the nodes that were observed, in their order, and the
// messages of failure policies.
func TestNoBypassOps(t *testing.T) {
	for _, c := range cases(t) {
		for _, verb := range c.Verbs() {
			p, err := c.Plan(verb)
			if err != nil {
				t.Fatal(err)
			}
			var done quiet
			var seen observer
			exec.Run(t.Context(), p, &done, &seen)
			if len(done.ops) == 0 || !reflect.DeepEqual(done.ops, seen.ops) {
				t.Errorf("%s, %s: done are\n%v\nobserved\n%v", c.Name, verb, done.ops, seen.ops)
			}
		}
	}
}

// quiet is a Backend that records the ops and prints nothing, and in which no
// condition holds.
type quiet struct{ ops []plan.Op }

func (q *quiet) Do(_ context.Context, op plan.Op) error { q.ops = append(q.ops, op); return nil }
func (*quiet) Say(string)                               {}
func (*quiet) Holds(plan.Cond) (bool, error)            { return false, nil }

// TestNoBypassShow runs verbs with --show: what it shows is, line by line and
// in this order, of what --showonly has shown before.
func TestNoBypassShow(t *testing.T) {
	t.Parallel()
	g := newGateway(t, everything, crooked+quietly)
	log := g.syslog()
	for _, verb := range []string{"start", "restart", "stop"} {
		log.take()
		plan := strings.Split(g.must(0, "setup", "--showonly", verb), "\n")
		shown := 0
		var steps []string
		for line := range strings.Lines(g.must(0, "setup", "--show", verb)) {
			line, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), shell.TextPrefix)
			if !ok {
				continue
			}
			shown++
			steps = append(steps, line)
			at := slices.IndexFunc(plan, func(p string) bool {
				p = strings.TrimLeft(strings.TrimPrefix(p, shell.TextPrefix), "\t")
				return p == line || p == "if "+line+"; then" || p == line+" || {"
			})
			if at < 0 {
				t.Errorf("%s: --showonly does not show, here or at all: %s", verb, line)
				continue
			}
			plan = plan[at+1:]
		}
		if shown < 20 {
			t.Errorf("%s shows %d steps", verb, shown)
		}
		logged := strings.Join(log.take(), "\n") + "\n"
		for _, line := range steps {
			if !strings.Contains(logged, "ipsec_setup: "+line+"\n") && len(line) < 900 { // longer ones are in pieces
				t.Errorf("%s: a step that was shown is not in syslog: %s", verb, line)
			}
		}
	}
}

// TestNoBypassImports keeps packages that must not touch the machine from
// what touches it.
func TestNoBypassImports(t *testing.T) {
	pure := []string{"bufio", "bytes", "cmp", "crypto/sha256", "encoding/", "errors", "fmt", "io", "iter", "maps", "math", "net/netip", "reflect", "slices", "sort", "strconv", "strings",
		"unicode", "unicode/utf8", "ipsec/conf", "ipsec/conf/hook", "ipsec/conf/linkname", "ipsec/conf/proposal", "ipsec/conf/rawkey", "ipsec/klips/said", "ipsec/klips/algorithm"}
	for dir, allowed := range map[string][]string{
		"plan":          pure,
		"conf/hook":     pure,
		"klips/said":    pure,
		"exec/shell":    append([]string{"context", "ipsec/plan", "ipsec/exec", "mvdan.cc/sh/v3/syntax", "github.com/rogpeppe/go-internal/diff"}, pure...),
		"exec/planjson": append([]string{"time", "ipsec/plan", "ipsec/exec", "ipsec/exec/shell", "ipsec/exec/host", "ipsec/pluto", "ipsec/pluto/whack/cmdline"}, pure...),
		"exec":          append([]string{"context", "ipsec/plan"}, pure...),
	} {
		for name, file := range sources(t, dir) {
			for _, spec := range file.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.ContainsFunc(allowed, func(a string) bool { return a == path || strings.HasSuffix(a, "/") && strings.HasPrefix(path, a) }) {
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
	}
}

// sources parses the files of a package that are no tests.
func sources(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob("../../" + dir + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]*ast.File)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if files[name], err = parser.ParseFile(token.NewFileSet(), name, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	if len(files) == 0 {
		t.Fatalf("there is nothing in %s", dir)
	}
	return files
}

// TestNoBypassCalls checks that the code of the verbs in cmd/ipsec, and of packages
// that only look at a machine, calls nothing that changes the machine, except to run
// plans.
func TestNoBypassCalls(t *testing.T) {
	files := sources(t, "exec/health")
	command := sources(t, "cmd/ipsec")
	for _, base := range []string{"setup.go", "perform.go", "manual.go", "auto.go", "facts.go", "showdefaults.go", "confread.go", "verify.go"} {
		name := "../../cmd/ipsec/" + base
		if files[name] = command[name]; files[name] == nil {
			t.Fatalf("there is no %s", name)
		}
	}
	for name, file := range files {
		base := filepath.Base(name)
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := call.X.(*ast.Ident)
			if ok && changes(pkg.Name, call.Sel.Name) {
				t.Errorf("%s: %s.%s changes the machine outside a step", base, pkg.Name, call.Sel.Name)
			}
			return true
		})
	}
}

// changes reports whether a function of a package may change the machine.
func changes(pkg, name string) bool {
	begins := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	}
	switch pkg {
	case "os":
		return begins("Write", "Remove", "Mkdir", "Create", "OpenFile", "Rename", "Chmod", "Chown", "Symlink", "Link", "Truncate", "StartProcess", "NewFile")
	case "netlink":
		return !begins("Link") && begins("Addr", "Route", "Rule", "Neigh") && !strings.Contains(name, "List") ||
			begins("LinkAdd", "LinkDel", "LinkSet", "LinkModify")
	case "unix", "syscall":
		return begins("Mount", "Unmount", "Kill", "Unlink", "Mkdir", "Rmdir", "Ioctl", "Sendmsg", "Open", "Socket", "Exec", "ForkExec")
	case "tun", "osexec":
		return begins("Open", "Remove", "Command")
	case "process":
		return begins("End", "Hold", "Background")
	case "rootonly":
		return begins("Listen")
	case "info":
		return begins("Appender")
	}
	return false
}
