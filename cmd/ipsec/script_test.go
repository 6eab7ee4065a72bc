package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// binary is the folder of the real binary, which TestScripts builds once.
func binary(t testing.TB) string {
	t.Helper()
	dir := openDir(t)
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "ipsec"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("failed to build: %v\n%s", err, out)
	}
	write(t, filepath.Join(dir, "ns"), namespace, 0o755)
	return dir
}

// namespace is the command ns of the scripts: it runs a command in network and
// mount namespaces of its own, where /dev/log leads nowhere.
const namespace = `#!/bin/sh
exec unshare --net --mount --propagation private sh -c '
	ip link set lo up
	test ! -e /dev/log || mount --bind /dev/null /dev/log
	exec "$@"' ns "$@"
`

// openDir returns a new folder that every user may look into.
func openDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func write(t testing.TB, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// TestScripts drives the real binary by the scripts of testdata/script, one
// topic a file. In them
//
//	exits N CMD…    runs CMD, which must exit N
//	[!root] skip    skips the script without root, or fails with REQUIRE_ALL
//
// and "ns CMD…" runs CMD in namespaces of its own.
func TestScripts(t *testing.T) {
	bin := binary(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		WorkdirRoot:         openDir(t),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+":"+e.Getenv("PATH"))
			e.Setenv("BIN", bin)
			e.Setenv("IPSEC_CONFS", e.WorkDir)
			e.Setenv("IPSEC_RUNDIR", filepath.Join(e.WorkDir, "run"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
		},
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			if os.Geteuid() != 0 && os.Getenv("REQUIRE_ALL") == "1" {
				return false, errors.New("this needs root, and REQUIRE_ALL is set")
			}
			return os.Geteuid() == 0, nil
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}
