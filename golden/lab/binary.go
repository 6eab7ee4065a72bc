package lab

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Main is a TestMain whose tests run the program itself: it builds "ipsec" into
// a folder that any user may enter, sets dir to the folder, runs the tests, and
// exits.
func Main(m *testing.M, dir *string) {
	flag.Parse()
	os.Exit(withBinary(m, dir))
}

func withBinary(m *testing.M, bin *string) int {
	dir, err := os.MkdirTemp("", "ipsec-test")
	if err == nil {
		defer os.RemoveAll(dir)
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "ipsec"), "ipsec/cmd/ipsec")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "failed to build ipsec: %v\n%s", err, out)
		return 1
	}
	*bin = dir
	return m.Run()
}
