package native

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"ipsec/plan"
)

func TestFiles(t *testing.T) {
	b := newBench(t, "")
	works(t, b.MakeDir(t.Context(), plan.MakeDir{Path: b.path("d")}))
	fails(t, b.MakeDir(t.Context(), plan.MakeDir{Path: b.path("d")}), "failed to make folder", b.path("d"), "exists")
	works(t, b.MakeDirs(t.Context(), plan.MakeDirs{Path: b.path("d/e/f")}))
	works(t, b.MakeDirs(t.Context(), plan.MakeDirs{Path: b.path("d/e/f")}))
	works(t, b.Write(t.Context(), plan.Write{Path: b.path("d/file"), Text: "a longer text"}))
	works(t, b.Write(t.Context(), plan.Write{Path: b.path("d/file"), Text: "one"}))
	works(t, b.Append(t.Context(), plan.Append{Path: b.path("d/file"), Text: "two"}))
	works(t, b.Append(t.Context(), plan.Append{Path: b.path("d/new"), Text: "line"}))
	works(t, b.Touch(t.Context(), plan.Touch{Path: b.path("d/file")}))
	works(t, b.Touch(t.Context(), plan.Touch{Path: b.path("d/touched")}))
	works(t, b.WritePID(t.Context(), plan.WritePID{Path: b.path("d/pid")}))
	for name, want := range map[string]string{
		"d/file": "one\ntwo\n", "d/new": "line\n", "d/touched": "", "d/pid": fmt.Sprintf("%d\n", os.Getpid()),
	} {
		if got := contents(t, b.path(name)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if info, err := os.Stat(b.path(name)); err != nil || info.Mode() != 0o644 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	if info, err := os.Stat(b.path("d/e")); err != nil || info.Mode() != fs.ModeDir|0o755 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	fails(t, b.RemoveDir(t.Context(), plan.RemoveDir{Path: b.path("d")}), "failed to remove folder", b.path("d"), "not empty")
	works(t, b.RemoveDir(t.Context(), plan.RemoveDir{Path: b.path("d/e/f")}))
	fails(t, b.RemoveDir(t.Context(), plan.RemoveDir{Path: b.path("d/e/f")}), "no such file")
	fails(t, b.Remove(t.Context(), plan.Remove{Paths: []string{b.path("d/e"), b.path("d/file"), b.path("none"), b.path("d/new/x")}}), b.path("d/e"))
	if _, err := os.Stat(b.path("d/file")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after a folder, the file is still there: %v", err)
	}
	if _, err := os.Stat(b.path("d/e")); err != nil {
		t.Errorf("Remove removed a folder: %v", err)
	}
}

// What a hostile or careless hand puts in a file's place is not written to.
func TestWriteCareful(t *testing.T) {
	b := newBench(t, "")
	write(t, b.path("victim"), "safe")
	if err := os.Symlink("victim", b.path("link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("absent", b.path("dangling")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(b.path("fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, why := range map[string]string{"link": "symbolic link", "dangling": "symbolic link", "fifo": "not a regular file", ".": "directory"} {
		fails(t, b.Write(t.Context(), plan.Write{Path: b.path(name), Text: "x"}), "failed to write", b.path(name), why)
		fails(t, b.Append(t.Context(), plan.Append{Path: b.path(name), Text: "x"}), why)
		fails(t, b.Touch(t.Context(), plan.Touch{Path: b.path(name)}), why)
		fails(t, b.WritePID(t.Context(), plan.WritePID{Path: b.path(name)}), why)
	}
	if got := contents(t, b.path("victim")); got != "safe" {
		t.Errorf("the target of a link has become %q", got)
	}
	fails(t, b.Write(t.Context(), plan.Write{Path: "/proc/sys/net/ipv4/none", Text: "1"}), "/proc/sys/net/ipv4/none")
}

// Lines appended by many at once come whole.
func TestAppendAtomic(t *testing.T) {
	b := newBench(t, "")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				works(t, put(b.path("f"), "name=value\n", os.O_APPEND|os.O_CREATE))
			}
		})
	}
	wg.Wait()
	want := ""
	for range 400 {
		want += "name=value\n"
	}
	if contents(t, b.path("f")) != want {
		t.Error("lines were lost or mixed")
	}
}

// A folder that is removed between being opened and being locked is not the one
// that a path names, and neither is one that was made in its place.
func TestIsAt(t *testing.T) {
	path := newBench(t, "").path("run")
	works(t, os.Mkdir(path, 0o755))
	dir, err := os.Open(path)
	works(t, err)
	defer dir.Close()
	if !isAt(dir, path) {
		t.Error("it is not where it is")
	}
	works(t, os.Remove(path))
	if isAt(dir, path) {
		t.Error("it is where it was")
	}
	works(t, os.Mkdir(path, 0o755))
	if isAt(dir, path) {
		t.Error("it is another one")
	}
}

func TestLock(t *testing.T) {
	b := newBench(t, "")
	run, other := b.path("run"), b.path("other")
	for _, dir := range []string{run, other} {
		works(t, os.Mkdir(dir, 0o755))
	}
	works(t, b.Lock(t.Context(), plan.Lock{Dir: run}))
	works(t, b.Lock(t.Context(), plan.Lock{Dir: run}))
	second := New(Env{Paths: b.paths})
	defer second.Close()
	fails(t, second.Lock(t.Context(), plan.Lock{Dir: run}), "another ipsec setup is at work on "+run, "try again")
	fails(t, exec.Command("flock", "-n", run, "true").Run(), "exit status 1")

	// No child process inherits it.
	works(t, b.Run(t.Context(), plan.Run{Words: "sleep 1000 >/dev/null 2>&1 & echo $! > " + b.path("pid")}))
	var pid int
	if _, err := fmt.Sscan(contents(t, b.path("pid")), &pid); err != nil {
		t.Fatal(err)
	}
	defer unix.Kill(pid, unix.SIGKILL)

	// A folder that was made anew is another folder.
	works(t, os.Remove(run))
	works(t, os.Mkdir(run, 0o755))
	works(t, b.Lock(t.Context(), plan.Lock{Dir: run}))
	fails(t, second.Lock(t.Context(), plan.Lock{Dir: run}), "at work")

	works(t, b.Lock(t.Context(), plan.Lock{Dir: other}))
	works(t, second.Lock(t.Context(), plan.Lock{Dir: run}))
	works(t, second.Close())
	works(t, b.Lock(t.Context(), plan.Lock{Dir: run}))
	works(t, b.Close())
	works(t, second.Lock(t.Context(), plan.Lock{Dir: run}))
	fails(t, second.Lock(t.Context(), plan.Lock{Dir: b.path("none")}), "failed to lock", b.path("none"))
	write(t, b.path("file"), "")
	fails(t, second.Lock(t.Context(), plan.Lock{Dir: b.path("file")}), "not a directory")
}
