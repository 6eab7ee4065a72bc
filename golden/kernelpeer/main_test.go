// Package kernelpeer holds KLIPS to account before a peer that none of us wrote:
// the ESP, AH and IPCOMP of a real Linux kernel, which runs as a process (User-Mode
// Linux) at the other end of a tap device. Both sides are keyed by hand: ours
// by ipsec.conf and "ipsec setup start", the other by "ip xfrm".
//
// .ci/guest installs the guest. What came of each case is a table in
// doc/interop-kernel.md, which -update writes anew.
package kernelpeer

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write doc/interop-kernel.md anew")

// bin is the folder of the binary, which TestMain sets once.
var bin string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "kernelpeer")
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
