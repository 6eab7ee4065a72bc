// Package lab makes machines for tests: network, mount and process namespaces
// in which a test is root and may change anything. The machine that the tests run on
// keeps its links, routes, settings and files, several copies of the tests run side
// by side, and whatever happens, the kernel cleans up.
//
// [Isolated] runs a whole test inside one machine, in a process of its own; that suits
// code under test that has goroutines or leaves daemons behind. [New] makes further
// machines, and [Connect] lays cables between them.
//
// A machine has a loopback link that is up, and files of its own in /run (and so
// /var/run and /var/lock), in /dev, which has the usual devices but no /dev/log, and in
// /etc, which starts as a copy of the real one. /tmp and all else is shared.
package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Missing skips a test that lacks something, and fails it where REQUIRE_ALL=1
// says that nothing may be missing.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	what := fmt.Sprintf(format, args...)
	if os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatalf("REQUIRE_ALL=1, and %s", what)
	}
	t.Skip(what)
}

// NeedRoot calls Missing without root.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "this test needs root")
	}
}

// NeedTUN calls Missing without root or /dev/net/tun.
func NeedTUN(t testing.TB) {
	t.Helper()
	NeedRoot(t)
	file, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		Missing(t, "this test needs TUN devices: %v", err)
	}
	file.Close()
}

// NeedProgram calls Missing where there is no such program in PATH.
func NeedProgram(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		Missing(t, "this test needs %s", name)
	}
}

// isolatedEnv names the test that a process was started for.
const isolatedEnv = "IPSEC_LAB_TEST"

// Isolated runs f in a machine of its own: it runs the calling test once more, in
// a new process within new namespaces, where f is called. What f starts is killed when
// that process ends. The calling test must do nothing else, and -run with its name
// must reach it again: the tests above a subtest must start it again.
func Isolated(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if os.Getenv(isolatedEnv) == t.Name() {
		if err := private(true); err != nil {
			t.Fatal(err)
		}
		f(t)
		return
	}
	NeedRoot(t)
	if os.Getenv(isolatedEnv) != "" {
		t.Fatalf("Isolated in %s, within %s", t.Name(), os.Getenv(isolatedEnv))
	}
	var pattern []string
	for part := range strings.SplitSeq(t.Name(), "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(part)+"$")
	}
	args := []string{"-test.run=" + strings.Join(pattern, "/"), "-test.v", "-test.count=1"}
	if deadline, ok := t.Deadline(); ok {
		args = append(args, "-test.timeout="+(time.Until(deadline)*9/10).String())
	}
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), isolatedEnv+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID,
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	text := strings.TrimSpace(out.String())
	switch {
	case errors.Is(err, unix.EPERM) && cmd.Process == nil:
		Missing(t, "this test needs to make namespaces: %v", err)
	case err != nil:
		t.Fatalf("in the lab: %v\n%s", err, text)
	case strings.Contains(text, "--- SKIP: "+t.Name()+" "):
		t.Skip(text)
	case !strings.Contains(text, "--- PASS: "+t.Name()+" "):
		t.Fatalf("the test did not run in the lab:\n%s", text)
	default:
		t.Log(text)
	}
}

// NeedXDP calls Missing without root or AF_XDP sockets.
func NeedXDP(t testing.TB) {
	t.Helper()
	NeedRoot(t)
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		Missing(t, "this test needs AF_XDP sockets: %v", err)
	}
	unix.Close(fd)
}
