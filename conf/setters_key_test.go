package conf

import (
	"strings"
	"testing"
)

func TestPublicKeys(t *testing.T) {
	const spki = "0sMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q=="
	const point = "0saxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q=="
	c, err := Parse("f", []byte("conn a\n\tleftecdsakey="+point+"\n\trightecdsakey="+spki+"\n\tleftsigkey="+spki+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if a := c.Conn("a"); a.Left.ECDSAKey != spki || a.Right.ECDSAKey != spki || a.Left.PublicKey != spki || a.Right.PublicKey != "" {
		t.Errorf("got %+v", a)
	}
	for line, want := range map[string]string{
		"leftpubkey=" + spki[2:]: `f:2:13: malformed leftpubkey "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYw…": ` +
			`expected 0s and base64, or 0x and hex digits, of a public key (RFC 3110 or SubjectPublicKeyInfo)`,
		"rightecdsakey=0x" + strings.Repeat("01", 64): `f:2:16: malformed rightecdsakey "0x…": expected a public key, and no point of P-256`,
	} {
		if _, err := Parse("f", []byte("conn a\n\t"+line+"\n")); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", line, err, want)
		}
	}
}

func TestIdentities(t *testing.T) {
	for _, id := range []string{"192.0.2.1", "@east", "east.example.com", "@#0aff", "u@h", "%fromcert", "%any", "%myid", "C=US, O=Ex, CN=*", "/C=US/CN=x", "asn1dn:#3000"} {
		c, err := Parse("f", []byte("conn a\n\tleftid=\""+id+"\"\n"))
		if err != nil || c.Conn("a").Left.ID != id {
			t.Errorf("%s: %v", id, err)
		}
	}
	for line, want := range map[string]string{
		"leftid=%fromcrt":     `f:2:9: malformed leftid "%fromcrt": expected ` + identityForms + `; did you mean "%fromcert"?`,
		"rightid=\"C=US, X\"": `f:2:11: malformed rightid "C=US, X": expected ` + identityForms,
	} {
		if _, err := Parse("f", []byte("conn a\n\t"+line+"\n")); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", line, err, want)
		}
	}
}
