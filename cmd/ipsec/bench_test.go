package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// manualConns is a configuration of n manually keyed connections.
func manualConns(n int) string {
	var b strings.Builder
	b.WriteString("config setup\n\tinterfaces=ipsec0=wan\n\tpluto=no\n")
	for i := range n {
		fmt.Fprintf(&b, `conn net-%d
	left=192.0.2.1
	leftsubnet=10.1.0.0/16
	right=192.0.2.2
	rightsubnet=10.%d.%d.0/24
	spi=0x%x
	esp=aes128-sha1
	espenckey=0x0123456789abcdef0123456789abcdef
	espauthkey=0x0123456789abcdef0123456789abcdef01234567
	auto=manual
`, i, 2+i/256, i%256, 0x200+i)
	}
	return b.String()
}

// BenchmarkShowOnly is the whole process of setup --showonly start. The goals
// are 10 ms for a small file, and half a second and 200 MB for 10,000 conns.
func BenchmarkShowOnly(b *testing.B) {
	bin := binary(b)
	facts, err := filepath.Abs("../../demo/west/facts.json")
	if err != nil {
		b.Fatal(err)
	}
	for _, conns := range []int{1, 10, 1000, 10000} {
		b.Run(fmt.Sprintf("conns=%d", conns), func(b *testing.B) {
			file := filepath.Join(b.TempDir(), "ipsec.conf")
			write(b, file, manualConns(conns), 0o600)
			for b.Loop() {
				cmd := exec.Command(bin+"/ipsec", "setup", "--config", file, "--facts", facts, "--showonly", "start")
				if err := cmd.Run(); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(maxRSS(cmd))/1024, "MB-peak")
			}
		})
	}
}

// BenchmarkStartStop is a start and a stop of 1,000 manually keyed connections,
// in namespaces of its own; each is reported by itself.
func BenchmarkStartStop(b *testing.B) {
	lab.NeedRoot(b)
	lab.NeedTUN(b)
	bin := binary(b)
	dir := openDir(b)
	write(b, dir+"/ipsec.conf", manualConns(1000), 0o600)
	script := `ip link add wan type veth peer name far
ip addr add 192.0.2.1/24 dev wan; ip link set wan up; ip link set far up
now() { date +%s%N; }
t0=$(now); ipsec setup start >&2 || exit 1; t1=$(now); ipsec setup status >&2 || exit 1
t2=$(now); ipsec setup stop >&2 || exit 1; t3=$(now)
echo $((t1 - t0)) $((t3 - t2))`
	var start, stop time.Duration
	for b.Loop() {
		cmd := exec.Command(bin+"/ns", "sh", "-c", script)
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "IPSEC_CONFS="+dir, "IPSEC_RUNDIR="+dir+"/run")
		var errors strings.Builder
		cmd.Stderr = &errors
		out, err := cmd.Output()
		if err != nil {
			b.Fatalf("%v\n%s", err, errors.String())
		}
		if !strings.Contains(errors.String(), "1000 tunnels up") {
			b.Fatalf("not all tunnels are up:\n%s", errors.String())
		}
		var t0, t1 time.Duration
		if _, err := fmt.Sscan(string(out), &t0, &t1); err != nil {
			b.Fatal(err)
		}
		start, stop = start+t0, stop+t1
	}
	b.ReportMetric(start.Seconds()*1000/float64(b.N), "ms/start")
	b.ReportMetric(stop.Seconds()*1000/float64(b.N), "ms/stop")
}

// maxRSS is the most memory that an ended command had, in KB.
func maxRSS(cmd *exec.Cmd) int64 {
	return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
}
