package secrets

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"ipsec/conf/identity"
)

func party(t testing.TB, id, addr string) Party {
	t.Helper()
	var p Party
	var err error
	if id != "" {
		if p.ID, err = identity.Parse(id); err != nil {
			t.Fatal(err)
		}
	}
	if addr != "" {
		p.Addr = netip.MustParseAddr(addr)
	}
	return p
}

func TestLookup(t *testing.T) {
	const all = `: PSK "none"
%any : PSK "any"
%any @them : PSK "them any"
@us : PSK "us alone"
@us %any : PSK "us any"
@us @them : PSK "both"
@other @third : PSK "other"
`
	without := func(words ...string) string {
		text := ""
	line:
		for l := range strings.Lines(all) {
			for _, w := range words {
				if strings.Contains(l, `"`+w+`"`) {
					continue line
				}
			}
			text += l
		}
		return text
	}
	us, them := party(t, "@us", "192.0.2.1"), party(t, "@them", "192.0.2.2")
	for _, tt := range []struct {
		text     string
		us, them Party
		want     string
	}{
		{all, us, them, "both"},
		{all, them, us, "both"},
		{without("both"), us, them, "us any"},
		{without("both", "us any"), us, them, "us alone"},
		{without("both", "us any", "us alone"), us, them, "them any"},
		{without("both", "us any", "us alone", "them any"), us, them, "any"},
		{": PSK \"none\"\n@us @third : PSK \"x\"\n", us, them, "none"},
		{"@us @third : PSK \"x\"\n@third @them : PSK \"y\"\n", us, them, ""},
		{"@them : PSK \"them\"\n", us, them, "them"},
		// By address, by pattern.
		{"192.0.2.1 192.0.2.2 : PSK \"addresses\"\n", us, them, "addresses"},
		{"192.0.2.1 192.0.2.2 : PSK \"addresses\"\n@us @them : PSK \"names\"\n", us, them, "names"},
		{"192.0.2.1 @them : PSK \"mixed\"\n192.0.2.1 192.0.2.2 : PSK \"addresses\"\n", us, them, "mixed"},
		{"192.0.2.1 %any : PSK \"x\"\n", us, Party{}, "x"},
		{"@us *@example.com : PSK \"wild\"\n@us %any : PSK \"any\"\n", us, party(t, "u@example.com", ""), "wild"},
		{"\"CN=US\" \"O=x, CN=*\" : PSK \"dn\"\n", party(t, "CN=us", ""), party(t, "O=x, CN=y", ""), "dn"},
		{"@US @Them : PSK \"case\"\n", us, them, "case"},
		{"@us : PSK \"same\"\n", us, us, "same"},
		// Many that fit alike.
		{"@us @them : PSK \"1\"\n@them @us : PSK \"2\"\n@us @them : PSK \"3\"\n", us, them, "1 not 2"},
		{"@us @them : PSK \"1\"\n@them @us : PSK \"1\"\n", us, them, "1"},
		{"%any : PSK \"1\"\n%any : PSK \"2\"\n@us @them : PSK \"3\"\n", us, them, "3"},
		// Of another kind.
		{"@us : XAUTH \"x\"\n", us, them, ""},
		{"", us, them, ""},
	} {
		s, err := load(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		found, clash := s.Lookup(PSK, tt.us, tt.them)
		got := ""
		if found != nil {
			got = string(found.Bytes())
		}
		if clash != nil {
			got += " not " + string(clash.Bytes())
		}
		if got != tt.want {
			t.Errorf("%v and %v: got %q, want %q, of\n%s", tt.us, tt.them, got, tt.want, tt.text)
		}
	}
	if found, clash := new(Secrets).Lookup(PSK, us, them); found != nil || clash != nil {
		t.Error("the zero Secrets has an entry")
	}
}

func BenchmarkLookup(b *testing.B) {
	var text strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&text, "192.0.2.1 @peer%d : PSK \"%d\"\n", i, i)
	}
	s, err := load(text.String())
	if err != nil {
		b.Fatal(err)
	}
	us, them := party(b, "192.0.2.1", "192.0.2.1"), party(b, "@peer7777", "198.51.100.1")
	b.ReportAllocs()
	for b.Loop() {
		if found, _ := s.Lookup(PSK, us, them); string(found.Bytes()) != "7777" {
			b.Fatal("wrong entry")
		}
	}
}
