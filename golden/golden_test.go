package golden

import (
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"

	"ipsec/exec/shell"
	"ipsec/plan"
	"ipsec/pluto/whack/cmdline"
)

var update = flag.Bool("update", false, "rewrite what the cases expect")

func cases(t *testing.T) []*Case {
	t.Helper()
	list, err := Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 40 {
		t.Fatalf("there are %d cases, expected at least 40", len(list))
	}
	return list
}

// TestGolden compares each part of each case with what the program says.
func TestGolden(t *testing.T) {
	for _, c := range cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			if len(c.Parts()) == 0 {
				t.Fatal("the case expects nothing")
			}
			changed := false
			for i, f := range c.archive.Files {
				if !isExpectation(c, f.Name) {
					continue
				}
				got := c.Result(f.Name)
				if got == string(f.Data) {
					continue
				}
				if *update {
					c.archive.Files[i].Data, changed = []byte(got), true
					continue
				}
				t.Errorf("%s:\n%s", f.Name, diff.Diff("expected", f.Data, "found", []byte(got)))
			}
			if changed {
				if err := os.WriteFile(c.file, txtar.Format(c.archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range c.archive.Files {
				for _, bad := range []string{"no plan: ", "there is a plan\n", "failed to print"} {
					if strings.HasPrefix(string(f.Data), bad) {
						t.Errorf("%s expects a failure of the case: %s", f.Name, f.Data)
					}
				}
			}
		})
	}
}

func isExpectation(c *Case, name string) bool {
	for _, part := range c.Parts() {
		if part == name {
			return true
		}
	}
	return false
}

// TestLaws checks each plan of each case against the laws that need no machine.
func TestLaws(t *testing.T) {
	for _, c := range cases(t) {
		for _, verb := range c.Verbs() {
			t.Run(c.Name+"/"+verb, func(t *testing.T) {
				p, err := c.Plan(verb)
				if err != nil {
					t.Fatal(err)
				}
				again, err := c.Plan(verb)
				if err != nil || !reflect.DeepEqual(p, again) {
					t.Errorf("the same input gives another plan (%v)", err)
				}
				if err := p.Validate(); err != nil {
					t.Error(err)
				}
				reasons(t, p.Nodes)
				reasons(t, p.Undo)
				roundTrip(t, p)
				if text := c.Result(verb + ".sh"); strings.Contains(text, canary) {
					t.Error("a secret shows in the script")
				}
			})
		}
	}
}

// canary is in each key of each case.
const canary = "0ddba11"

// TestCanary checks that a case which has keys has canaries.
func TestCanary(t *testing.T) {
	for _, c := range cases(t) {
		for line := range strings.Lines(c.Text) {
			keyword, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			if isKey(keyword) && !strings.Contains(value, canary) {
				t.Errorf("%s: %s holds no canary %s", c.Name, keyword, canary)
			}
		}
		for _, part := range c.Parts() {
			if strings.Contains(c.Result(part), canary) {
				t.Errorf("%s: a secret shows in %s", c.Name, part)
			}
		}
	}
}

func isKey(keyword string) bool {
	return strings.HasSuffix(keyword, "enckey") || strings.HasSuffix(keyword, "authkey") || strings.HasSuffix(keyword, "ahkey")
}

// reasons checks that every node says why it is there.
func reasons(t *testing.T, nodes []plan.Node) {
	t.Helper()
	missing := func(n plan.Node, reason string) {
		if reason == "" {
			t.Errorf("a node has no reason: %+v", n)
		}
	}
	for _, n := range nodes {
		switch n := n.(type) {
		case plan.Step:
			missing(n, n.Reason)
		case plan.If:
			missing(n, n.Reason)
			reasons(t, n.Then)
			reasons(t, n.Else)
		case plan.Try:
			missing(n, n.Reason)
			reasons(t, n.Else)
		case plan.SetStatus:
			missing(n, n.Reason)
		case plan.Exit:
			missing(n, n.Reason)
		}
	}
}

// roundTrip is law 1 for a whole plan.
func roundTrip(t *testing.T, p plan.Plan) {
	t.Helper()
	var b strings.Builder
	if err := shell.Script(&b, p); err != nil {
		t.Error(err)
		return
	}
	lifted, err := shell.Lift("plan.sh", b.String())
	if err != nil {
		t.Error(err)
		return
	}
	if !reflect.DeepEqual(lifted, p) {
		t.Errorf("the plan is read back as another one:\n%s", shell.Compare(p, lifted))
	}
}

// Every connection that a plan hands to Pluto is one that Pluto takes, and
// reads in the same way when it is written out once more.
func TestConnections(t *testing.T) {
	count := 0
	var walk func(c *Case, nodes []plan.Node)
	walk = func(c *Case, nodes []plan.Node) {
		for _, n := range nodes {
			switch n := n.(type) {
			case plan.If:
				walk(c, n.Then)
				walk(c, n.Else)
			case plan.Step:
				op, ok := n.Op.(plan.AddConn)
				if !ok {
					continue
				}
				count++
				r, err := cmdline.Parse(append([]string{"--name", op.Name}, op.Args...))
				if err != nil {
					t.Errorf("%s: conn %s: %v", c.Name, op.Name, err)
					continue
				}
				if again, err := cmdline.Parse(cmdline.Format(r.Add)); err != nil || !reflect.DeepEqual(again.Add, r.Add) {
					t.Errorf("%s: conn %s: %+v, %v, want %+v", c.Name, op.Name, again, err, r.Add)
				}
			}
		}
	}
	for _, c := range cases(t) {
		for _, verb := range []string{"start", "restart"} {
			if p, err := c.Plan(verb); err == nil {
				walk(c, p.Nodes)
			}
		}
	}
	if count < 10 {
		t.Errorf("there are only %d connections", count)
	}
}

// TestPlaces: where a keyword stands in ipsec.conf is a reason, and no more. Comments and blank
// lines that are put into the file change no step, and a plan that was reviewed before is still today's.
func TestPlaces(t *testing.T) {
	for _, c := range cases(t) {
		if c.Broken {
			continue
		}
		moved := *c
		moved.Text = "# a comment\n\n# another\n"
		for line := range strings.Lines(c.Text) {
			if strings.HasPrefix(line, "conn ") || strings.HasPrefix(line, "config ") {
				moved.Text += "# of the next section\n"
			}
			moved.Text += line
		}
		for _, verb := range c.Verbs() {
			before, err := c.Plan(verb)
			if err != nil {
				t.Fatal(err)
			}
			after, err := moved.Plan(verb)
			if err != nil {
				t.Fatalf("%s/%s, with comments: %v", c.Name, verb, err)
			}
			var script strings.Builder
			if err := shell.Script(&script, before); err != nil {
				t.Fatal(err)
			}
			if err := shell.Reviewed(c.Name+"/"+verb, script.String(), after); err != nil {
				t.Error(err)
			}
		}
	}
}
