package ikebench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// A subject is a daemon that is measured, in the machine at subjectAddr.
type subject interface {
	name() string
	// start returns when it is ready and has its connections.
	start(b testing.TB, m *lab.Machine, p plan)
	// initiate has connection i brought up, and does not wait for that.
	initiate(b testing.TB, i int)
	// processes are those that have work by a handshake.
	processes() []process
	stop(b testing.TB)
}

// A plan is what a subject is started with, beside a connection that responds.
type plan struct {
	conns int  // how many connections it may initiate
	now   bool // it is to initiate them by itself, at once
	peer  bool // it is not the subject but its peer, in the machine at generatorAddr
}

type process struct {
	name string
	pid  int
}

// cpu returns the time that a process has had on a processor, by proc(5).
func cpu(b testing.TB, pid int) time.Duration {
	b.Helper()
	const tick = time.Second / 100 // USER_HZ of Linux
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	total := time.Duration(0)
	for _, f := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		total += time.Duration(n) * tick
	}
	return total
}

// resident returns the memory of a process in bytes.
func resident(b testing.TB, pid int) int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return n << 10
		}
	}
	b.Fatalf("process %d has no memory", pid)
	return 0
}

// newPair returns the two machines: the generator's and the subject's.
func newPair(b testing.TB) (ours, theirs *lab.Machine) {
	b.Helper()
	lab.NeedTUN(b)
	ours, theirs = lab.New(b, "generator"), lab.New(b, "subject")
	lab.Connect(b, ours, "eth0", theirs, "eth0")
	ours.Sh(b, "ip addr add "+generatorAddr+"/24 dev eth0")
	theirs.Sh(b, "ip addr add "+subjectAddr+"/24 dev eth0; ip addr add 10.255.0.1/32 dev lo; ip route add default via "+generatorAddr)
	return ours, theirs
}
