package versions_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/plutotest"
	"ipsec/pluto/versions"
)

// timed is a Negotiator that awaits a moment, and has states.
type timed struct {
	plutotest.Negotiator
	at     time.Time
	states []pluto.State
}

func (t *timed) Next() (time.Time, bool) { return t.at, !t.at.IsZero() }
func (t *timed) States() []pluto.State   { return t.states }

// world is a version 2 that connections begin with, and a version 1 beside it.
func world() (all *versions.All, two, one *timed) {
	two, one = &timed{}, &timed{}
	all = versions.New(
		versions.Version{Major: 2, Negotiator: two, Speaks: func(c *pluto.Connection) bool { return c.Versions.IKEv2 }},
		versions.Version{Major: 1, Negotiator: one, Speaks: func(c *pluto.Connection) bool { return c.Versions.IKEv1 }},
	)
	return all, two, one
}

// TestReceive hands messages to the version in their header, and all others to the highest.
func TestReceive(t *testing.T) {
	message := func(version byte) []byte {
		b := make([]byte, 28)
		b[17] = version
		return b
	}
	for _, tt := range []struct {
		name     string
		payload  []byte
		two, one int
	}{
		{"version 2", message(0x20), 1, 0},
		{"version 2.1", message(0x21), 1, 0},
		{"version 1", message(0x10), 0, 1},
		{"version 3", message(0x30), 1, 0},
		{"version 0", message(0), 1, 0},
		{"a keepalive", []byte{0xff}, 1, 0},
		{"nothing", nil, 1, 0},
	} {
		all, two, one := world()
		all.Receive(pluto.Datagram{Payload: tt.payload})
		if len(two.Calls) != tt.two || len(one.Calls) != tt.one {
			t.Errorf("%s: version 2 got %v, version 1 %v", tt.name, two.Calls, one.Calls)
		}
	}
}

// TestInitiate has a connection begin with the first version that it allows.
func TestInitiate(t *testing.T) {
	for _, tt := range []struct {
		allows   pluto.Versions
		two, one int
	}{
		{pluto.Versions{IKEv1: true, IKEv2: true}, 1, 0},
		{pluto.Versions{IKEv2: true}, 1, 0},
		{pluto.Versions{IKEv1: true}, 0, 1},
		{pluto.Versions{}, 1, 0},
	} {
		all, two, one := world()
		all.Initiate(&pluto.Connection{Name: "net", Versions: tt.allows}, nil)
		if len(two.Calls) != tt.two || len(one.Calls) != tt.one {
			t.Errorf("%+v: version 2 got %v, version 1 %v", tt.allows, two.Calls, one.Calls)
		}
	}
}

// TestAll has what concerns all versions reach each, and their answers be joined.
func TestAll(t *testing.T) {
	all, two, one := world()
	if _, any := all.Next(); any {
		t.Error("something is awaited")
	}
	one.at = time.Unix(5, 0)
	if at, any := all.Next(); !any || !at.Equal(one.at) {
		t.Errorf("%v is awaited, expected %v", at, one.at)
	}
	two.at = time.Unix(3, 0)
	if at, _ := all.Next(); !at.Equal(two.at) {
		t.Errorf("%v is awaited, expected %v", at, two.at)
	}
	all.Terminate(&pluto.Connection{Name: "net"})
	all.Rekey(&pluto.Child{Serial: 4})
	all.Moved(&pluto.Child{Serial: 4}, netip.MustParseAddrPort("192.0.2.1:4500"))
	all.Shutdown()
	want := []string{`terminate "net"`, "rekey #4", "moved #4 192.0.2.1:4500", "shutdown"}
	if !slices.Equal(two.Calls, want) || !slices.Equal(one.Calls, want) {
		t.Errorf("version 2 got %v, version 1 %v, expected %v", two.Calls, one.Calls, want)
	}
	two.states = []pluto.State{{Serial: 1}, {Serial: 4}}
	one.states = []pluto.State{{Serial: 2}, {Serial: 3}}
	for i, s := range all.States() {
		if s.Serial != i+1 {
			t.Errorf("state %d has number %d", i, s.Serial)
		}
	}
	var serials versions.Serials
	if a, b := serials.Next(), serials.Next(); a != 1 || b != 2 {
		t.Errorf("numbers %d and %d", a, b)
	}
}
