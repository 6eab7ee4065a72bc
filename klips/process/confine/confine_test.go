package confine

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
)

// confinedEnv has a test run again, as the process that gives everything up.
const confinedEnv = "IPSEC_TEST_CONFINED"

// again runs the test t again in a process of its own, which finds dir in
// confinedEnv, and returns what it wrote.
func again(t *testing.T, dir string) string {
	t.Helper()
	lab.NeedRoot(t)
	cmd := exec.Command("go", "test", "-count=1", "-run=^"+t.Name()+"$", "-v", ".")
	cmd.Env = append(os.Environ(), confinedEnv+"="+dir, "CGO_ENABLED=0") // with cgo, not all threads can be reached
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// TestKeep looks at all threads of a process that has given its capabilities up.
func TestKeep(t *testing.T) {
	if os.Getenv(confinedEnv) == "" {
		again(t, "/")
		return
	}
	release := make(chan struct{})
	defer close(release)
	for range 4 { // threads of before
		started := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(started)
			<-release
		}()
		<-started
	}
	if err := Keep(Pluto); err != nil {
		t.Fatal(err)
	}
	tasks, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(tasks) < 5 {
		t.Fatalf("%d threads, %v", len(tasks), err)
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"CapInh:\t0000000000000000", "CapPrm:\t0000000000003400", "CapEff:\t0000000000003400", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1"} {
			if !strings.Contains(string(text), want+"\n") {
				t.Errorf("%s: expected %q in\n%s", task, want, text)
			}
		}
	}
	if err := Keep(Klips); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile("/proc/self/status"); !strings.Contains(string(text), "CapEff:\t0000000000003400\n") {
		t.Errorf("a capability that was given up is back:\n%s", text)
	}
}

// TestReadOnly tries what the worker and KLIPS must not do.
func TestReadOnly(t *testing.T) {
	if dir := os.Getenv(confinedEnv); dir != "" {
		giveUp(t, dir)
		return
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"core", "run"} {
		if err := os.Mkdir(at(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"left", "file", "core/old", "run/pid"} {
		if err := os.WriteFile(at(name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out := again(t, dir); strings.Contains(out, "no landlock") {
		t.Log("this kernel has no landlock(7)")
	}
}

func giveUp(t *testing.T, dir string) {
	at := func(name string) string { return filepath.Join(dir, name) }
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION); errno != 0 {
		fmt.Println("no landlock")
		return
	}
	given, done := make(chan struct{}), make(chan struct{})
	go func() { // on a thread of before
		defer close(done)
		runtime.LockOSThread()
		<-given
		try(t, at)
	}()
	if err := Keep(Klips); err != nil {
		t.Fatal(err)
	}
	if err := ReadOnly(Writable{Path: at("left")}, Writable{Path: at("core"), Make: true}, Writable{Path: at("run"), Remove: true}, Writable{Path: at("absent")}); err != nil {
		t.Fatal(err)
	}
	close(given)
	<-done
}

func try(t *testing.T, at func(name string) string) {
	open := func(name string, flags int) error {
		f, err := os.OpenFile(at(name), flags, 0o600)
		if err == nil {
			f.Close()
		}
		return err
	}
	listen := func(name string) error {
		l, err := net.Listen("unix", at(name))
		if err == nil {
			l.Close()
		}
		return err
	}
	run := func(name string) error {
		cmd := exec.Command(name)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr // which need no /dev/null
		return cmd.Run()
	}
	for _, c := range []struct {
		what    string
		err     error
		refused bool
	}{
		{"append to what is left", open("left", os.O_RDWR|os.O_APPEND), false},
		{"make a core", open("core/core", os.O_WRONLY|os.O_CREATE), false},
		{"make a file where one may only be removed", open("run/new", os.O_WRONLY|os.O_CREATE), true},
		{"remove a pid file", os.Remove(at("run/pid")), false},
		{"remove a core", os.Remove(at("core/old")), true},
		{"read a file", open("file", os.O_RDONLY), false},
		{"write to a file", open("file", os.O_WRONLY), true},
		{"truncate a file", os.Truncate(at("file"), 0), true},
		{"make a file", open("new", os.O_WRONLY|os.O_CREATE), true},
		{"make a file that was to be left and was not there", open("absent", os.O_WRONLY|os.O_CREATE), true},
		{"make a socket", listen("core/socket"), true},
		{"make a FIFO", unix.Mkfifo(at("core/fifo"), 0o600), true},
		{"make a link", os.Symlink("file", at("core/link")), true},
		{"make a folder", os.Mkdir(at("core/folder"), 0o700), true},
		{"move a file", os.Rename(at("file"), at("core/file")), true},
		{"remove a file", os.Remove(at("file")), true},
		{"remove what is left", os.Remove(at("left")), true},
		{"remove a folder", os.Remove(at("run")), true},
		{"change what the kernel does with cores", open("../../../../../../proc/sys/kernel/core_pattern", os.O_WRONLY), true},
		{"run a program", run("/bin/true"), true},
	} {
		if (c.err != nil) != c.refused || c.refused && !errors.Is(c.err, os.ErrPermission) && !errors.Is(c.err, unix.EROFS) && !errors.Is(c.err, unix.EXDEV) {
			t.Errorf("%s: %v", c.what, c.err)
		}
	}
}
