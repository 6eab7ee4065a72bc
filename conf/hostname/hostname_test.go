package hostname

import (
	"strings"
	"testing"
)

func TestValid(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, c := range []struct {
		text string
		want bool
	}{
		{"gw", true}, {"gw.example.com", true}, {"gw.example.com.", true}, {"_ike.gw-2.example", true}, {"4you.example", true}, {"1.example1", true},
		{label + ".example", true}, {label + "a.example", false}, {strings.Repeat(label+".", 4), false},
		{"", false}, {".", false}, {"gw..example", false}, {"gw..", false}, {".gw", false}, {"-gw.example", false},
		{"192.0.2.1", false}, {"192.0.2.256", false}, {"1", false}, {"gw.1", false},
		{"2001:db8::1", false}, {"g w", false}, {"gw/24", false}, {"%any", false}, {"gw\n", false}, {"gü", false}, {"@gw", false},
	} {
		if got := Valid(c.text); got != c.want {
			t.Errorf("Valid(%q) = %t, want %t", c.text, got, c.want)
		}
	}
}
