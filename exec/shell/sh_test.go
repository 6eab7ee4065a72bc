package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ipsec/conf"
	"ipsec/exec"
	"ipsec/exec/exectest"
	"ipsec/plan"

	"ipsec/golden/lab"
)

// shells are what runs scripts in tests.
var shells = [][]string{{"dash"}, {"busybox", "sh"}}

// inPath returns argv, or ends the test where its program is not there.
func inPath(t *testing.T, argv []string) []string {
	t.Helper()
	lab.NeedProgram(t, argv[0])
	return argv
}

// ipsecScript is an ipsec that notes what it is to say, and knows nothing else.
const ipsecScript = `#!/bin/sh
test "$1" = _log || exit 1
for text; do :; done
printf '%s\n' "$text" >> "${0%/*}/said"
`

// world is a folder in which plans run, bin/ beside it.
type world struct{ dir string }

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{t.TempDir()}
	for _, dir := range []string{"bin", "w"} {
		if err := os.Mkdir(filepath.Join(w.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(w.dir, "bin/ipsec"), []byte(ipsecScript), 0o755); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w world) path(name string) string { return w.dir + "/w/" + name }

func (w world) plan(undo []plan.Node, nodes ...plan.Node) plan.Plan {
	paths := conf.DefaultPaths()
	paths.Bin = w.dir + "/bin"
	return plan.Plan{Verb: plan.Start, Paths: paths, Syslog: "daemon.error", Nodes: nodes, Undo: undo}
}

// state is what is to be compared: files, what was said, and the status.
func (w world) state(t *testing.T, status int) string {
	t.Helper()
	var b strings.Builder
	said, _ := os.ReadFile(w.dir + "/bin/said")
	fmt.Fprintf(&b, "status %d\nsaid %s", status, said)
	root := w.dir + "/w"
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %v", strings.TrimPrefix(path, root), info.Mode())
		if !d.IsDir() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %q", text)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sh runs p's script.
func (w world) sh(t *testing.T, argv []string, p plan.Plan) (status int) {
	t.Helper()
	file := filepath.Join(w.dir, "script")
	if err := os.WriteFile(file, []byte(script(t, p)), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := osexec.Command(argv[0], append(argv[1:], file)...)
	out, err := cmd.CombinedOutput()
	var exit *osexec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if s := cmd.ProcessState.ExitCode(); s == 0 || s == 1 {
		return s
	}
	t.Fatalf("%v: %v\n%s\n%s", argv, err, out, script(t, p))
	return -1
}

func TestShellsDoWhatRunDoes(t *testing.T) {
	for _, argv := range shells {
		t.Run(argv[0], func(t *testing.T) {
			t.Parallel()
			argv := inPath(t, argv)
			for seed := range uint64(25) {
				inShell, inGo := newWorld(t), newWorld(t)
				want := inGo.state(t, exec.Run(context.Background(), inGo.random(rand.New(rand.NewPCG(seed, 1))), native{inGo}, nil))
				p := inShell.random(rand.New(rand.NewPCG(seed, 1)))
				if got := inShell.state(t, inShell.sh(t, argv, p)); got != want {
					t.Errorf("seed %d: %v leaves\n%s\nnot\n%s\nafter\n%s", seed, argv, got, want, script(t, p))
				}
			}
		})
	}
}

func TestShellsTakeEveryForm(t *testing.T) {
	data := make([]byte, 8192)
	r := rand.New(rand.NewPCG(1, 2))
	for _, argv := range shells {
		t.Run(argv[0], func(t *testing.T) {
			argv := inPath(t, argv)
			for range 5 {
				for i := range data {
					data[i] = byte(r.Uint32())
				}
				cmd := osexec.Command(argv[0], append(argv[1:], "-n")...)
				cmd.Stdin = strings.NewReader(script(t, exectest.Plan(data)))
				if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
					t.Fatalf("%v: %s", err, out)
				}
			}
		})
	}
}

// TestWords runs every value that is hard to quote through a shell.
func TestWords(t *testing.T) {
	texts := []string{"", "!", "if", "}", "{a,b}", "~", "~root", "*", "?", "[a]", `\`, `\\`, "'", "'\"", `"$x" '\`, "`id`'", "$(id)'", "a=b", "#", "a #b", "%s", "9", "-n", "&", "ü'€", "a:~", "^", "!!"}
	var b []byte
	var want strings.Builder
	for _, text := range texts {
		b = append(b, `printf '%s\n' `...)
		var err error
		if b, err = appendQuoted(b, text); err != nil {
			t.Fatal(err)
		}
		b = append(b, "\n"...)
		want.WriteString(text + "\n")
	}
	for _, argv := range shells {
		argv := inPath(t, argv)
		cmd := osexec.Command(argv[0], append(argv[1:], "-s")...)
		cmd.Stdin = bytes.NewReader(b)
		out, err := cmd.Output()
		if err != nil || string(out) != want.String() {
			t.Errorf("%v: %v\n%s\nwant\n%s", argv, err, out, want.String())
		}
	}
}

func TestLock(t *testing.T) {
	for _, argv := range shells {
		t.Run(argv[0], func(t *testing.T) {
			argv := inPath(t, argv)
			w := newWorld(t)
			ignore := plan.OnFail{Kind: plan.FailIgnore}
			p := w.plan(nil,
				plan.Try{Op: plan.Lock{Dir: w.path("run")}, Else: []plan.Node{
					plan.Step{Op: plan.Touch{Path: w.path("refused")}, OnFail: ignore}, plan.Exit{Status: 1}}},
				// The lock is held here, and commands that may outlive the setup do not have it.
				plan.Step{Op: plan.Run{Words: "test ! -e /proc/$$/fd/9"}, OnFail: plan.OnFail{Kind: plan.FailStatus1}},
				plan.Step{Op: plan.Updown{Env: []string{"PLUTO_VERB=up client"}, Command: `test "$PLUTO_VERB" = "up client" && test ! -e /proc/$$/fd/9`},
					OnFail: plan.OnFail{Kind: plan.FailStatus1}},
				plan.Step{Op: plan.Run{Words: "! flock -n " + w.path("run") + " true"}, OnFail: plan.OnFail{Kind: plan.FailStatus1}},
				plan.Step{Op: plan.WritePID{Path: w.path("pid")}, OnFail: ignore},
				plan.Step{Op: plan.Run{Words: "read pid < " + w.path("pid") + ` && test "$pid" = $PPID`}, OnFail: plan.OnFail{Kind: plan.FailStatus1}},
				plan.Exit{Status: plan.StatusRegister})
			refused := func() bool {
				err := os.Remove(w.path("refused"))
				return err == nil
			}
			if w.sh(t, argv, p) != 1 || !refused() {
				t.Error("a folder that is not there is not refused")
			}
			if err := os.Mkdir(w.path("run"), 0o755); err != nil {
				t.Fatal(err)
			}
			if w.sh(t, argv, p) != 0 || refused() {
				t.Error("the lock cannot be taken, or is not as it should be")
			}
			dir, err := os.Open(w.path("run"))
			if err != nil {
				t.Fatal(err)
			}
			defer dir.Close()
			if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
				t.Fatal(err)
			}
			if w.sh(t, argv, p) != 1 || !refused() {
				t.Error("a lock that is held is taken")
			}
		})
	}
}
