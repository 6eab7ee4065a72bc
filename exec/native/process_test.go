package native

import (
	"bufio"
	"fmt"
	"os"
	osexec "os/exec"
	"strings"
	"testing"
	"time"

	"ipsec/klips/process"
	"ipsec/plan"
)

func TestRun(t *testing.T) {
	b := newBench(t, "")
	works(t, b.Run(t.Context(), plan.Run{Words: `printf 'one\ntwo'; echo three >&2; cat`})) // cat reads nothing
	if got := b.lines(); got != "one\ntwothree\n" {
		t.Errorf("said %q", got)
	}
	fails(t, b.Run(t.Context(), plan.Run{Words: "exit 3"}), `failed to run "exit 3"`, "exit status 3")
	fails(t, b.Run(t.Context(), plan.Run{Words: "kill -KILL $$"}), "killed")
}

// A child process is of the same instance, and has the PATH of the plan's script.
func TestEnvironment(t *testing.T) {
	t.Setenv("PATH", "/nowhere")
	t.Setenv("IPSEC_RUNDIR", "/wrong")
	t.Setenv("UNTOUCHED", "yes")
	b := newBench(t, "")
	works(t, b.Run(t.Context(), plan.Run{Words: `echo $PATH; echo $IPSEC_CONFS $IPSEC_CONF $IPSEC_RUNDIR $IPSEC_SYSLOG $UNTOUCHED; umask`}))
	want := b.dir + ":/usr/sbin:/usr/bin:/sbin:/bin\n" + strings.Join([]string{b.dir, b.dir + "/ipsec.conf", b.dir, "daemon.error", "yes"}, " ") + "\n0022\n"
	if got := b.lines(); got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

func TestUpdown(t *testing.T) {
	b := newBench(t, "")
	op := plan.Updown{Command: `echo "$PLUTO_VERB $PLUTO_PEER_CLIENT"`, Env: []string{"PLUTO_VERB=up-client", "PLUTO_PEER_CLIENT=10.0.2.0/24 $x"}}
	works(t, b.Updown(t.Context(), op))
	if got := b.lines(); got != "up-client 10.0.2.0/24 $x\n" {
		t.Errorf("said %q", got)
	}
	op.Command = "exit 1"
	fails(t, b.Updown(t.Context(), op), `"exit 1"`, "exit status 1")
}

// What stays in the background with the output open does not stall a start.
func TestRunBackground(t *testing.T) {
	b := newBench(t, "")
	begin := time.Now()
	works(t, b.Run(t.Context(), plan.Run{Words: `echo early; sleep 1000 & echo $! > ` + b.path("pid")}))
	works(t, b.Run(t.Context(), plan.Run{Words: "kill $(cat " + b.path("pid") + ")"}))
	if took := time.Since(begin); took > lingering+10*time.Second {
		t.Errorf("took %v", took)
	}
	if got := b.lines(); got != "early\n" {
		t.Errorf("said %q", got)
	}
}

func TestStartKlips(t *testing.T) {
	b := newBench(t, "")
	write(t, b.path("ipsec"), "#!/bin/sh\necho \"$*\"\n")
	works(t, os.Chmod(b.path("ipsec"), 0o755))
	works(t, b.StartKlips(t.Context(), plan.StartKlips{}))
	works(t, b.StartKlips(t.Context(), plan.StartKlips{FragICMP: true, HideTOS: true, NoOffload: []string{"xdp", "gro"}, Debug: []string{"tunnel", "xform"}}))
	if got := b.lines(); got != "klips\nklips --fragicmp --hidetos --no-offload xdp,gro --debug tunnel,xform\n" {
		t.Errorf("said %q", got)
	}
	write(t, b.path("ipsec"), "#!/bin/sh\necho no TUN >&2; exit 1\n")
	fails(t, b.StartKlips(t.Context(), plan.StartKlips{}), "failed to start KLIPS", "exit status 1")
	if got := b.lines(); !strings.HasSuffix(got, "no TUN\n") {
		t.Errorf("said %q", got)
	}
}

func TestEndDaemon(t *testing.T) {
	b := newBench(t, "")
	works(t, b.EndDaemon(t.Context(), plan.EndDaemon{Part: plan.Klips}))
	write(t, b.paths.PlutoPID(), "1\n") // a number proves nothing
	works(t, b.EndDaemon(t.Context(), plan.EndDaemon{Part: plan.Pluto}))
	fails(t, b.EndDaemon(t.Context(), plan.EndDaemon{Part: plan.Interfaces}), "expected klips or pluto")
}

// lockedEnv makes this test binary a daemon that holds the lock of that file.
const lockedEnv = "IPSEC_TEST_LOCK"

func TestMain(m *testing.M) {
	if pidfile := os.Getenv(lockedEnv); pidfile != "" {
		if _, err := process.Hold(pidfile); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("ready")
		select {} // a signal ends it
	}
	os.Exit(m.Run())
}

// A daemon that lives is seen, is ended, and is gone when that returns.
func TestEndLivingDaemon(t *testing.T) {
	b := newBench(t, "")
	cmd := osexec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), lockedEnv+"="+b.paths.KlipsPID())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	alive := plan.Alive{Parts: []plan.Part{plan.Klips}}
	if holds, err := b.Holds(alive); !holds || err != nil {
		t.Errorf("alive: %v, %v", holds, err)
	}
	works(t, b.EndDaemon(t.Context(), plan.EndDaemon{Part: plan.Klips}))
	if holds, err := b.Holds(alive); holds || err != nil {
		t.Errorf("alive: %v, %v", holds, err)
	}
	fails(t, cmd.Wait(), "terminated")
}

func TestModprobe(t *testing.T) {
	b := newBench(t, "")
	fails(t, b.Modprobe(t.Context(), plan.Modprobe{Module: "no_such_module_of_ours"}), "failed to load module no_such_module_of_ours")
}
