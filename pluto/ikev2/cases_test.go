package ikev2_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ipsec/conf/identity"
	"ipsec/conf/proposal"
	"ipsec/pluto"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/plutotest"
)

func ike(t testing.TB, text string) proposal.List {
	l, err := proposal.ParseIKE(text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func esp(t *testing.T, text string) proposal.List {
	l, err := proposal.ParseESP(text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func id(t *testing.T, text string) identity.ID {
	i, err := identity.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// up brings the first connection of west up.
func (w *world) up() {
	w.t.Helper()
	w.west.Initiate(w.west.conns.All[0], nil)
	w.Run(3 * time.Second)
	w.check(1)
}

// TestFailures holds what a person is told when a connection does not come up: one line
// on the side that failed, which names the cause.
func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		name       string
		west, east func(*pluto.Connection)
		secret     string // of east
		wantWest   string
		wantEast   string
		ikeStands  bool
	}{
		{name: "wrong PSK", secret: "another", wantWest: "AUTHENTICATION_FAILED", wantEast: "shared key"},
		{name: "no proposal of IKE", west: func(c *pluto.Connection) { c.IKE = ike(t, "aes128-sha1-modp2048") }, east: func(c *pluto.Connection) { c.IKE = ike(t, "aes256-sha256-modp2048") },
			wantWest: "NO_PROPOSAL_CHOSEN (it accepts none of our proposals, or has no connection for us)", wantEast: "no proposal chosen: the peer offers aes128-prfsha1-sha1"},
		{name: "no proposal of ESP", west: func(c *pluto.Connection) { c.ESP = esp(t, "aes128-sha1") }, east: func(c *pluto.Connection) { c.ESP = esp(t, "aes256gcm16") },
			wantWest: "the peer refused the Child SA in IKE_AUTH: NO_PROPOSAL_CHOSEN", wantEast: "no proposal chosen: the peer offers aes128-sha1", ikeStands: true},
		{name: "no selector", east: func(c *pluto.Connection) { c.Local.Clients = []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")} },
			wantWest: "the peer refused the Child SA in IKE_AUTH: TS_UNACCEPTABLE", wantEast: "no acceptable traffic selector", ikeStands: true},
		{name: "unknown identity", west: func(c *pluto.Connection) { c.Local.ID = id(t, "@stranger") },
			wantWest: "AUTHENTICATION_FAILED", wantEast: "no connection for a peer that says it is @stranger"},
		{name: "wrong responder", east: func(c *pluto.Connection) { c.Local.ID = id(t, "@other") }, wantWest: "the peer says that it is @other, expected 192.0.2.2", wantEast: "AUTHENTICATION_FAILED"},
		{name: "no connection", east: func(c *pluto.Connection) {
			c.Remote.Host.Addr = netip.MustParseAddr("192.0.2.77")
		}, wantWest: "NO_PROPOSAL_CHOSEN", wantEast: "no connection with IKEv2 is loaded for this peer"},
		{name: "mode", west: func(c *pluto.Connection) { c.Local.Clients, c.Remote.Clients = nil, nil }, east: func(c *pluto.Connection) {
			c.Mode = pluto.TransportMode
			c.Local.Clients, c.Remote.Clients = nil, nil
		}, wantWest: "TS_UNACCEPTABLE", wantEast: "type=transport", ikeStands: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := subnets()
			other := conn.Reversed()
			if tt.west != nil {
				tt.west(conn)
			}
			if tt.east != nil {
				tt.east(other)
			}
			east := ikev2.Config{}
			if tt.secret != "" {
				east.Credentials = plutotest.Shared(tt.secret)
			}
			w := newWorldOf(t, ikev2.Config{}, east, []*pluto.Connection{conn}, []*pluto.Connection{other})
			w.west.Initiate(conn, nil)
			w.Run(30 * time.Second)
			w.check(0)
			for side, h := range map[string]*host{tt.wantWest: w.west, tt.wantEast: w.east} {
				n := 0
				for _, line := range h.reports {
					if strings.Contains(line, side) {
						n++
					}
				}
				if n != 1 {
					t.Errorf("%d lines say %q:\n%s", n, side, w.log())
				}
			}
			if len(w.west.conns.Failures) != 1 || w.west.last != pluto.Failed {
				t.Errorf("failures of west: %q, %v", w.west.conns.Failures, w.west.last)
			}
			w.Run(100 * time.Second)
			want := 0
			if tt.ikeStands {
				want = 1
			}
			if a, b := w.west.established(t), w.east.established(t); a != want || b != want {
				t.Errorf("west has %d IKE SAs, east %d, expected %d\n%s", a, b, want, w.log())
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	w := newWorld(t, subnets())
	w.net.Attach(w.east.addr, nil)
	w.west.Initiate(w.west.conns.All[0], nil)
	w.Run(60 * time.Second)
	if len(w.west.conns.Failures) != 0 {
		t.Errorf("given up after a minute:\n%s", w.log())
	}
	w.Run(10 * time.Second)
	if len(w.west.conns.Failures) != 1 || !strings.Contains(w.west.conns.Failures[0], "no answer from 192.0.2.2:500") {
		t.Errorf("failures %q", w.west.conns.Failures)
	}
	if w.net.Sent != 7 || len(w.west.States()) != 0 {
		t.Errorf("%d messages sent, %d states left", w.net.Sent, len(w.west.States()))
	}
}

func TestRekeyChild(t *testing.T) {
	for _, tt := range []struct {
		name    string
		initial func(w *world)
	}{
		{"west", func(w *world) { w.west.Rekey(w.west.conns.Children[0]) }},
		{"east", func(w *world) { w.east.Rekey(w.east.conns.Children[0]) }},
		{"both", func(w *world) {
			w.west.Rekey(w.west.conns.Children[0])
			w.east.Rekey(w.east.conns.Children[0])
		}},
		{"both, one later", func(w *world) {
			w.west.Rekey(w.west.conns.Children[0])
			w.Run(15 * time.Millisecond)
			w.east.Rekey(w.east.conns.Children[0])
		}},
	} {
		for _, pfs := range []bool{true, false} {
			t.Run(tt.name, func(t *testing.T) {
				conn := subnets()
				conn.PFS = pfs
				w := newWorld(t, conn)
				w.up()
				w.Run(10 * time.Second) // until east may be sure that west knows of it
				old := w.west.conns.Children[0].In.SPI
				tt.initial(w)
				w.Run(20 * time.Second)
				w.check(1)
				if w.west.conns.Children[0].In.SPI == old {
					t.Errorf("not rekeyed:\n%s", w.log())
				}
				if len(w.west.conns.InUse) != 1 || len(w.east.conns.InUse) != 1 {
					t.Errorf("in use: west %d, east %d\n%s", len(w.west.conns.InUse), len(w.east.conns.InUse), w.log())
				}
			})
		}
	}
}

func TestRekeyIKE(t *testing.T) {
	for _, tt := range []struct {
		name       string
		west, east bool
		pause      time.Duration
	}{
		{"west", true, false, 0},
		{"east", false, true, 0},
		{"both", true, true, 0},
		{"both, one later", true, true, 15 * time.Millisecond},
		{"both, one after the other", true, true, 25 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, subnets())
			w.up()
			old := w.west.States()[0].SPIs
			if tt.west {
				w.west.RekeyIKE(w.west.conns.All[0])
			}
			w.Run(tt.pause)
			if tt.east {
				w.east.RekeyIKE(w.east.conns.All[0])
			}
			w.Run(5 * time.Second)
			w.check(1)
			if a, b := w.west.established(t), w.east.established(t); a != 1 || b != 1 {
				t.Fatalf("west has %d IKE SAs, east %d\n%s", a, b, w.log())
			}
			if a, b := w.west.States()[0].SPIs, w.east.States()[0].SPIs; a == old || a != b && tt.pause < 25*time.Millisecond {
				t.Errorf("SPIs %v and %v, before %v\n%s", a, b, old, w.log())
			}
			// What is asked for goes by the new one.
			w.west.Rekey(w.west.conns.Children[0])
			w.Run(20 * time.Second)
			w.check(1)
		})
	}
}

func TestLifetimes(t *testing.T) {
	for _, reauth := range []bool{false, true} {
		conn := subnets()
		conn.Reauth = reauth
		conn.IKELifetime, conn.ChildLifetime = time.Hour, 20*time.Minute
		conn.DPD.Delay = 30 * time.Second
		w := newWorld(t, conn)
		w.up()
		for range 24 {
			w.Run(15 * time.Minute)
			if len(w.west.conns.InUse) == 0 || len(w.east.conns.InUse) == 0 {
				t.Fatalf("reauth %v: down after %v\n%s", reauth, w.Clock.Now(), w.log())
			}
		}
		// No two of them are rekeyed for ever.
		if n := len(w.west.conns.Children); n > 2 {
			t.Errorf("reauth %v: %d Child SAs\n%s", reauth, n, w.log())
		}
	}
}

func TestPeerRestarts(t *testing.T) {
	w := newWorld(t, subnets())
	w.up()
	// West is killed, and comes again without a memory.
	w.west.conns.Children = nil
	w.Actors = w.Actors[:1]
	w.Actors = append(w.Actors, w.east)
	w.west = w.host(3, "west2", westAddr, ikev2.Config{}, w.west.conns.All...)
	w.up()
	w.Run(100 * time.Second)
	w.check(1)
	if n := w.east.established(t); n != 1 {
		t.Errorf("east has %d IKE SAs\n%s", n, w.log())
	}
}

func TestDeadPeer(t *testing.T) {
	conn := subnets()
	conn.DPD.Delay = 10 * time.Second
	w := newWorld(t, conn)
	w.up()
	w.net.Attach(w.east.addr, nil)
	w.Run(2 * time.Minute)
	if len(w.west.conns.Children) != 0 || len(w.west.conns.Removed) != 1 || w.west.conns.Removed[0] != pluto.PeerDead {
		t.Errorf("west has %d Child SAs, removed %v\n%s", len(w.west.conns.Children), w.west.conns.Removed, w.log())
	}
}

// dpdtimeout= ends the wait for an answer, however often a request would be sent.
func TestDeadPeerTimeout(t *testing.T) {
	conn := subnets()
	conn.DPD.Delay, conn.DPD.Timeout = 2*time.Second, 3*time.Second
	w := newWorld(t, conn)
	w.up()
	w.net.Attach(w.east.addr, nil)
	w.Run(4 * time.Second)
	if len(w.west.conns.Children) != 1 {
		t.Errorf("west has %d Child SAs, too early\n%s", len(w.west.conns.Children), w.log())
	}
	w.Run(2 * time.Second)
	if len(w.west.conns.Children) != 0 {
		t.Errorf("west has %d Child SAs\n%s", len(w.west.conns.Children), w.log())
	}
}
