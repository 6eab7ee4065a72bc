package keys

import (
	"strings"
	"testing"

	"ipsec/conf"
)

// canary stands for a key in what must not show one.
const canary = "c0ffee15badc0ffee15badc0ffee15ba"

func TestRead(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"espenckey 0xc0ffee\n", "line 1: expected espenckey=KEY"},
		{"\nespkey=0xc0ffee\n", "line 2: expected"},
		{"ahkey=0x00\nahkey=0xc0ffee\n", "line 2: ahkey for the second time"},
	} {
		_, err := Read(strings.NewReader(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "c0ffee") {
			t.Errorf("%q: error is %v, want one with %q and no key", test.text, err, test.want)
		}
	}
}

// FuzzRead checks that what is said of a file of keys shows none of it.
func FuzzRead(f *testing.F) {
	f.Add("espenckey=0x", "\nespauthkey=0x00\n")
	f.Add("ahkey=", "")
	f.Add("# ", "\n\nespenckey 0x00")
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Contains(before+after, "c0ffee") {
			return
		}
		k, err := Read(strings.NewReader(before + canary + after))
		if err != nil && strings.Contains(err.Error(), "c0ffee") {
			t.Errorf("a key is shown: %v", err)
		}
		for _, secret := range []conf.Secret{k.Enc, k.Auth, k.AH} {
			if strings.Contains(secret.String(), "c0ffee") {
				t.Errorf("a key prints itself: %v", secret)
			}
		}
	})
}
