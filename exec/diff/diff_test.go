package diff

import (
	"slices"
	"strings"
	"testing"
)

// TestCompare has one of each difference, and none where there is none.
func TestCompare(t *testing.T) {
	conn := func(words string) string { return strings.ReplaceAll(words, " ", "\x00") }
	const base = "--psk --encrypt --tunnel --ikev2-allow --host 192.0.2.1 --to --host "
	all := func(Kind) bool { return true }
	for _, c := range []struct {
		name       string
		want, have []Item
		seen       func(Kind) bool
		changes    []string
	}{
		{"the same", []Item{{Network, "route a", "", "f:1", false}}, []Item{{Network, "route a", "", "", true}}, all, nil},
		{"more to have", []Item{{Network, "route a", "", "f:1", false}}, nil, all, []string{"+ route a (f:1)"}},
		{"somebody took it", []Item{{Network, "route a", "", "f:1", false}}, []Item{{Network, "route a", gone, "", true}}, all, []string{"! route a: it was there, and is gone (f:1)"}},
		{"less to have", nil, []Item{{Network, "route a", "", "", true}}, all, []string{"- route a"}},
		{"less to have, and gone", nil, []Item{{Network, "route a", gone, "", true}}, all, nil},
		{"somebody set it", nil, []Item{{Network, "route a", "", "", false}}, all, []string{"! route a: no plan has set it"}},
		{"a setting", []Item{{Setting, "/proc/sys/x", "1", "f:1", false}}, []Item{{Setting, "/proc/sys/x", "0", "", false}}, all, []string{"! /proc/sys/x: 0, start sets 1 (f:1)"}},
		{"down", []Item{{Network, "interface i", "on e mtu 1 up", "", false}}, []Item{{Network, "interface i", "on e mtu 1 down", "", true}}, all, []string{"! interface i: it is down"}},
		{"another link", []Item{{Network, "interface i", "on e mtu 1 up", "", false}}, []Item{{Network, "interface i", "on f mtu 1 up", "", true}}, all,
			[]string{"~ interface i: on f mtu 1 up, wanted on e mtu 1 up"}},
		{"another peer", []Item{{Connection, "conn c", conn(base + "192.0.2.2"), "f:1", false}}, []Item{{Connection, "conn c", conn(base + "192.0.2.3"), "", false}}, all,
			[]string{"~ conn c: right.host is 192.0.2.3, wanted 192.0.2.2 (f:1)"}},
		{"who we are", []Item{{Connection, "conn c", conn("--id %myid " + base + "192.0.2.2"), "", false}}, []Item{{Connection, "conn c", conn("--id @west " + base + "192.0.2.2"), "", false}}, all, nil},
		{"who the peer is, beside who we are", []Item{{Connection, "conn c", conn("--id %myid " + base + "192.0.2.2 --id @a"), "", false}}, []Item{{Connection, "conn c", conn("--id @west " + base + "192.0.2.2 --id @b"), "", false}}, all,
			[]string{"~ conn c: right.id is @b, wanted @a"}},
		{"a weaker filter of all", []Item{{Setting, allLinksFilter, "1", "", false}}, []Item{{Setting, allLinksFilter, "0", "", false}}, all, nil},
		{"a stronger filter of all", []Item{{Setting, allLinksFilter, "0", "", false}}, []Item{{Setting, allLinksFilter, "1", "", false}}, all, []string{"! " + allLinksFilter + ": 1, start sets 0"}},
		{"routed by hand", []Item{{Connection, "conn c", "w", "", false}}, []Item{{Connection, "conn c", "w", "", false}, {Routing, "routing of conn c", asked, "", false}}, all, []string{"- routing of conn c: a start would not route it"}},
		{"routed by an SA", []Item{{Connection, "conn c", "w", "", false}}, []Item{{Connection, "conn c", "w", "", false}, {Routing, "routing of conn c", "", "", false}}, all, nil},
		{"words of nobody", []Item{{Connection, "conn c", conn(base + "192.0.2.2"), "", false}}, []Item{{Connection, "conn c", "--nonsense", "", false}}, all, nil},
		{"not routed", []Item{{Connection, "conn c", "w", "", false}, {Routing, "routing of conn c", "routed", "f:1", false}}, []Item{{Connection, "conn c", "w", "", false}}, all,
			[]string{"! routing of conn c: Pluto has not routed it (f:1)"}},
		{"not loaded, and so not routed", []Item{{Routing, "routing of conn c", "routed", "", false}}, nil, all, nil},
		{"unseen", []Item{{DataPlane, "SA a", "", "", false}, {Network, "route a", "", "", false}}, []Item{{DataPlane, "SA b", "", "", false}},
			func(k Kind) bool { return k != DataPlane }, []string{"+ route a"}},
	} {
		var got []string
		for _, change := range Compare(c.want, c.have, c.seen) {
			got = append(got, change.String())
		}
		if c.name == "words of nobody" { // each field of it differs
			if len(got) < 5 {
				t.Errorf("%s: %q", c.name, got)
			}
			continue
		}
		if !slices.Equal(got, c.changes) {
			t.Errorf("%s: %q, expected %q", c.name, got, c.changes)
		}
	}
}

// TestReport has what both forms say, and colours where they are wanted.
func TestReport(t *testing.T) {
	want := []Item{{DataPlane, "SA a", "", "", false}, {Network, "route a", "", "f:1", false}}
	r := New(true, want, State{Items: []Item{{Network, "route b", "", "", true}}, Unseen: map[Kind]string{DataPlane: "not for you", Connection: "nor this"}})
	var plain, coloured, asJSON strings.Builder
	for _, err := range []error{r.WriteText(&plain, false), r.WriteText(&coloured, true), r.WriteJSON(&asJSON)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var odd strings.Builder
	if err := New(true, nil, State{Items: []Item{{Connection, "conn \x1b[2J\u202e", "", "", false}}}).WriteText(&odd, false); err != nil || strings.ContainsAny(odd.String(), "\x1b\u202e") {
		t.Errorf("%v, %q", err, odd.String())
	}
	if want := "+ route a (f:1)\n- route b\n? not for you\n1 to add, 1 to take away, 0 to change, 0 changed behind the plan's back\n"; plain.String() != want {
		t.Errorf("%q, expected %q", plain.String(), want)
	}
	if !strings.Contains(coloured.String(), "\x1b[32m+ route a (f:1)\x1b[0m\n") || !strings.Contains(asJSON.String(), `"mark": "-"`) || !r.Differs() {
		t.Errorf("%q\n%s", coloured.String(), asJSON.String())
	}
}
