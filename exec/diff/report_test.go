package diff

import (
	"slices"
	"strings"
	"testing"

	"ipsec/plan/change"
)

// TestCompare has one of each difference, and none where there is none.
func TestCompare(t *testing.T) {
	conn := func(words string) string { return strings.ReplaceAll(words, " ", "\x00") }
	const base = "--psk --encrypt --tunnel --ikev2-allow --host 192.0.2.1 --to --host "
	var all map[change.Kind]string // is seen
	const allFilter = "/proc/sys/net/ipv4/conf/all/rp_filter"
	for _, c := range []struct {
		name       string
		want, have []change.Item
		unseen     map[change.Kind]string
		changes    []string
	}{
		{"the same", []change.Item{item(change.Network, "route a", "", "f:1", false)}, []change.Item{item(change.Network, "route a", "", "", true)}, all, nil},
		{"more to have", []change.Item{item(change.Network, "route a", "", "f:1", false)}, nil, all, []string{"+ route a (f:1)"}},
		{"somebody took it", []change.Item{item(change.Network, "route a", "", "f:1", false)}, []change.Item{item(change.Network, "route a", change.Gone, "", true)}, all, []string{"! route a: it was there, and is gone (f:1)"}},
		{"less to have", nil, []change.Item{item(change.Network, "route a", "", "", true)}, all, []string{"- route a"}},
		{"less to have, and gone", nil, []change.Item{item(change.Network, "route a", change.Gone, "", true)}, all, nil},
		{"somebody set it", nil, []change.Item{item(change.Network, "route a", "", "", false)}, all, []string{"! route a: no plan has set it"}},
		{"a setting", []change.Item{item(change.Setting, "/proc/sys/x", "1", "f:1", false)}, []change.Item{item(change.Setting, "/proc/sys/x", "0", "", false)}, all, []string{"! /proc/sys/x: 0, start sets 1 (f:1)"}},
		{"down", []change.Item{item(change.Network, "interface i", "on e mtu 1 up", "", false)}, []change.Item{item(change.Network, "interface i", "on e mtu 1 down", "", true)}, all, []string{"! interface i: it is down"}},
		{"another link", []change.Item{item(change.Network, "interface i", "on e mtu 1 up", "", false)}, []change.Item{item(change.Network, "interface i", "on f mtu 1 up", "", true)}, all,
			[]string{"~ interface i: on f mtu 1 up, wanted on e mtu 1 up"}},
		{"another peer", []change.Item{item(change.Connection, "conn c", conn(base+"192.0.2.2"), "f:1", false)}, []change.Item{item(change.Connection, "conn c", conn(base+"192.0.2.3"), "", false)}, all,
			[]string{"~ conn c: right.host is 192.0.2.3, wanted 192.0.2.2 (f:1)"}},
		{"who we are", []change.Item{item(change.Connection, "conn c", conn("--id %myid "+base+"192.0.2.2"), "", false)}, []change.Item{item(change.Connection, "conn c", conn("--id @west "+base+"192.0.2.2"), "", false)}, all, nil},
		{"who the peer is, beside who we are", []change.Item{item(change.Connection, "conn c", conn("--id %myid "+base+"192.0.2.2 --id @a"), "", false)}, []change.Item{item(change.Connection, "conn c", conn("--id @west "+base+"192.0.2.2 --id @b"), "", false)}, all,
			[]string{"~ conn c: right.id is @b, wanted @a"}},
		{"other keys", []change.Item{item(change.DataPlane, "SA a", "aes", "f:1", false)}, []change.Item{item(change.DataPlane, "SA a", "aes", "", false).WithOtherKeys()}, all, []string{"~ SA a: it has other keys than ipsec.conf (f:1)"}},
		{"a weaker filter of all", []change.Item{item(change.Setting, allFilter, "1", "", false)}, []change.Item{item(change.Setting, allFilter, "0", "", false)}, all, nil},
		{"a stronger filter of all", []change.Item{item(change.Setting, allFilter, "0", "", false)}, []change.Item{item(change.Setting, allFilter, "1", "", false)}, all, []string{"! " + allFilter + ": 1, start sets 0"}},
		{"routed by hand", []change.Item{item(change.Connection, "conn c", "w", "", false)}, []change.Item{item(change.Connection, "conn c", "w", "", false), item(change.Routing, "routing of conn c", change.Asked, "", false)}, all, []string{"- routing of conn c: a start would not route it"}},
		{"routed by an SA", []change.Item{item(change.Connection, "conn c", "w", "", false)}, []change.Item{item(change.Connection, "conn c", "w", "", false), item(change.Routing, "routing of conn c", "", "", false)}, all, nil},
		{"words of nobody", []change.Item{item(change.Connection, "conn c", conn(base+"192.0.2.2"), "", false)}, []change.Item{item(change.Connection, "conn c", "--nonsense", "", false)}, all, nil},
		{"not routed", []change.Item{item(change.Connection, "conn c", "w", "", false), item(change.Routing, "routing of conn c", "routed", "f:1", false)}, []change.Item{item(change.Connection, "conn c", "w", "", false)}, all,
			[]string{"! routing of conn c: Pluto has not routed it (f:1)"}},
		{"not loaded, and so not routed", []change.Item{item(change.Routing, "routing of conn c", "routed", "", false)}, nil, all, nil},
		{"unseen", []change.Item{item(change.DataPlane, "SA a", "", "", false), item(change.Network, "route a", "", "", false)}, []change.Item{item(change.DataPlane, "SA b", "", "", false)},
			map[change.Kind]string{change.DataPlane: "not for you"}, []string{"+ route a"}},
	} {
		var got []string
		for _, one := range New(true, c.want, change.State{Items: c.have, Unseen: c.unseen}).Changes {
			got = append(got, one.String())
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

func item(kind change.Kind, object, value, reason string, noted bool) change.Item {
	return change.Item{Kind: kind, Object: object, Value: value, Reason: reason, Noted: noted}
}

// TestReport has what both forms say, and colours where they are wanted.
func TestReport(t *testing.T) {
	want := []change.Item{item(change.DataPlane, "SA a", "", "", false), item(change.Network, "route a", "", "f:1", false)}
	r := New(true, want, change.State{Items: []change.Item{item(change.Network, "route b", "", "", true)}, Unseen: map[change.Kind]string{change.DataPlane: "not for you", change.Connection: "nor this"}})
	var plain, coloured, asJSON strings.Builder
	for _, err := range []error{r.WriteText(&plain, false), r.WriteText(&coloured, true), r.WriteJSON(&asJSON)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var odd strings.Builder
	if err := New(true, nil, change.State{Items: []change.Item{item(change.Connection, "conn \x1b[2J\u202e", "", "", false)}}).WriteText(&odd, false); err != nil || strings.ContainsAny(odd.String(), "\x1b\u202e") {
		t.Errorf("%v, %q", err, odd.String())
	}
	if want := "+ route a (f:1)\n- route b\n? not for you\n1 to add, 1 to take away, 0 to change, 0 changed behind the plan's back\n"; plain.String() != want {
		t.Errorf("%q, expected %q", plain.String(), want)
	}
	if !strings.Contains(coloured.String(), "\x1b[32m+ route a (f:1)\x1b[0m\n") || !strings.Contains(asJSON.String(), `"mark": "-"`) || !r.Differs() {
		t.Errorf("%q\n%s", coloured.String(), asJSON.String())
	}
}
