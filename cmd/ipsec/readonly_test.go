package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// readOnlyEnv has the test run again, as the process that gives everything up.
const readOnlyEnv = "IPSEC_TEST_READONLY"

// TestReadOnly has a process of its own try what the worker and KLIPS must not.
func TestReadOnly(t *testing.T) {
	if dir := os.Getenv(readOnlyEnv); dir != "" {
		giveUp(t, dir)
		return
	}
	dir := t.TempDir()
	for _, name := range []string{"core", "run"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"left", "file", "run/pid"} {
		write(t, filepath.Join(dir, name), "x", 0o600)
	}
	cmd := exec.Command("go", "test", "-count=1", "-run=^TestReadOnly$", "-v", ".")
	cmd.Env = append(os.Environ(), readOnlyEnv+"="+dir, "CGO_ENABLED=0") // with cgo, not all threads can be reached
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "no landlock") {
		t.Log("this kernel has no landlock(7)")
	}
}

func giveUp(t *testing.T, dir string) {
	at := func(name string) string { return filepath.Join(dir, name) }
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION); errno != 0 {
		fmt.Println("no landlock")
		return
	}
	if err := dropPrivileges(klipsKeeps); err != nil {
		t.Fatal(err)
	}
	left := []writable{{path: at("left")}, {path: at("core"), make: true}, {path: at("run"), remove: true}, {path: at("absent")}}
	if err := readOnly(left...); err != nil {
		t.Fatal(err)
	}
	open := func(name string, flags int) error {
		f, err := os.OpenFile(at(name), flags, 0o600)
		if err == nil {
			f.Close()
		}
		return err
	}
	done := make(chan bool)
	go func() { // maybe on another thread
		defer close(done)
		for _, c := range []struct {
			what    string
			err     error
			refused bool
		}{
			{"append to what is left", open("left", os.O_RDWR|os.O_APPEND), false},
			{"make a core", open("core/core", os.O_WRONLY|os.O_CREATE), false},
			{"make a file where one may only be removed", open("run/new", os.O_WRONLY|os.O_CREATE), true},
			{"remove a pid file", os.Remove(at("run/pid")), false},
			{"remove a core", os.Remove(at("core/core")), true},
			{"read a file", open("file", os.O_RDONLY), false},
			{"write to a file", open("file", os.O_WRONLY), true},
			{"make a file", open("new", os.O_WRONLY|os.O_CREATE), true},
			{"remove a file", os.Remove(at("file")), true},
			{"remove what is left", os.Remove(at("left")), true},
			{"make a folder", os.Mkdir(at("folder"), 0o700), true},
			{"change what the kernel does with cores", open("../../../../../../proc/sys/kernel/core_pattern", os.O_WRONLY), true},
			{"run a program", exec.Command("/bin/true").Run(), true},
		} {
			if (c.err != nil) != c.refused || c.refused && !errors.Is(c.err, os.ErrPermission) && !errors.Is(c.err, unix.EROFS) {
				t.Errorf("%s: %v", c.what, c.err)
			}
		}
	}()
	<-done
}
