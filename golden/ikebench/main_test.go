// Package ikebench measures Pluto beside strongSwan's charon in the same run:
// handshakes as responder and as initiator, memory for each tunnel, and how long
// it takes from a start to the first packet. The other end is our own IKEv2 in
// the process of the test. "make bench" runs it.
package ikebench

import (
	"flag"
	"testing"

	"ipsec/golden/lab"
)

var (
	rounds  = flag.Int("rounds", 3, "how often each measurement is taken, the two in turn")
	count   = flag.Int("handshakes", 1000, "in a measurement")
	tunnels = flag.Int("tunnels", 10000, "that are up when memory is measured")
)

// bin is the folder of the binary, which TestMain sets once.
var bin string

func TestMain(m *testing.M) { lab.Main(m, &bin) }
