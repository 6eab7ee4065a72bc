package tun

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"ipsec/klips/offload"
)

// TestNames refuses names before anything is asked of the system. What Open,
// Ours and Remove do to a system, the tests of the engine see, in namespaces.
func TestNames(t *testing.T) {
	for _, name := range []string{"", ".", "..", "sixteen-letters!", "a/b", "a b", "a:b", "ipsec%d", "a\nb", "é"} {
		if _, err := Open(name, 1500, offload.All, 1); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%q: %v, want EINVAL", name, err)
		}
	}
	for _, name := range []string{"ipsec0", "i", strings.Repeat("x", 15)} {
		if err := checkName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestNobodys(t *testing.T) {
	if err := Remove("no-such-link"); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("removing what is not there: %v", err)
	}
	if err := Remove("lo"); !errors.Is(err, syscall.EPERM) {
		t.Errorf("removing what is not ours: %v", err)
	}
}
