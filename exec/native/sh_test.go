package native

import (
	"fmt"
	"io/fs"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ipsec/exec"
	"ipsec/exec/shell"
	"ipsec/plan"
)

// Each op on files leaves what its written form leaves in each shell, and fails
// when that fails. D stands for the folder.
func TestFileOpsLikeSh(t *testing.T) {
	const setup = `mkdir D/dir D/full; echo old > D/file; echo x > D/full/x; printf unended > D/unended`
	ops := []plan.Op{
		plan.MakeDir{Path: "D/new"}, plan.MakeDir{Path: "D/dir"}, plan.MakeDir{Path: "D/a/b"}, plan.MakeDir{Path: "D/file"},
		plan.MakeDirs{Path: "D/a/b"}, plan.MakeDirs{Path: "D/dir"}, plan.MakeDirs{Path: "D/file/b"},
		plan.RemoveDir{Path: "D/dir"}, plan.RemoveDir{Path: "D/full"}, plan.RemoveDir{Path: "D/file"}, plan.RemoveDir{Path: "D/none"},
		plan.Remove{Paths: []string{"D/file", "D/none"}}, plan.Remove{Paths: []string{"D/dir", "D/file"}},
		plan.Write{Path: "D/file", Text: "new"}, plan.Write{Path: "D/made", Text: `a 'b' "c" $d \n %s`}, plan.Write{Path: "D/none/x", Text: "x"}, plan.Write{Path: "D/dir", Text: "x"},
		plan.Append{Path: "D/file", Text: "new"}, plan.Append{Path: "D/made", Text: "-n"}, plan.Append{Path: "D/unended", Text: "x"}, plan.Append{Path: "D/none/x", Text: "x"},
		plan.Touch{Path: "D/file"}, plan.Touch{Path: "D/made"}, plan.Touch{Path: "D/none/x"},
		plan.WritePID{Path: "D/none/x"},
		plan.Run{Words: "echo 'a b' > D/made; exit 0"}, plan.Run{Words: "exit 4"},
		plan.Updown{Command: "echo $PLUTO_VERB > D/made", Env: []string{"PLUTO_VERB=a  'b'"}},
	}
	shells := [][]string{{"dash", "-c"}, {"busybox", "sh", "-c"}}
	for i, op := range ops {
		t.Run(fmt.Sprintf("%d %T", i, op), func(t *testing.T) {
			b := newBench(t, "")
			run := func(dir, script string, sh []string) (string, error) {
				script = "umask 022; " + strings.ReplaceAll(script, "D/", dir+"/")
				out, err := osexec.Command(sh[0], append(sh[1:], script)...).CombinedOutput()
				return string(out), err
			}
			dir := t.TempDir()
			if out, err := run(dir, setup, shells[0]); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			nativeErr := exec.Do(t.Context(), b.Executor, within(op, dir))
			want := tree(t, dir)
			for _, sh := range shells {
				if _, err := osexec.LookPath(sh[0]); err != nil {
					t.Logf("no %s", sh[0])
					continue
				}
				dir := t.TempDir()
				if out, err := run(dir, setup, shells[0]); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				line, err := shell.Line(plan.Step{Op: within(op, dir), OnFail: plan.OnFail{Kind: plan.FailIgnore}})
				if err != nil {
					t.Fatal(err)
				}
				line = strings.TrimSuffix(line, " || :")
				out, err := run(dir, line, sh)
				if (err == nil) != (nativeErr == nil) {
					t.Errorf("native: %v; %s: %s: %v %s", nativeErr, sh[0], line, err, out)
				}
				if got := tree(t, dir); got != want {
					t.Errorf("native:\n%s\n%s: %s:\n%s", want, sh[0], line, got)
				}
			}
		})
	}
}

// within puts a folder in place of D.
func within(op plan.Op, dir string) plan.Op {
	in := func(s string) string { return strings.ReplaceAll(s, "D/", dir+"/") }
	switch op := op.(type) {
	case plan.MakeDir:
		return plan.MakeDir{Path: in(op.Path)}
	case plan.MakeDirs:
		return plan.MakeDirs{Path: in(op.Path)}
	case plan.RemoveDir:
		return plan.RemoveDir{Path: in(op.Path)}
	case plan.Remove:
		return plan.Remove{Paths: strings.Split(in(strings.Join(op.Paths, "|")), "|")}
	case plan.Write:
		return plan.Write{Path: in(op.Path), Text: op.Text}
	case plan.Append:
		return plan.Append{Path: in(op.Path), Text: op.Text}
	case plan.Touch:
		return plan.Touch{Path: in(op.Path)}
	case plan.WritePID:
		return plan.WritePID{Path: in(op.Path)}
	case plan.Run:
		return plan.Run{Words: in(op.Words)}
	case plan.Updown:
		return plan.Updown{Command: in(op.Command), Env: op.Env}
	}
	panic(fmt.Sprintf("no paths known of %T", op))
}

// tree lists what a folder has, with modes and contents.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		fmt.Fprintf(&out, "%v %s", info.Mode(), name)
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, " %q", text)
		}
		out.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}
