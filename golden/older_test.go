package golden

import (
	"os"
	"slices"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/exec/host"
	"ipsec/exec/shell"
	"ipsec/plan"
	"ipsec/plan/compile"
)

// The files of testdata/old were made by the program of 2026-11-28, commit c6dcece, before plans had a format. doc/plan-format.md
// says which of them this program reads.

func older(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/old/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestOlderFacts reads facts that were saved before.
func TestOlderFacts(t *testing.T) {
	facts, err := host.Read(strings.NewReader(older(t, "facts.json")))
	if err != nil || len(facts.Links) == 0 {
		t.Errorf("%d links, %v", len(facts.Links), err)
	}
}

// TestOlderInfo has a stop take back what an older start has noted: the settings in their order, the
// interface, and with it its addresses and routes.
func TestOlderInfo(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(older(t, "ipsec.info"), "\n"), "\n")
	facts := plan.Facts{RunDir: true, Running: plan.Running{Setup: true, Klips: true, Info: lines}}
	p, err := compile.Setup(plan.Stop, nil, facts, conf.DefaultPaths())
	if err != nil {
		t.Fatal(err)
	}
	var restored, noted []string
	cleared := false
	var walk func(nodes []plan.Node)
	walk = func(nodes []plan.Node) {
		for _, n := range nodes {
			switch n := n.(type) {
			case plan.If:
				walk(n.Then)
				walk(n.Else)
			case plan.Step:
				switch op := n.Op.(type) {
				case plan.Restore:
					restored = append(restored, op.Paths...)
				case plan.ClearInterfaces:
					cleared = true
				}
			}
		}
	}
	walk(p.Nodes)
	for _, line := range lines {
		l, ok := info.Parse(line)
		if !ok {
			t.Errorf("a line of before is not understood: %s", line)
		}
		if s, ok := l.(info.Setting); ok {
			noted = append(noted, s.Path)
		}
	}
	slices.Sort(noted)
	slices.Sort(restored)
	if !slices.Equal(noted, restored) || !cleared {
		t.Errorf("noted %q\nrestored %q, interfaces taken away: %v", noted, restored, cleared)
	}
}

// TestOlderPlan refuses a plan of before with what to do.
func TestOlderPlan(t *testing.T) {
	err := shell.Reviewed("plan.sh", older(t, "plan.sh"), plan.Plan{})
	if err == nil || err.Error() != "plan.sh: it was printed by an older program, before plans had a format; print the plan again" {
		t.Error(err)
	}
	err = shell.Reviewed("plan.sh", strings.Replace(older(t, "plan.sh"), "# ipsec setup start\n", "# ipsec setup start\n# plan format 7, by ipsec 9.1\n", 1), plan.Plan{})
	if err == nil || err.Error() != "plan.sh: it has plan format 7, and this program reads 1; print the plan again" {
		t.Error(err)
	}
}
