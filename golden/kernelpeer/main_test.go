// Package kernelpeer tests KLIPS with an independent implementation: the ESP, AH and IPCOMP of a real Linux kernel, which runs as a process (User-Mode
// Linux) at the other end of a tap device. Both sides are keyed by hand: ours
// by ipsec.conf and "ipsec setup start", the other by "ip xfrm".
//
// .ci/guest installs the guest. What came of each case is a table in
// doc/interop-kernel.md, which -update writes anew.
package kernelpeer

import (
	"testing"

	"ipsec/golden/lab"
)

// bin is the folder of the binary, which TestMain sets once.
var bin string

func TestMain(m *testing.M) { lab.Main(m, &bin) }
