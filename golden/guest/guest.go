// Package guest runs a real Linux kernel, with ESP, AH and IPCOMP of its own, as a
// process: User-Mode Linux, which .ci/guest installs. Its link vec0 is the other
// end of a tap device of a machine (see golden/lab).
//
// The guest sees the host's files, which it must not write to, and has a /run of its
// own.
package guest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ipsec/golden/guest/order"
	"ipsec/golden/lab"
)

// Guest is a running kernel. Its methods are called by one goroutine at a time.
type Guest struct {
	// Agent is the path of the program agent, which has commands for scripts.
	Agent string

	orders  *json.Encoder
	answers *json.Decoder
	in, out *os.File // answers are read from in, and orders written to out
}

// patience is how long a script may take.
const patience = 60 * time.Second

// folder is where .ci/guest unpacks the guest by default.
func folder() string {
	if dir := os.Getenv("IPSEC_GUEST"); dir != "" {
		return dir
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, ok := os.LookupEnv("HOME")
		if !ok || home == "" {
			home = "/var"
		}
		cache = filepath.Join(home, ".cache")
	}
	return filepath.Join(cache, "ipsec-guest")
}

// Need returns the folder of the guest, and calls lab.Missing where it is not
// installed.
func Need(t testing.TB) string {
	t.Helper()
	dir := folder()
	kernel := filepath.Join(dir, "usr/bin/linux.uml")
	if _, err := os.Stat(kernel); err != nil {
		lab.Missing(t, "this test needs the guest that .ci/guest installs, in $IPSEC_GUEST or %s", dir)
	}
	for _, program := range []string{"ip", "ping", "modprobe"} {
		lab.NeedProgram(t, program)
	}
	return dir
}

// Options are options of a guest.
type Options struct {
	Memory int // in MB
	// Encapsulate has the kernel take ESP off what comes to UDP port 4500, as an
	// IKE daemon in the guest would have it do (RFC 3948).
	Encapsulate bool
}

// Boot starts a guest on a tap device of m, and waits until it is ready. It
// ends with the test.
func Boot(t testing.TB, m *lab.Machine, tap string, o Options) *Guest {
	t.Helper()
	dir, work := Need(t), t.TempDir()
	agent, registers := build(t, work), compile(t, work)
	console, err := os.Create(filepath.Join(work, "console"))
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	guestIn, out := pipe(t)
	in, guestOut := pipe(t)
	cmd := exec.Command(filepath.Join(dir, "usr/bin/linux.uml"),
		fmt.Sprintf("mem=%dM", o.Memory), "root=none", "rootfstype=hostfs", "rootflags=/", "ro", "init="+agent, "quiet", "panic=-1",
		"con=null", "con0=null,fd:1", "ssl=null", "ssl0=fd:3,fd:4",
		"umid=guest", "uml_dir="+work, "modules_dir="+dir, fmt.Sprintf("encapsulate=%t", o.Encapsulate),
		"vec0:transport=tap,ifname="+tap+",depth=128")
	// The guest's memory is a file that must be executable.
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=/dev/shm", "HOME=" + work, "LD_PRELOAD=" + registers}
	cmd.Stdout, cmd.Stderr = console, console
	cmd.ExtraFiles = []*os.File{guestIn, guestOut}
	if err := m.Start(cmd); err != nil {
		t.Fatalf("failed to start the guest: %v", err)
	}
	guestIn.Close()
	guestOut.Close()
	g := &Guest{Agent: agent, orders: json.NewEncoder(out), answers: json.NewDecoder(in), in: in, out: out}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		g.orders.Encode(order.Order{})
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Error("the guest does not end")
			cmd.Process.Kill()
			<-ended
		}
		in.Close()
		out.Close()
		if t.Failed() {
			text, _ := os.ReadFile(console.Name())
			t.Logf("the guest's console:\n%s", text)
		}
	})
	in.SetReadDeadline(time.Now().Add(patience))
	var ready order.Answer
	if err := g.answers.Decode(&ready); err != nil || ready.Status != 0 {
		t.Fatalf("the guest is not ready: %v %s", err, ready.Output)
	}
	return g
}

//go:embed xstate/ptrace.c
var ptrace string

// compile compiles what lets a guest live on a processor with AMX.
func compile(t testing.TB, dir string) string {
	t.Helper()
	lab.NeedProgram(t, "gcc")
	library := filepath.Join(dir, "ptrace.so")
	cmd := exec.Command("gcc", "-shared", "-fPIC", "-O2", "-D_GNU_SOURCE", "-x", "c", "-o", library, "-", "-ldl")
	cmd.Stdin = strings.NewReader(ptrace)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("failed to compile xstate/ptrace.c: %v\n%s", err, out)
	}
	return library
}

// build builds the agent.
func build(t testing.TB, dir string) string {
	t.Helper()
	agent := filepath.Join(dir, "agent")
	cmd := exec.Command("go", "build", "-o", agent, "ipsec/golden/guest/agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("failed to build the guest's agent: %v\n%s", err, out)
	}
	return agent
}

// pipe is like os.Pipe, and fails the test where that fails.
func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// Try runs a script for /bin/sh in the guest, which ends at the first command
// that fails, and returns what it printed. What the script leaves running must
// not hold its output.
func (g *Guest) Try(script string) (string, error) {
	if err := g.orders.Encode(order.Order{Script: script}); err != nil {
		return "", err
	}
	g.in.SetReadDeadline(time.Now().Add(patience))
	var answer order.Answer
	if err := g.answers.Decode(&answer); err != nil {
		return "", err
	}
	if answer.Status != 0 {
		return answer.Output, fmt.Errorf("exit status %d: %s", answer.Status, strings.TrimSpace(answer.Output))
	}
	return answer.Output, nil
}

// Sh is like Try, and fails the test where the script fails.
func (g *Guest) Sh(t testing.TB, script string) string {
	t.Helper()
	out, err := g.Try(script)
	if err != nil {
		t.Fatalf("guest: %v\n%s", err, script)
	}
	return out
}
