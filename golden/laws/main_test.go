// Package laws tests the real binary against the laws of the design, in machines
// that each test makes for itself. A test has the name of its law.
package laws

import (
	"flag"
	"math/rand"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// bin is the folder of the binary, which TestMain sets once.
var bin string

// seed replays a run of the random tests.
var seed = flag.Int64("seed", 0, "seed of what is random; 0 draws one")

func TestMain(m *testing.M) { lab.Main(m, &bin) }

// random returns what a test draws from, and logs the seed that replays it.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	n := *seed
	if n == 0 {
		n = time.Now().UnixNano()
	}
	t.Logf("to replay: -run '^%s$' -seed %d", t.Name(), n)
	return rand.New(rand.NewSource(n))
}
