// Package interop holds Pluto and KLIPS to account before peers that none of us
// wrote: strongSwan and Libreswan, which run in machines of their own beside
// ours (see golden/lab), on this kernel or in a guest with a kernel of its own.
//
// .ci/peers installs the peers and .ci/guest the guest. What came of each case is
// a table in doc/interop.md, which -update writes anew.
package interop

import (
	"flag"
	"os"
	"testing"

	"ipsec/golden/lab"
)

var update = flag.Bool("update", false, "write doc/interop.md anew")

// bin is the folder of the binary, which TestMain sets once.
var bin string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(lab.WithBinary(m, func(dir string) { bin = dir }))
}
