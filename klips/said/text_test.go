package said

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	v4, v6 := netip.MustParseAddr("192.1.2.45"), netip.MustParseAddr("2001:db8::1")
	for _, c := range []struct {
		in   string
		want SAID
		out  string // the canonical form
	}{
		{"esp0x200@192.1.2.45", SAID{v4, 0x200, ESP}, "esp0x200@192.1.2.45"},
		{"esp0X200@192.1.2.45", SAID{v4, 0x200, ESP}, "esp0x200@192.1.2.45"},
		{"esp.200@192.1.2.45", SAID{v4, 0x200, ESP}, "esp0x200@192.1.2.45"},
		{"esp512@192.1.2.45", SAID{v4, 0x200, ESP}, "esp0x200@192.1.2.45"},
		{"tun:201@2001:db8::1", SAID{v6, 0x201, IPIP}, "tun0x201@2001:db8::1"},
		{"tun0x201@2001:0db8::0001", SAID{v6, 0x201, IPIP}, "tun0x201@2001:db8::1"},
		{"ah0xffffffff@192.1.2.45", SAID{v4, 0xffffffff, AH}, "ah0xffffffff@192.1.2.45"},
		{"comp.2@192.1.2.45", SAID{v4, 2, COMP}, "comp0x2@192.1.2.45"},
		{"int.100@0.0.0.0", Shunt(SPIPass), "%pass"},
		{"int257@::", Shunt(SPIDrop), "%drop"},
		{"int0x300@0.0.0.0", Shunt(0x300), "int0x300@0.0.0.0"},
		{"int0x100@192.1.2.45", SAID{v4, SPIPass, INT}, "int0x100@192.1.2.45"},
		{"%reject", Shunt(SPIReject), "%reject"},
		{"%hold", Shunt(SPIHold), "%hold"},
		{"%trap", Shunt(SPITrap), "%trap"},
		{"tun0@0.0.0.0", Passthrough(), "%passthrough"},
		{"tun0x0@::", SAID{netip.IPv6Unspecified(), 0, IPIP}, "tun0x0@::"},
	} {
		got, err := Parse(c.in)
		if err != nil || got != c.want || got.String() != c.out {
			t.Errorf("Parse(%q) = %+v (%s), %v; want %+v (%s)", c.in, got, got, err, c.want, c.out)
		}
	}
}

func TestParseMalformed(t *testing.T) {
	for in, why := range map[string]string{
		"":                          `no "@"`,
		"esp0x200":                  `no "@"`,
		"xyz0x200@192.1.2.45":       "none of",
		"ESP0x200@192.1.2.45":       "none of",
		"esp@192.1.2.45":            "32 bits",
		"esp0x@192.1.2.45":          "32 bits",
		"esp.@192.1.2.45":           "32 bits",
		"esp+5@192.1.2.45":          "32 bits",
		"esp0x100000000@192.1.2.45": "32 bits",
		"esp0x1_0@192.1.2.45":       "32 bits",
		"esp0200@192.1.2.45":        "0x",
		"esp0x200@":                 "not an address",
		"esp0x200@gateway":          "not an address",
		"esp0x200@192.1.2.45@":      "not an address",
		"esp:200@192.1.2.45":        "IPv6 address",
		"esp.200@2001:db8::1":       "IPv4 address",
		"esp0x200@fe80::1%eth0":     "plain",
		"esp0x200@::ffff:192.1.2.4": "plain",
		"%passt":                    "magic",
		"%":                         "magic",
	} {
		if got, err := Parse(in); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("Parse(%q) = %v, %v; want an error that says %q", in, got, err, why)
		}
	}
}

func TestText(t *testing.T) {
	for _, id := range []SAID{{}, Shunt(SPITrap), {netip.MustParseAddr("10.0.0.1"), 7, AH}} {
		text, err := id.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		back := Shunt(1)
		if err := back.UnmarshalText(text); err != nil || back != id {
			t.Errorf("%q is read back as %v, %v", text, back, err)
		}
	}
	var id SAID
	if err := id.UnmarshalText([]byte("nonsense")); err == nil {
		t.Error("nonsense is taken for a SAID")
	}
}

func TestCompare(t *testing.T) {
	ordered := []string{"%pass", "%drop", "esp0x1@10.0.0.1", "esp0x2@10.0.0.1", "ah0x1@10.0.0.1", "esp0x1@10.0.0.2", "esp0x1@::1"}
	for i, a := range ordered {
		for j, b := range ordered {
			x, _ := Parse(a)
			y, _ := Parse(b)
			if c := x.Compare(y); (c < 0) != (i < j) || (c > 0) != (i > j) {
				t.Errorf("%s compared with %s is %d", a, b, c)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"esp0x200@192.1.2.45", "esp.200@1.2.3.4", "tun:201@::1", "%pass", "int256@0.0.0.0", "tun0@0.0.0.0", "comp2@1.2.3.4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := Parse(s)
		if err != nil {
			return
		}
		back, err := Parse(id.String())
		if err != nil || back != id {
			t.Errorf("%q is %+v, written %q, read back as %+v, %v", s, id, id, back, err)
		}
	})
}
