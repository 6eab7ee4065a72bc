// Package interop holds Pluto and KLIPS to account before peers that none of us
// wrote: strongSwan and Libreswan, which run in machines of their own beside
// ours (see golden/lab), on this kernel or in a guest with a kernel of its own.
//
// .ci/peers installs the peers and .ci/guest the guest. What came of each case is
// a table in doc/interop.md, which -update writes anew.
package interop

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write doc/interop.md anew")

// bin is the folder of the binary, which TestMain sets once.
var bin string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "interop")
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
