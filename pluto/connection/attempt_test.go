package connection

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/pluto"
)

// TestRetry has attempts fail.
func TestRetry(t *testing.T) {
	w := newWorld(t)
	c := network("net")
	c.KeyingTries, c.FailureShunt = 3, pluto.ShuntReject
	w.add(c)
	if err := w.table.Initiate("net"); err != nil {
		t.Fatal(err)
	}
	w.called("initiate", `initiate "net"`)
	w.want("initiate", trapped)
	w.table.Failed(w.conn("net"), errors.New("no answer"))
	w.acquire("net") // which waits like everybody
	w.pass(firstRetry - time.Second)
	w.called("before the second attempt")
	w.pass(time.Second)
	w.called("second attempt", `initiate "net"`)
	w.table.Failed(w.conn("net"), errors.New("no answer"))
	w.pass(2 * firstRetry)
	w.called("third attempt", `initiate "net"`)
	if s := w.table.Status()[0]; s.Attempts != 2 || s.LastError != "no answer" || !s.Wanted {
		t.Errorf("status %+v", s)
	}
	w.table.Failed(w.conn("net"), errors.New("no answer"))
	w.routing("given up", "net", Failing)
	w.want("given up", "10.2.0.0/16 %reject, 0 SAs")
	w.pass(failureTime)
	w.called("given up")
	w.want("later", trapped)
	w.acquire("net")
	w.called("a packet", `initiate "net" for 10.1.0.1/32 -> 10.2.0.1/32`)
	w.up(w.conn("net"))
	if s := w.table.Status()[0]; s.Attempts != 0 || s.LastError != "" {
		t.Errorf("up, with status %+v", s)
	}

	forever := network("forever")
	forever.Local.Clients = []netip.Prefix{prefix("10.3.0.0/16")}
	w.add(forever)
	w.table.Initiate("forever")
	for range 12 {
		w.neg.Take()
		w.table.Failed(w.conn("forever"), errors.New("no answer"))
		w.pass(lastRetry)
		w.called("another attempt", `initiate "forever"`)
	}
}

func TestNegotiationShunt(t *testing.T) {
	w := newWorld(t)
	c := network("net")
	c.NegotiationShunt = pluto.ShuntPass
	w.add(c)
	w.kernel.after = func(string) {} // it lets packets pass, as it was told to
	w.updown.after = func(string) {}
	w.table.Initiate("net")
	w.want("negotiated", "10.2.0.0/16 %pass, 0 SAs")
	w.up(w.conn("net"))
	w.want("up", "10.2.0.0/16 tun, 4 SAs")
}

// TestGone has Child SAs go for each reason.
func TestGone(t *testing.T) {
	dpd := func(action pluto.DPDAction) pluto.DPD { return pluto.DPD{Delay: time.Second, Action: action} }
	for _, c := range []struct {
		name   string
		why    pluto.Reason
		dpd    pluto.DPD
		wanted bool
		after  time.Duration
		calls  []string
		state  string
	}{
		{"deleted by the peer", pluto.DeletedByPeer, pluto.DPD{}, false, time.Hour, nil, trapped},
		{"deleted by the peer, wanted", pluto.DeletedByPeer, pluto.DPD{}, true, deletedTime, []string{`initiate "net"`}, trapped},
		{"expired", pluto.Expired, pluto.DPD{}, false, time.Hour, nil, trapped},
		{"expired, wanted", pluto.Expired, pluto.DPD{}, true, 0, []string{`initiate "net"`}, trapped},
		{"expired, wanted, rekey=no", pluto.Expired, pluto.DPD{}, true, time.Hour, nil, trapped},
		{"deleted here", pluto.DeletedHere, pluto.DPD{}, true, time.Hour, nil, trapped},
		{"dead, without dpd", pluto.PeerDead, pluto.DPD{}, true, 0, []string{`initiate "net"`}, trapped},
		{"dead, hold", pluto.PeerDead, dpd(pluto.DPDHold), true, time.Hour, nil, trapped},
		{"dead, clear", pluto.PeerDead, dpd(pluto.DPDClear), false, time.Hour, nil, "0 SAs"},
		{"dead, restart", pluto.PeerDead, dpd(pluto.DPDRestart), false, 0, []string{`initiate "net"`}, trapped},
		{"dead, restart by peer", pluto.PeerDead, dpd(pluto.DPDRestartByPeer), false, 0, []string{`initiate "net"`}, trapped},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			conn := network("net")
			conn.DPD, conn.Rekey = c.dpd, !strings.Contains(c.name, "rekey=no")
			w.add(conn)
			if c.wanted {
				w.table.Initiate("net")
			}
			child := w.up(w.conn("net"))
			w.neg.Take()
			w.table.Remove(child, c.why)
			w.called("before Tick")
			w.pass(c.after)
			w.called("then", c.calls...)
			w.want("then", c.state)
		})
	}
}

func TestRestartByPeer(t *testing.T) {
	w := newWorld(t)
	a, b, c := network("a"), network("b"), network("c")
	a.DPD = pluto.DPD{Delay: time.Second, Action: pluto.DPDRestartByPeer}
	b.Local.Clients = []netip.Prefix{prefix("10.3.0.0/16")}
	c.Local.Clients = []netip.Prefix{prefix("10.4.0.0/16")}
	w.add(a, b, c)
	child := w.up(w.conn("a"))
	w.up(w.conn("b"))
	w.table.Remove(child, pluto.PeerDead)
	w.pass(0)
	w.called("dead", `initiate "a"`, `initiate "b"`)
}

// TestExpire has SAs reach their lifetimes.
func TestExpire(t *testing.T) {
	w := newWorld(t)
	w.add(network("net"))
	child := w.up(w.conn("net"))
	id := w.outOf(child)
	w.table.Event(klips.Expire{ID: id})
	w.called("soft", "rekey #1")
	w.want("soft", "10.2.0.0/16 tun, 4 SAs")
	w.table.Event(klips.Expire{ID: id, Hard: true})
	w.table.Event(klips.Expire{ID: w.table.bundles[child].in[0], Hard: true})
	w.called("hard", "rekey #1")
	w.want("hard", "10.2.0.0/16 %trap, 4 SAs")
	w.acquire("net")
	w.called("a packet meanwhile")
	w.up(w.conn("net"))
	w.table.Remove(child, pluto.Replaced)
	w.want("up again", "10.2.0.0/16 tun, 4 SAs")
}

// TestInitiateUp has a connection brought up that is up, in part or wholly: only what is
// not is negotiated.
func TestInitiateUp(t *testing.T) {
	for _, c := range []struct {
		name  string
		flows []klips.Selector
		calls []string
	}{
		{name: "all of it"},
		{name: "narrowed by the peer", flows: []klips.Selector{{Src: prefix("10.1.5.0/24"), Dst: prefix("10.2.0.0/16")}}, calls: []string{`initiate "net"`}},
	} {
		w := newWorld(t)
		w.add(network("net"))
		child := w.up(w.conn("net"), c.flows...)
		w.reports = nil
		if err := w.table.Initiate("net"); err != nil {
			t.Fatal(err)
		}
		w.called(c.name, c.calls...)
		told := len(w.reports) == 1 && w.reports[0].Outcome == pluto.Up && w.reports[0].Code == pluto.RCSuccess
		if told != (len(c.calls) == 0) {
			t.Errorf("%s: reports %v", c.name, w.reports)
		}
		// That it is to be up counts all the same.
		w.table.Remove(child, pluto.Expired)
		w.pass(0)
		if c.calls == nil {
			w.called("after its end", `initiate "net"`)
		}
	}
}
