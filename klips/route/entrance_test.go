package route

import (
	"net/netip"
	"strings"
	"testing"
)

// TestEntrances has conns share a network by one interface, and none take it to another.
func TestEntrances(t *testing.T) {
	user := func(conn, host string) User { return User{conn, netip.MustParseAddr(host)} }
	to := func(dst, link string) Route { return Route{Dst: netip.MustParsePrefix(dst), Link: link} }
	var e Entrances
	for _, step := range []struct {
		what    string
		who     User
		r       Route
		refused string // whose it is
	}{
		{"the first", user("a", "192.0.2.1"), to("10.2.0.0/16", "ipsec0"), ""},
		{"another by the same interface", user("b", "192.0.2.1"), to("10.2.0.0/16", "ipsec0"), ""},
		{"by another interface", user("c", "198.51.100.1"), to("10.2.0.0/16", "ipsec1"), "a"},
		{"a part of it", user("c", "198.51.100.1"), to("10.2.3.0/24", "ipsec1"), ""},
		{"whose address has moved", user("b", "192.0.2.1"), to("10.2.0.0/16", "ipsec2"), ""},
		{"which now has two users", user("c", "198.51.100.1"), to("10.2.0.0/16", "ipsec2"), "a"},
	} {
		err := e.Refuse(step.who, []Route{to("10.99.0.0/16", step.r.Link), step.r})
		if (err != nil) != (step.refused != "") || err != nil && !strings.Contains(err.Error(), `for conn "`+step.refused+`"`) {
			t.Errorf("%s: %v, expected that of %q", step.what, err, step.refused)
		}
		if err == nil {
			e.Add(step.who, step.r)
		}
	}
	e.Remove(user("a", "192.0.2.1"), to("10.2.0.0/16", "ipsec0"))
	e.Remove(user("b", "192.0.2.1"), to("10.2.0.0/16", "ipsec0"))
	if err := e.Refuse(user("c", "198.51.100.1"), []Route{to("10.2.0.0/16", "ipsec1")}); err == nil || !strings.Contains(err.Error(), "by ipsec2") {
		t.Errorf("b has moved to ipsec2, and c may have it by ipsec1: %v", err)
	}
	e.Remove(user("b", "192.0.2.1"), to("10.2.0.0/16", "ipsec2"))
	if err := e.Refuse(user("c", "198.51.100.1"), []Route{to("10.2.0.0/16", "ipsec1")}); err != nil {
		t.Errorf("nobody has it, and c may not: %v", err)
	}
	e.Remove(user("c", "198.51.100.1"), to("10.2.3.0/24", "ipsec1"))
	if len(e.to) > 0 {
		t.Errorf("%v is left", e.to)
	}
}
