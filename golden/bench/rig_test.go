// Package bench measures the data plane beside others: KLIPS as `ipsec setup
// start` brings it up, wireguard-go, and the kernel-libipsec of strongSwan, each
// between two gateways of its own with a client behind either, all in network
// namespaces of one machine. It measures in pairs that alternate, so that what
// else the machine does falls on both alike, and reports ratios.
//
//	make bench-quick   a short table, on standard output
//	make bench         the whole table, to doc/performance.md
package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// innerMTU is the MTU inside every tunnel that is measured: the default of
// wireguard-go.
const innerMTU = 1420

// A rig is two gateways, and a client behind each.
type rig struct {
	name        string
	west, east  *lab.Machine
	left, right *lab.Machine // clients
	work        string
	program     string // of newBare
	daemons     []int  // the processes that carry packets, on both gateways
}

const (
	leftClient  = "10.0.1.10"
	rightClient = "10.0.2.10"
	westAddr    = "192.0.2.1"
	eastAddr    = "192.0.2.2"
)

func newRig(t testing.TB, name string) *rig {
	t.Helper()
	lab.NeedTUN(t)
	r := &rig{
		name: name,
		west: lab.New(t, "west"), east: lab.New(t, "east"),
		left: lab.New(t, "left"), right: lab.New(t, "right"),
		work: t.TempDir(),
	}
	lab.Connect(t, r.west, "wan", r.east, "wan")
	lab.Connect(t, r.left, "eth0", r.west, "lan")
	lab.Connect(t, r.right, "eth0", r.east, "lan")
	r.left.Sh(t, "ip addr add "+leftClient+"/24 dev eth0; ip route add default via 10.0.1.1")
	r.right.Sh(t, "ip addr add "+rightClient+"/24 dev eth0; ip route add default via 10.0.2.1")
	r.west.Sh(t, "ip addr add 10.0.1.1/24 dev lan; ip addr add "+westAddr+"/24 dev wan; sysctl -qw net.ipv4.ip_forward=1")
	r.east.Sh(t, "ip addr add 10.0.2.1/24 dev lan; ip addr add "+eastAddr+"/24 dev wan; sysctl -qw net.ipv4.ip_forward=1")
	return r
}

// start starts a program on a machine, which ends with the machine, and returns its
// process id.
func (r *rig) start(t testing.TB, m *lab.Machine, name string, args ...string) int {
	t.Helper()
	log, err := os.Create(filepath.Join(r.work, m.Name+"-"+filepath.Base(name)+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := m.Start(cmd); err != nil {
		t.Fatal(err)
	}
	prefer(cmd.Process.Pid)
	go cmd.Wait()
	return cmd.Process.Pid
}

// prefer gives the session that a process leads a greater share of the processors
// than the rest of the machine has. Where the kernel shares them out among sessions
// (sched_autogroup_enabled) each daemon and each end of a flow has to have
// one of its own, or those that go into the background would have more than
// those that do not.
func prefer(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", pid), []byte("-20"), 0)
	_ = syscall.Setpriority(syscall.PRIO_PGRP, pid, -20)
}

// foreground runs a program on a machine like start, and returns what it printed.
func (r *rig) foreground(t testing.TB, m *lab.Machine, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := m.Start(cmd); err != nil {
		t.Fatal(err)
	}
	prefer(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %s %q: %v\n%s", m.Name, name, args, err, out.String())
	}
	return out.String()
}

// up waits until the clients reach one another.
func (r *rig) up(t testing.TB) {
	t.Helper()
	err := lab.Poll(10*time.Second, func() error {
		_, err := r.left.Try("ping", "-c", "1", "-W", "1", rightClient)
		return err
	})
	if err == nil {
		return
	}
	logs, _ := filepath.Glob(r.work + "/*.log")
	for _, name := range logs {
		text, _ := os.ReadFile(name)
		t.Logf("%s:\n%s", name, text)
	}
	t.Fatalf("%s: no ping from client to client", r.name)
}

// cpu returns how long the daemons of the rig have used a processor, user and
// system time together.
func (r *rig) cpu(t testing.TB) time.Duration {
	t.Helper()
	var ticks int
	for _, pid := range r.daemons {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
		for _, f := range fields[11:13] {
			n, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * (time.Second / 100) // USER_HZ
}

// memory returns the most that a daemon of the rig holds, in bytes.
func (r *rig) memory(t testing.TB) int {
	t.Helper()
	most := 0
	for _, pid := range r.daemons {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				n, _ := strconv.Atoi(strings.Fields(rest)[0])
				most = max(most, n*1024)
			}
		}
	}
	return most
}
