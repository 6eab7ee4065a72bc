// Package interop tests Pluto and KLIPS with independent implementations:
// strongSwan and Libreswan, which run in machines of their own beside ours (see
// golden/lab), on this kernel or in a guest with a kernel of its own.
//
// .ci/peers installs the peers and .ci/guest the guest. What came of each case is
// a table in doc/interop.md, which -update writes anew.
package interop

import (
	"testing"

	"ipsec/golden/lab"
)

// bin is the folder of the binary, which TestMain sets once.
var bin string

func TestMain(m *testing.M) { lab.Main(m, &bin) }
