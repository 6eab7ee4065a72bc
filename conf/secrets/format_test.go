package secrets

import (
	"strings"
	"testing"
)

func TestWriteRSA(t *testing.T) {
	s, err := load(block(t))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(": RSA {\n")
	if err := WriteRSA(&b, s.Entries[0].RSAKey()); err != nil {
		t.Fatal(err)
	}
	again, err := load(b.String() + "\t}\n")
	if err != nil || !again.Entries[0].RSAKey().Equal(s.Entries[0].RSAKey()) {
		t.Errorf("%v, of\n%s", err, b.String())
	}
}
