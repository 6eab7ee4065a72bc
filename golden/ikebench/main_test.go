// Package ikebench measures Pluto beside strongSwan's charon in the same run:
// handshakes as responder and as initiator, memory for each tunnel, and how long
// it takes from a start to the first packet. The other end is our own IKEv2 in
// the process of the test. "make bench" runs it.
package ikebench

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var (
	rounds  = flag.Int("rounds", 3, "how often each measurement is taken, the two in turn")
	count   = flag.Int("handshakes", 1000, "in a measurement")
	tunnels = flag.Int("tunnels", 10000, "that are up when memory is measured")
)

// bin is the folder of the binary, which TestMain sets once.
var bin string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ikebench")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "ipsec"), "ipsec/cmd/ipsec")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "failed to build ipsec: %v\n%s", err, out)
		return 1
	}
	bin = dir
	return m.Run()
}
