package simulation

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/klipstest"
	"ipsec/klips/said"
	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/plutotest"
	"ipsec/pluto/versions"
)

// node is a host that runs Pluto.
type node struct {
	name    string
	addr    netip.Addr
	world   *world
	conns   []*pluto.Connection // as loaded
	wanted  map[string]bool     // connections that are to be up
	kernel  *klipstest.Table
	table   *connection.Table
	machine *ikev2.Machine
	routed  map[klips.Selector]int
	lives   int  // so many times has it started
	asked   bool // a person is asking, who would see an error and ask again
	store   ikev2.Credentials
	rogue   bool // it goes before the end
}

// quiet is an Updown that remembers what has been led into KLIPS.
type quiet struct{ n *node }

// Do implements connection.Updown.
func (q quiet) Do(verb connection.Verb, _ *pluto.Connection, flow klips.Selector, _ string, _ connection.Others) error {
	switch verb {
	case connection.ToRoute:
		q.n.routed[flow]++
	case connection.Undo:
		if q.n.routed[flow]--; q.n.routed[flow] <= 0 {
			delete(q.n.routed, flow)
		}
	}
	return nil
}

// kernel is one that draws SPIs as the real one does, so that none comes again soon.
type kernel struct {
	*klipstest.Table
	rand *rand.Rand
}

// GetSPI implements pluto.Kernel.
func (k kernel) GetSPI(proto said.Proto, src, dst netip.Addr, low, high uint32) (uint32, error) {
	return k.Table.GetSPI(proto, src, dst, low+uint32(k.rand.Int64N(int64(high-low))), high)
}

// boot starts Pluto with an empty memory and an empty kernel.
func (n *node) boot() {
	n.lives++
	n.kernel, n.routed = klipstest.New(klips.Settings{}), map[klips.Selector]int{}
	w := n.world
	n.kernel.Rand = plutotest.Random(w.seed, fmt.Sprintf("%s %d tunnels", n.name, n.lives))
	n.kernel.Fault = func(method string) error {
		switch method {
		case "AddSA", "UpdateSA", "GetSPI", "GroupSAs", "AddGroups", "ReplaceEroute":
			if !n.asked && w.faults > 0 && w.misfortune.Float64() < w.faults {
				return syscall.ENOBUFS
			}
		}
		return nil
	}
	n.asked = true
	report := func(r pluto.Report) {
		w.log("%s: %03d %v #%d: %s", n.name, r.Code, r.Conn, r.Serial, r.Text)
		if w.gate != nil && w.gate.hub == n {
			w.gate.heard(r)
		}
		if r.Code == pluto.RCInternal && strings.Contains(r.Text, "which must not be") {
			w.t.Errorf("seed %d: %s: %s", w.seed, n.name, r.Text)
		}
	}
	private, err := connection.ParsePrivate("%v4:172.16.0.0/12")
	if err != nil {
		w.t.Fatal(err)
	}
	n.table = connection.New(connection.Config{Kernel: kernel{n.kernel, rand.New(rand.NewPCG(w.seed, uint64(binary.BigEndian.Uint32(n.addr.AsSlice()))<<8|uint64(n.lives)))}, Clock: w.Clock, Rand: plutotest.Random(w.seed, fmt.Sprintf("%s %d SPIs", n.name, n.lives)), Report: report, Updown: quiet{n}, Private: private})
	n.machine = ikev2.New(ikev2.Config{
		Serial: new(versions.Serials).Next,
		Clock:  w.Clock, Rand: plutotest.Random(w.seed, fmt.Sprintf("%s %d", n.name, n.lives)), Transport: w.net.Port(),
		Connections: n.table, Credentials: n.store, Report: report, UniqueIDs: w.uniqueIDs,
		Limits: w.limits,
	})
	n.table.Drive(n.machine)
	n.table.Listen([]connection.Address{{Addr: n.addr, Virtual: "ipsec0"}})
	for _, c := range n.conns {
		if err := n.table.Add(c); err != nil {
			w.t.Fatalf("%s: %v", n.name, err)
		}
	}
	n.plug()
	defer func() { n.asked = false }()
	for _, c := range n.conns {
		switch {
		case n.wanted[c.Name]:
			n.start(c.Name)
		case c.Remote.Host.Kind == pluto.HostAddr:
			if err := n.table.Route(c.Name); err != nil {
				w.t.Fatalf("%s: %v", n.name, err)
			}
		}
	}
}

func (n *node) start(name string) {
	defer func(before bool) { n.asked = before }(n.asked)
	n.wanted[name], n.asked = true, true
	if err := n.table.Initiate(name); err != nil {
		n.world.t.Errorf("%s: initiate %s: %v", n.name, name, err)
	}
}

func (n *node) stop(name string) {
	delete(n.wanted, name)
	if err := n.table.Terminate(name); err != nil {
		n.world.t.Errorf("%s: terminate %s: %v", n.name, name, err)
	}
}

// plug puts it on the network.
func (n *node) plug() {
	n.world.net.Attach(n.addr, func(d pluto.Datagram) {
		n.machine.Receive(d)
		n.world.checkProofs()
	})
}

// crash takes Pluto and the kernel away without a word.
func (n *node) crash() {
	n.world.net.Attach(n.addr, nil)
	n.machine, n.table = nil, nil
	if g := n.world.gate; g != nil && g.hub == n {
		clear(g.serials)
	}
}

// shutdown ends Pluto in order.
func (n *node) shutdown() {
	n.machine.Shutdown()
	n.table.Shutdown()
	n.crash()
}

func (n *node) alive() bool { return n.machine != nil }

// Next implements plutotest.Actor.
func (n *node) Next() (time.Time, bool) {
	if !n.alive() {
		return time.Time{}, false
	}
	a, ok := n.machine.Next()
	b, also := n.table.Next()
	if also && (!ok || b.Before(a)) {
		return b, true
	}
	return a, ok
}

// Tick implements plutotest.Actor.
func (n *node) Tick() {
	if !n.alive() {
		return
	}
	n.machine.Tick()
	n.table.Tick()
	if !n.world.crowded {
		n.checkEroutes()
	}
	n.world.checkProofs()
}

// checkEroutes fails the test when packets that are led into KLIPS could leave in the clear,
// or meet nothing.
func (n *node) checkEroutes() {
	eroutes, _ := n.kernel.ListEroutes()
	have := map[klips.Selector]klips.Eroute{}
	for _, e := range eroutes {
		have[e.Selector] = e
	}
	for flow := range n.routed {
		e, ok := have[flow]
		switch {
		case !ok:
			n.world.fail("%s: no eroute for %v -> %v, which is routed into KLIPS", n.name, flow.Src, flow.Dst)
		case e.Shunt() == klips.ShuntPass:
			n.world.fail("%s: %v -> %v passes in the clear", n.name, flow.Src, flow.Dst)
		case e.Shunt() == klips.ShuntNone:
			if _, err := n.kernel.GetSA(e.SAID); err != nil && n.world.faults == 0 { // or it drops, until the kernel takes another
				n.world.fail("%s: %v -> %v goes to an SA that is not there: %v", n.name, flow.Src, flow.Dst, err)
			}
		}
	}
}

// live returns the Child SAs that are neither replaced nor being deleted, by the SPIs in and out.
func (n *node) live() map[[2]uint32]*pluto.Child {
	list := map[[2]uint32]*pluto.Child{}
	if n.alive() {
		for _, s := range n.machine.States() {
			if s.Child != nil && s.Text == "IPsec SA established" {
				list[[2]uint32{s.Child.In.SPI, s.Child.Out.SPI}] = s.Child
			}
		}
	}
	return list
}

// kernelSAs counts the SAs of IPsec in the kernel.
func (n *node) kernelSAs() int {
	list, _ := n.kernel.ListSAs()
	count := 0
	for _, sa := range list {
		if sa.ID.Proto == said.ESP || sa.ID.Proto == said.AH {
			count++
		}
	}
	return count
}
