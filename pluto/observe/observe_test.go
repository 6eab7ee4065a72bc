package observe_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/klips/klipstest"
	"ipsec/klips/said"
	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/observe"
	"ipsec/pluto/plutotest"
	"ipsec/pluto/versions"
)

const secret = "a canary that must not sing"

// still is an Updown that does nothing.
type still struct{}

func (still) Do(connection.Verb, *pluto.Connection, klips.Selector, string, connection.Others) error {
	return nil
}

// host is a Pluto with all decorators, as the daemon puts them.
type host struct {
	pluto.Negotiator
	*observe.Observer
	table *connection.Table
	keys  [][]byte // of the SAs that were installed
	lines []string
}

// keyed notes the keys of SAs.
type keyed struct {
	*klipstest.Table
	h *host
}

func (k keyed) Install(bundles ...klips.Bundle) ([][]said.SAID, error) {
	for _, b := range bundles {
		k.h.keys = append(k.h.keys, b.EncKey, b.AuthKey)
	}
	return k.Table.Install(bundles...)
}

// world runs west and east until the connection of both is up, has been rekeyed and taken down.
func world(t *testing.T, words ...string) (west, east *host) {
	t.Helper()
	return worldOf(t, false, func(*host, func(time.Duration)) {}, words...)
}

// worldOf is world, with west behind a NAT or not, and with something that happens during the
// negotiation; it may let time pass.
func worldOf(t *testing.T, behindNAT bool, during func(west *host, run func(time.Duration)), words ...string) (west, east *host) {
	t.Helper()
	clock := plutotest.NewClock()
	net := plutotest.NewNetwork(clock, 1)
	run := plutotest.World{Clock: clock, Actors: []plutotest.Actor{net}}
	if behindNAT {
		net.Translate(netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("192.0.2.1"))
	}
	conn := plutotest.Conn("net", "192.0.2.1", "10.1.0.0/16", "192.0.2.2", "10.2.0.0/16")
	conn.DPD.Delay = 30 * time.Second
	conn.ChildLifetime, conn.RekeyMargin = 10*time.Minute, time.Minute
	make := func(name, addr string, c *pluto.Connection) *host {
		h := &host{}
		h.Observer = observe.New(func(line string) { h.lines = append(h.lines, line) })
		h.Select(words)
		report := h.Reporter(func(pluto.Report) {})
		h.table = connection.New(connection.Config{
			Kernel: h.Kernel(keyed{klipstest.New(klips.Settings{}), h}), Clock: clock, Rand: plutotest.Random(1, name), Report: report, Updown: still{},
		})
		machine := ikev2.New(ikev2.Config{
			Serial: new(versions.Serials).Next, Clock: clock, Rand: plutotest.Random(2, name), Transport: h.Transport(net.Port()),
			Connections: h.Connections(h.table), Credentials: plutotest.Shared(secret), Report: report,
		})
		h.Negotiator = h.Observer.Negotiator(machine)
		h.table.Drive(h.Negotiator)
		h.table.Listen([]connection.Address{{Addr: netip.MustParseAddr(addr), Virtual: "ipsec0"}})
		if err := h.table.Add(c); err != nil {
			t.Fatal(err)
		}
		net.Attach(netip.MustParseAddr(addr), h.Receive)
		run.Actors = append(run.Actors, h, h.table)
		return h
	}
	peer := conn.Reversed()
	if behindNAT {
		peer.Remote.Host = pluto.Host{Kind: pluto.HostAny}
	}
	west, east = make("west", "192.0.2.1", conn), make("east", "192.0.2.2", peer)
	if err := west.table.Initiate("net"); err != nil {
		t.Fatal(err)
	}
	during(west, func(d time.Duration) { run.Run(d) })
	run.Run(20 * time.Minute)
	if err := west.table.Terminate("net"); err != nil {
		t.Fatal(err)
	}
	run.Run(2 * time.Minute)
	return west, east
}

// TestTopics has each topic say something of a negotiation, and nothing without it.
func TestTopics(t *testing.T) {
	if west, _ := world(t); len(west.lines) != 0 {
		t.Errorf("without topics, %d lines:\n%s", len(west.lines), strings.Join(west.lines, "\n"))
	}
	for topic, want := range map[string]string{
		"raw": "| sent ", "parsing": "IKE_AUTH response 1", "emitting": "IKE_SA_INIT request 0", "control": `| initiate "net"`,
		"lifecycle": `| "net" #2: set esp`, "klips": "| install esp0x", "kernel": "| install esp0x", "dpd": "a packet last came in",
	} {
		t.Run(topic, func(t *testing.T) {
			west, _ := world(t, topic)
			if !slices.ContainsFunc(west.lines, func(line string) bool { return strings.Contains(line, want) }) {
				t.Errorf("no line has %q:\n%s", want, strings.Join(west.lines, "\n"))
			}
		})
	}
}

// TestTopicsDuring turns topics on and off while a negotiation is under way: what comes after is said, and
// nothing else.
func TestTopicsDuring(t *testing.T) {
	var before, on, off int
	west, _ := worldOf(t, false, func(west *host, run func(time.Duration)) {
		run(5 * time.Millisecond) // IKE_SA_INIT is on its way
		before = len(west.lines)
		west.Select([]string{"parsing", "emitting"})
		run(10 * time.Second)
		on = len(west.lines)
		west.Select(nil)
		run(time.Minute)
		off = len(west.lines)
	})
	text := strings.Join(west.lines, "\n")
	if before != 0 || on == 0 || off != on || len(west.lines) != off {
		t.Errorf("%d lines before the topics are on, %d while they are, %d after:\n%s", before, on, len(west.lines)-on, text)
	}
	if strings.Contains(text, "IKE_SA_INIT request") || !strings.Contains(text, "IKE_SA_INIT response") || !strings.Contains(text, "IKE_AUTH response") {
		t.Errorf("expected IKE_AUTH and the response of IKE_SA_INIT, not its request:\n%s", text)
	}
}

// TestTopicNAT has the topic natt speak of keepalives from behind a NAT.
func TestTopicNAT(t *testing.T) {
	west, east := worldOf(t, true, func(*host, func(time.Duration)) {}, "natt")
	for name, h := range map[string]*host{"| keepalive 192.0.2.1:4500 -> 192.0.2.2:4500": west, "| keepalive 192.0.2.2:4500 <- 198.51.100.1:": east} {
		if !slices.ContainsFunc(h.lines, func(line string) bool { return strings.HasPrefix(line, name) }) {
			t.Errorf("no line begins with %q:\n%s", name, strings.Join(h.lines[:min(20, len(h.lines))], "\n"))
		}
	}
}

// TestSilence has all topics on, and finds neither the secret nor a key in any line.
func TestSilence(t *testing.T) {
	west, east := world(t, "all", "private", "crypt")
	for name, h := range map[string]*host{"west": west, "east": east} {
		text := strings.Join(h.lines, "\n")
		if len(h.lines) < 50 || len(h.keys) < 4 {
			t.Fatalf("%s: %d lines, %d keys", name, len(h.lines), len(h.keys))
		}
		secrets := append(h.keys, []byte(secret))
		for _, s := range secrets {
			if len(s) == 0 {
				continue
			}
			for _, form := range []string{string(s), hex.EncodeToString(s), fmt.Sprint(s)} {
				if strings.Contains(text, form) {
					t.Errorf("%s: a secret is in a line", name)
				}
			}
		}
	}
}

// TestCounts compares what two ends have counted of the same negotiation.
func TestCounts(t *testing.T) {
	west, east := world(t)
	w, e := west.Counts(), east.Counts()
	if w.Sent != e.Received || e.Sent != w.Received || w.Sent < 5 {
		t.Errorf("west sent %d and got %d, east sent %d and got %d", w.Sent, w.Received, e.Sent, e.Received)
	}
	if w.Initiated != 1 || e.Initiated != 0 || w.Failed+e.Failed != 0 {
		t.Errorf("west %+v, east %+v", w, e)
	}
	if w.Installed < 2 || w.Installed != w.Removed || e.Installed != w.Installed || e.Removed != e.Installed {
		t.Errorf("west %+v, east %+v", w, e)
	}
}

// TestSelect returns the words that select nothing.
func TestSelect(t *testing.T) {
	o := observe.New(func(string) {})
	if idle := o.Select([]string{"all", "crypt", "netkey", "impair-bust-mi2"}); !slices.Equal(idle, []string{"crypt", "impair-bust-mi2"}) {
		t.Errorf("%v select nothing", idle)
	}
}

// lost is a Transport over which nothing goes.
type lost struct{}

func (lost) Send(pluto.Datagram) error { return errors.New("lost") }

// TestUnsent counts what could not be sent, and says why.
func TestUnsent(t *testing.T) {
	var lines []string
	o := observe.New(func(line string) { lines = append(lines, line) })
	o.Select([]string{"emitting", "natt"})
	transport := o.Transport(lost{})
	for _, payload := range [][]byte{make([]byte, 28), {0xff}} {
		if err := transport.Send(pluto.Datagram{Payload: payload}); err == nil {
			t.Error("the error is lost, too")
		}
	}
	if c := o.Counts(); c.Unsent != 1 || c.Sent != 0 || len(lines) != 2 || !strings.HasSuffix(lines[0], ": lost") {
		t.Errorf("%+v, %q", c, lines)
	}
}
