// Package laws holds the real binary to the laws of the design, in machines
// that each test makes for itself. A test is named for its law.
package laws

import (
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// bin is the folder of the binary, which TestMain sets once.
var bin string

// seed makes a run of the random tests again what it was.
var seed = flag.Int64("seed", 0, "seed of what is random; 0 draws one")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "laws")
	if err == nil {
		defer os.RemoveAll(dir)
		err = os.Chmod(dir, 0o755) // nobody runs it, too
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "ipsec"), "ipsec/cmd/ipsec")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "failed to build: %v\n%s", err, out)
		return 1
	}
	bin = dir
	return m.Run()
}

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
