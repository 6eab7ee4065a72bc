package linkname

import "testing"

func TestValid(t *testing.T) {
	for _, c := range []struct {
		name string
		want bool
	}{
		{"eth0", true}, {"eth0.100", true}, {"br-lan", true}, {"it's", true}, {"a=b", true}, {"…", true}, {"...", true},
		{"123456789012345", true}, {"1234567890123456", false},
		{"", false}, {".", false}, {"..", false}, {"a/b", false}, {"eth0:1", false}, {"a b", false}, {"a\tb", false}, {"a\n", false},
	} {
		if got := Valid(c.name); got != c.want {
			t.Errorf("Valid(%q) = %t, want %t", c.name, got, c.want)
		}
	}
}
