package single

import (
	"os"
	"path/filepath"
	"testing"

	"ipsec/conf"
	"ipsec/exec/host"
	"ipsec/exec/native"
	"ipsec/plan"
)

// setup is one that is at work for the run folder run.
type setup struct {
	paths conf.Paths
	*native.Executor
}

func newSetup(t *testing.T, run string) setup {
	paths := conf.Paths{Bin: "/none", Confs: "/none", Conf: "/none/ipsec.conf", Run: run}
	s := setup{paths, native.New(native.Env{Paths: paths})}
	t.Cleanup(func() { s.Close() })
	return s
}

// While one has the lock no other one gets it.
func TestTake(t *testing.T) {
	run := t.TempDir()
	one, two := newSetup(t, run), newSetup(t, run)
	turn, err := Take(t.Context(), one, one.paths)
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Release()
	if b := turn.Backend(plan.Running{}); b != one {
		t.Errorf("a plan made with the lock runs in %T", b)
	}
	if _, err := Take(t.Context(), two, two.paths); err == nil {
		t.Error("two are at work")
	}
}

// A plan that was made before there was a run folder does not run once another
// setup has been at work.
func TestUnlocked(t *testing.T) {
	for _, c := range []struct {
		name  string
		other func(conf.Paths) string // the file that another setup leaves
	}{
		{"nobody", nil},
		{"another start", conf.Paths.SetupPID},
		{"another one that failed", conf.Paths.Info},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSetup(t, filepath.Join(t.TempDir(), "run"))
			turn, err := Take(t.Context(), s, s.paths)
			if err != nil {
				t.Fatal(err)
			}
			defer turn.Release()
			facts, err := host.Gather(s.paths)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(s.paths.Run, 0o755); err != nil {
				t.Fatal(err)
			}
			if c.other != nil {
				if err := os.WriteFile(c.other(s.paths), []byte("rundir=made\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			err = turn.Backend(facts.Running).Do(t.Context(), plan.Lock{Dir: s.paths.Run})
			if (err == nil) != (c.other == nil) {
				t.Errorf("the plan's lock: %v", err)
			}
		})
	}
}
