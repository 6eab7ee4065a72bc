package identity

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"unicode"
)

func parsed(t testing.TB, text string) ID {
	t.Helper()
	id, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text   string
		kind   Type
		data   string // of text types; hex after # else
		normal string
	}{
		{"192.0.2.1", TypeIPv4, "#c0000201", "192.0.2.1"},
		{"ipv4:192.0.2.1", TypeIPv4, "#c0000201", "192.0.2.1"},
		{"2001:DB8::1", TypeIPv6, "#20010db8000000000000000000000001", "2001:db8::1"},
		{"@east.example.com", TypeFQDN, "east.example.com", "@east.example.com"},
		{"east.example.com", TypeFQDN, "east.example.com", "@east.example.com"},
		{"fqdn:east", TypeFQDN, "east", "@east"},
		{"dns:#6561", TypeFQDN, "ea", "@ea"},
		{"@192.0.2.1", TypeFQDN, "192.0.2.1", "@192.0.2.1"},
		{"@user@example.com", TypeFQDN, "user@example.com", "@user@example.com"},
		{"user@example.com", TypeUserFQDN, "user@example.com", "user@example.com"},
		{"@@user@example.com", TypeUserFQDN, "user@example.com", "user@example.com"},
		{"email:user@example.com", TypeUserFQDN, "user@example.com", "user@example.com"},
		{"@#0a0B", TypeKeyID, "#0a0b", "@#0a0b"},
		{"@[group one]", TypeKeyID, "group one", "@#67726f7570206f6e65"},
		{"keyid:group", TypeKeyID, "group", "@#67726f7570"},
		{"%any", TypeAny, "", "%any"},
		{"%any6", TypeAny, "", "%any"},
		{"0.0.0.0", TypeAny, "", "%any"},
		{"%fromcert", TypeFromCert, "", "%fromcert"},
		{"%myid", TypeMyID, "", "%myid"},
		{"%null", TypeNull, "", "%null"},
		{"%none", TypeNone, "", "%none"},
		{"C=US, O=Example, CN=x", TypeDN, "", "C=US, O=Example, CN=x"},
		{"/C=US/O=Example, Inc./CN=x", TypeDN, "", `C=US, O=Example\, Inc., CN=x`},
		{`C=US,O="Example, Inc.",CN=x`, TypeDN, "", `C=US, O=Example\, Inc., CN=x`},
		{"countryName=US; commonName=a b ", TypeDN, "", "C=US, CN=a b"},
		{"CN=Jürgen, E=j@example.com", TypeDN, "", "CN=Jürgen, E=j@example.com"},
		{`CN=\4a\c3\bcrgen`, TypeDN, "", "CN=Jürgen"},
		{"OU=a+CN=b, C=US", TypeDN, "", "CN=b+OU=a, C=US"},
		{"CN=C++", TypeDN, "", `CN=C\+\+`},
		{"2.5.4.3=x, 1.3.6.1.4.1.55=y", TypeDN, "", "CN=x, 1.3.6.1.4.1.55=y"},
		{"CN=#1e0400410042", TypeDN, "", "CN=#1e0400410042"},
		{"asn1dn:#300d310b3009060355040613025553", TypeDN, "", "C=US"},
		{"@~300d310b3009060355040613025553", TypeDN, "", "C=US"},
		{"asn1dn:#3000", TypeDN, "#3000", "asn1dn:#3000"},
		{"asn1gn:#8203616263", TypeGN, "#8203616263", "asn1gn:#8203616263"},
		{"CN=*, O=x", TypeDN, "", "CN=*, O=x"},
		{"fqdn:#0a41", TypeFQDN, "\nA", "fqdn:#0a41"},
	} {
		id, err := Parse(tt.text)
		if err != nil || id.Type != tt.kind || id.String() != tt.normal {
			t.Errorf("%s: got type %d, %s, %v, want type %d, %s", tt.text, id.Type, id, err, tt.kind, tt.normal)
			continue
		}
		want := tt.data
		if digits, ok := strings.CutPrefix(want, "#"); ok {
			b, _ := hex.DecodeString(digits)
			want = string(b)
		}
		if want != "" && id.Data != want {
			t.Errorf("%s: data %q, want %q", tt.text, id.Data, want)
		}
		if again := parsed(t, id.String()); !again.Equal(id) {
			t.Errorf("%s: read again as %v", tt.text, again)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                             `malformed identity "": expected an address, @NAME, USER@NAME or a DN such as C=US, O=Example, CN=x`,
		"%anny":                        `malformed identity "%anny": expected %any, %fromcert, %myid, %null or %none`,
		"@":                            `malformed identity "@": expected a name after @`,
		"@#0":                          `malformed identity "@#0": expected an even number of hex digits after #`,
		"C=US, XX=1":                   `malformed identity "C=US, XX=1": unknown type "XX" in the DN: expected one such as C, ST, L, O, OU, CN, E, DC or an OID`,
		"C=US, CN":                     `malformed identity "C=US, CN": expected TYPE=VALUE in each part of the DN, as in C=US, O=Example, CN=x`,
		`CN="x`:                        `malformed identity "CN=\"x": expected a closing quote in the DN`,
		"ipv4:2001:db8::1":             `malformed identity "ipv4:2001:db8::1": the value does not fit the type before it`,
		"ipv6:#00":                     `malformed identity "ipv6:#00": malformed identity of type 5: expected 16 bytes, found 1`,
		"asn1gn:x":                     `malformed identity "asn1gn:x": expected asn1gn:# and hex digits`,
		"asn1dn:#00":                   `malformed identity "asn1dn:#00": malformed distinguished name: expected DER of X.501`,
		"@" + strings.Repeat("x", 600): "",
	} {
		if _, err := Parse(text); err == nil || want != "" && err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}

// A DN is what crypto/x509 makes of the same parts.
func TestDER(t *testing.T) {
	want, err := asn1.Marshal(pkix.RDNSequence{
		{{Type: asn1.ObjectIdentifier{2, 5, 4, 6}, Value: "US"}},
		{{Type: asn1.ObjectIdentifier{2, 5, 4, 10}, Value: "Example"}},
		{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "Jürgen"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := parsed(t, "C=US, O=Example, CN=Jürgen").Data; got != string(want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestPayload(t *testing.T) {
	for _, tt := range []struct {
		kind uint8
		body string
		want string // "" for an error
	}{
		{1, "\xc0\x00\x02\x01", "192.0.2.1"}, {1, "\xc0\x00\x02", ""}, {5, strings.Repeat("\x01", 16), "101:101:101:101:101:101:101:101"}, {5, "", ""},
		{2, "", ""}, {2, "east", "@east"}, {2, "a\x1b[31m\n", "fqdn:#611b5b33316d0a"}, {2, "#00", "fqdn:#233030"}, {2, "x y ", "fqdn:#78207920"},
		{3, "10.0.0.1", "email:#31302e302e302e31"}, {3, "u@h", "u@h"}, {3, "%any", "email:#25616e79"}, {9, "\x30\x00", "asn1dn:#3000"}, {9, "\x30", ""},
		{9, "", ""}, {11, "\x00", "@#00"}, {13, "", "%null"}, {13, "x", ""}, {0, "", ""}, {251, "", ""}, {4, "\x00", ""}, {2, strings.Repeat("x", 513), ""},
	} {
		id, err := FromPayload(tt.kind, []byte(tt.body))
		if (err == nil) != (tt.want != "") || err == nil && id.String() != tt.want {
			t.Errorf("%d %q: got %s, %v, want %s", tt.kind, tt.body, id, err, tt.want)
		}
		if kind, body := id.Payload(); err == nil && (kind != tt.kind || string(body) != tt.body || !id.OnWire()) {
			t.Errorf("%d %q: back as %d %q", tt.kind, tt.body, kind, body)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		id, pattern    string
		equal, matches bool
	}{
		{"@East.example.com", "@east.EXAMPLE.com", true, true},
		{"@east", "@west", false, false},
		{"@ea\u017ft", "@east", false, false}, // a long s
		{"@x.ea\u017ft.example", "@*.east.example", false, false},
		{"u@ea\u017ft", "u@east", false, false},
		{"@east.example.com", "@*.example.com", false, true},
		{"@example.com", "@*.example.com", false, false},
		{"@*.example.com", "@east.example.com", false, false},
		{"u@Example.com", "u@example.com", true, true},
		{"U@example.com", "u@example.com", false, false},
		{"u@example.com", "*@example.com", false, true},
		{"@u@example.com", "*@example.com", false, false},
		{"192.0.2.1", "%any", false, true},
		{"%none", "%any", false, true},
		{"192.0.2.1", "192.0.2.2", false, false},
		{"@192.0.2.1", "192.0.2.1", false, false},
		{"C=US, O=Example, CN=x", "c=us, o=EXAMPLE, cn=X", true, true},
		{"C=US, O=Example  Inc, CN=x", "C=US, O=Example Inc, CN=x", true, true},
		{"CN=Jürgen", "CN=JÜRGEN", true, true},
		{"C=US, O=Example, CN=x", "C=US, O=Example, CN=*", false, true},
		{"C=US, O=Example, CN=*", "C=US, O=Example, CN=x", false, false},
		{"C=US, O=Example, CN=x", "C=US, CN=*, O=Example", false, false},
		{"C=US, O=Example, CN=x", "C=US, O=Example", false, false},
		{"OU=a+CN=b", "CN=b+OU=a", true, true},
		{"CN=#1e0400410042", "CN=#1e0400410042", true, true},
		{"CN=#1e0400410042", "CN=#1e0400410043", false, false},
		{"CN=#0c0178", "CN=x", true, true}, // UTF8String and PrintableString
	} {
		id, pattern := parsed(t, tt.id), parsed(t, tt.pattern)
		if got := id.Equal(pattern); got != tt.equal || pattern.Equal(id) != got {
			t.Errorf("%s equals %s: %v", tt.id, tt.pattern, got)
		}
		if got := id.Canonical() == pattern.Canonical(); got != tt.equal {
			t.Errorf("%s and %s are one key: %v", tt.id, tt.pattern, got)
		}
		if got := id.Matches(pattern); got != tt.matches {
			t.Errorf("%s matches %s: %v", tt.id, tt.pattern, got)
		}
	}
	if a, b := (ID{TypeFQDN, "a\xff"}), (ID{TypeFQDN, "a\xfe"}); a.Equal(b) {
		t.Error("bytes that are no UTF-8 are all the same")
	}
	if FromAddr(netip.MustParseAddr("::ffff:192.0.2.1")) != parsed(t, "192.0.2.1") || !FromAddr(netip.Addr{}).IsZero() {
		t.Error("FromAddr")
	}
}

func FuzzPayload(f *testing.F) {
	f.Add(uint8(1), []byte{192, 0, 2, 1})
	f.Add(uint8(2), []byte("east.example.com"))
	f.Add(uint8(3), []byte("a=b@c"))
	f.Add(uint8(9), []byte("\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02US"))
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		id, err := FromPayload(kind, body)
		if err != nil {
			return
		}
		text := id.String()
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q is not printable", text)
		}
		if again, err := Parse(text); err != nil || !again.Equal(id) {
			t.Fatalf("%q read again: %v, %v", text, again, err)
		}
		if !id.Equal(id) || !id.Matches(Any()) {
			t.Fatal("an identity is not its own")
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"192.0.2.1", "@east", "u@h", "@#00ff", "@[x]", `C=US, O="Ex, x", CN=\4a+OU=y`, "/C=US/CN=*", "%any", "asn1dn:#3000", "keyid:x", "CN=#0c0178"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(id.String())
		if err != nil || !again.Equal(id) || again.String() != id.String() {
			t.Fatalf("%q became %q, then %q, %v", text, id, again, err)
		}
	})
}
