package connection

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipsec/conf/identity"
	"ipsec/klips"
	"ipsec/klips/klipstest"
	"ipsec/klips/said"
	"ipsec/pluto"
	"ipsec/pluto/plutotest"
)

// A world is a table over a kernel of maps, with a negotiator who does nothing by
// itself. It checks after each change to the kernel that no flow which has been
// led into KLIPS is without an eroute there.
type world struct {
	t        *testing.T
	table    *Table
	kernel   *kernel
	neg      *plutotest.Negotiator
	clock    *plutotest.Clock
	rand     io.Reader
	updown   *updown
	resolver *resolver
	reports  []pluto.Report
	serial   int
}

// kernel is the klipstest.Table, watched, whose call number failing fails.
type kernel struct {
	*klipstest.Table
	calls, failing int
	after          func(what string)
}

type updown struct {
	did            []string
	led            map[klips.Selector]int // flows that are routed into KLIPS, by how many
	calls, failing int
	after          func(what string)
}

type resolver struct{ asked []string }

func (r *resolver) Resolve(name string) { r.asked = append(r.asked, name) }

func (u *updown) Do(verb Verb, c *pluto.Connection, f klips.Selector, virtual string, _ Others) error {
	u.calls++
	u.did = append(u.did, fmt.Sprintf("%s %v %v %s", verb, c, f.Dst, virtual))
	if u.calls == u.failing {
		if verb == Undo { // whose packets drop from then on, which is nobody's harm
			delete(u.led, f)
		}
		return errors.New("exit status 1")
	}
	switch verb {
	case ToRoute:
		u.led[f]++
	case Undo:
		if u.led[f]--; u.led[f] <= 0 {
			delete(u.led, f)
		}
	}
	u.after(string(verb))
	return nil
}

func (k *kernel) ReplaceEroute(e klips.Eroute) error {
	err := k.Table.ReplaceEroute(e)
	k.after("ReplaceEroute")
	return err
}

func (k *kernel) DelEroute(s klips.Selector) error {
	err := k.Table.DelEroute(s)
	k.after("DelEroute")
	return err
}

func (k *kernel) DelSA(id said.SAID) error {
	err := k.Table.DelSA(id)
	k.after("DelSA")
	return err
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, kernel: &kernel{Table: klipstest.New(klips.Settings{})}, neg: &plutotest.Negotiator{}, clock: plutotest.NewClock(),
		rand:   plutotest.Random(1, "table"),
		updown: &updown{led: map[klips.Selector]int{}}, resolver: &resolver{},
	}
	w.kernel.Rand = plutotest.Random(1, "tunnels")
	w.kernel.after, w.updown.after = w.check, w.check
	w.kernel.Fault = func(method string) error {
		if method == "ListEroutes" || method == "ListSAs" {
			return nil
		}
		if w.kernel.calls++; w.kernel.calls == w.kernel.failing {
			return syscall.EIO
		}
		return nil
	}
	w.restart()
	return w
}

// restart puts a new worker in the place of the old one, over the same kernel.
func (w *world) restart() {
	private, err := ParsePrivate("%v4:192.168.0.0/16,%v4:!192.168.7.0/24")
	if err != nil {
		w.t.Fatal(err)
	}
	w.neg.Take()
	w.table = New(Config{
		Kernel: w.kernel, Clock: w.clock, Rand: w.rand, Updown: w.updown, Resolver: w.resolver, Private: private,
		Report: func(r pluto.Report) { w.reports = append(w.reports, r) },
	})
	w.table.Drive(w.neg)
	w.neg.Terminating = func(c *pluto.Connection) {
		for _, b := range w.table.inOrder() {
			if b.child.Conn == c {
				w.table.Remove(b.child, pluto.DeletedHere)
			}
		}
	}
}

// check fails the test when packets that are led into KLIPS meet no eroute there,
// or one that lets them pass.
func (w *world) check(what string) {
	eroutes := w.eroutes()
	for f := range w.updown.led {
		id, ok := eroutes[f]
		if !ok || id == said.Shunt(said.SPIPass) {
			w.t.Errorf("after %s: %v -> %v is routed into KLIPS and meets %q there", what, f.Src, f.Dst, id)
		}
	}
}

func (w *world) eroutes() map[klips.Selector]said.SAID {
	list, err := w.kernel.ListEroutes()
	if err != nil {
		w.t.Fatal(err)
	}
	found := map[klips.Selector]said.SAID{}
	for _, e := range list {
		found[e.Selector] = e.SAID
	}
	return found
}

// seen returns what the kernel has: each eroute and what it leads to, by its
// protocol for an SA, and how many SAs there are.
func (w *world) seen() string {
	var list []string
	for f, id := range w.eroutes() {
		text := id.String()
		if id.Proto != said.INT {
			text = id.Proto.String()
		}
		list = append(list, fmt.Sprintf("%v %s", f.Dst, text))
	}
	slices.Sort(list)
	sas, _ := w.kernel.ListSAs()
	return strings.Join(append(list, fmt.Sprintf("%d SAs", len(sas))), ", ")
}

func (w *world) want(what, state string) {
	w.t.Helper()
	if got := w.seen(); got != state {
		w.t.Errorf("%s: the kernel has %s, want %s", what, got, state)
	}
}

func (w *world) called(what string, calls ...string) {
	w.t.Helper()
	if got := w.neg.Take(); !slices.Equal(got, calls) {
		w.t.Errorf("%s: the negotiator was asked for %q, want %q", what, got, calls)
	}
}

func (w *world) routing(what, name string, routing Routing) {
	w.t.Helper()
	for _, s := range w.table.Status() {
		if s.Conn.Name == name && s.Conn.Instance == 0 {
			if s.Routing != routing {
				w.t.Errorf("%s: %s is %s, want %s", what, name, s.Routing, routing)
			}
			return
		}
	}
	w.t.Errorf("%s: there is no %s", what, name)
}

func (w *world) pass(d time.Duration) {
	end := w.clock.Now().Add(d)
	for range 10000 {
		at, ok := w.table.Next()
		if !ok || at.After(end) {
			break
		}
		if at.After(w.clock.Now()) {
			w.clock.Advance(at.Sub(w.clock.Now()))
		}
		w.table.Tick()
	}
	w.clock.Advance(end.Sub(w.clock.Now()))
}

// who returns the identity that a peer says it is.
func who(text string) identity.ID {
	id, err := identity.Parse(text)
	if err != nil {
		panic(err)
	}
	return id
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

var ours = []Address{{addr("192.0.2.1"), "ipsec0"}, {addr("198.51.100.1"), "ipsec1"}}

// net returns a connection between two networks, and host between two hosts.
func network(name string) *pluto.Connection {
	c := plutotest.Conn(name, "192.0.2.1", "10.1.0.0/16", "192.0.2.9", "10.2.0.0/16")
	c.KeyingTries = 0
	return c
}

// add loads connections, with our addresses known.
func (w *world) add(conns ...*pluto.Connection) {
	w.t.Helper()
	w.table.Listen(ours)
	for _, c := range conns {
		if err := w.table.Add(c); err != nil {
			w.t.Fatal(err)
		}
	}
}

// conn returns the oriented connection of that name.
func (w *world) conn(name string) *pluto.Connection { return w.table.names[name].conn }

// child negotiates a Child SA of c, for its flows or those given.
func (w *world) child(c *pluto.Connection, flows ...klips.Selector) *pluto.Child {
	w.serial++
	if len(flows) == 0 {
		flows = flowsOf(c)
	}
	spi, err := w.table.ReserveSPI(said.ESP, c.Remote.Host.Addr, c.Local.Host.Addr)
	if err != nil {
		spi = 0x9000 + uint32(w.serial)
	}
	keys := func(spi uint32) pluto.ChildKeys {
		return pluto.ChildKeys{SPI: spi, Enc: "aesgcm16", EncKey: make([]byte, 20)}
	}
	return &pluto.Child{
		Conn: c, Serial: w.serial, Protocol: said.ESP, Local: c.Local.Host.Addr, Remote: c.Remote.Host.Addr,
		In: keys(spi), Out: keys(0xc0000000 + uint32(w.serial)), Flows: flows,
	}
}

// up brings c up.
func (w *world) up(c *pluto.Connection, flows ...klips.Selector) *pluto.Child {
	w.t.Helper()
	child := w.child(c, flows...)
	if err := w.table.Install(child, true); err != nil {
		w.t.Fatal(err)
	}
	return child
}

func (w *world) acquire(name string) {
	f := flowsOf(w.conn(name))[0]
	packet := klips.Selector{Src: netip.PrefixFrom(f.Src.Addr().Next(), 32), Dst: netip.PrefixFrom(f.Dst.Addr().Next(), 32), Proto: 6, SrcPort: 4000, DstPort: 80}
	w.table.Event(klips.Acquire{Packet: packet, Trap: f})
}

// code returns the number of a refusal, 0 for none.
func code(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// sorted returns the flows that updown has led into KLIPS.
func (u *updown) flows() string {
	var list []string
	for f := range maps.Keys(u.led) {
		list = append(list, f.Dst.String())
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
