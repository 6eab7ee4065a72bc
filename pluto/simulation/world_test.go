package simulation

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/plutotest"
)

// world is nodes on a network, and what is to happen to them.
type world struct {
	plutotest.World
	t          *testing.T
	seed       uint64
	rand       *rand.Rand
	net        *plutotest.Network
	nodes      []*node
	nats       map[netip.Addr]*plutotest.NAT // by the address outside
	uniqueIDs  bool
	faults     float64    // how often the kernel refuses
	misfortune *rand.Rand // when it does; apart, so that what happens does not depend on how often it is asked
	limits     ikev2.Limits
	gate       *gate // where there is one
	crowded    bool  // so many connections that eroutes are not looked at at each step
	serial     int64 // of the last certificate
	start      time.Time
	lines      []string
	failed     int
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 7))}
	w.misfortune = rand.New(rand.NewPCG(seed, 11))
	w.nats = map[netip.Addr]*plutotest.NAT{}
	w.Clock = plutotest.NewClock()
	w.start = w.Clock.Now()
	w.net = plutotest.NewNetwork(w.Clock, seed)
	w.Actors = []plutotest.Actor{w.net}
	return w
}

func (w *world) log(format string, args ...any) {
	const most = 20000
	if len(w.lines) < most {
		w.lines = append(w.lines, fmt.Sprintf("%9.3f ", w.Clock.Now().Sub(w.start).Seconds())+fmt.Sprintf(format, args...))
	}
}

func (w *world) fail(format string, args ...any) {
	w.log("FAILED: "+format, args...)
	if w.failed++; w.failed <= 5 {
		w.t.Errorf("after %v: "+format, append([]any{w.Clock.Now().Sub(w.start)}, args...)...)
	}
}

func (w *world) add(name, addr string) *node {
	n := &node{name: name, addr: netip.MustParseAddr(addr), world: w, wanted: map[string]bool{}, store: plutotest.Shared("one for all")}
	w.nodes = append(w.nodes, n)
	w.Actors = append(w.Actors, n)
	return n
}

// chance is true so often.
func (w *world) chance(p float64) bool { return w.rand.Float64() < p }

// between returns a time from least up to most.
func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.rand.Int64N(int64(most-least)))
}

func pick[T any](w *world, list ...T) T { return list[w.rand.IntN(len(list))] }

// heal makes the network perfect and waits until all that was lost has been noticed, then
// for a moment in which nothing is under way.
func (w *world) heal() {
	w.net.Conditions = plutotest.Conditions{MinDelay: 5 * time.Millisecond, MaxDelay: 5 * time.Millisecond}
	w.net.Watch = nil
	w.faults = 0
	for _, n := range w.nodes {
		if n.rogue && n.alive() {
			w.log("-- %s goes", n.name)
			n.crash()
		}
	}
	w.Run(6 * time.Minute)
	for range 1000 {
		w.Run(7 * time.Second)
		if _, busy := w.net.Next(); !busy && w.settled() {
			return
		}
	}
	w.fail("no quiet moment in two hours")
}

// settled reports whether no node is waiting for an answer or about to delete something.
func (w *world) settled() bool {
	for _, n := range w.nodes {
		if !n.alive() {
			continue
		}
		for _, s := range n.machine.States() {
			if s.Name != "STATE_V2_ESTABLISHED_IKE_SA" && s.Name != "STATE_V2_ESTABLISHED_CHILD_SA" ||
				s.Text != "established IKE SA" && s.Text != "IPsec SA established" {
				return false
			}
		}
	}
	return true
}

// check holds the invariants of a quiet moment.
func (w *world) check() {
	children := map[[2]uint32][]*pluto.Child{} // by the SPIs in and out
	for _, n := range w.nodes {
		if !n.alive() {
			continue
		}
		n.checkEroutes()
		for spis, c := range n.live() {
			children[spis] = append(children[spis], c)
		}
	}
	w.checkPairs(children)
	for _, n := range w.nodes {
		if n.alive() {
			w.checkWanted(n)
			w.checkHalfOpen(n)
			w.checkUnique(n)
		}
	}
}

// checkPairs looks for the other end of each Child SA.
func (w *world) checkPairs(children map[[2]uint32][]*pluto.Child) {
	for spis, list := range children {
		for _, c := range list {
			others := children[[2]uint32{spis[1], spis[0]}]
			i := slices.IndexFunc(others, func(o *pluto.Child) bool {
				return o != c && string(o.Out.EncKey) == string(c.In.EncKey) && string(o.In.EncKey) == string(c.Out.EncKey) &&
					string(o.Out.AuthKey) == string(c.In.AuthKey) && string(o.In.AuthKey) == string(c.Out.AuthKey)
			})
			if i < 0 {
				w.fail("%v #%d <%08x >%08x: the peer does not have it, or not with the same keys (%d with these SPIs)", c.Conn, c.Serial, spis[0], spis[1], len(others))
				continue
			}
			if o := others[i]; o.Mode != c.Mode || o.ESN != c.ESN || len(o.Flows) != len(c.Flows) {
				w.fail("%v #%d: the peer sees it otherwise: %v %v %v, %v %v %v", c.Conn, c.Serial, c.Mode, c.ESN, c.Flows, o.Mode, o.ESN, o.Flows)
			}
		}
	}
}

// checkWanted looks whether what was brought up is up.
func (w *world) checkWanted(n *node) {
	for _, st := range n.table.Status() {
		wanted := st.Wanted || n.wanted[st.Conn.Name] && st.Conn.DPD.Action != pluto.DPDHold
		if wanted && st.Conn.Instance == 0 && st.Owner == 0 && st.Instances == 0 && w.reachable(st.Conn) {
			w.fail("%s: %v is to be up, and no SA carries its packets (%v, %v, wanted %v, retry %v, last error %q)", n.name, st.Conn, st.Routing, st.Shunt, st.Wanted, st.Retry, st.LastError)
		}
	}
	if have, want := n.kernelSAs(), 2*w.installed(n); have != want {
		w.fail("%s: %d SAs in the kernel, %d are accounted for", n.name, have, want)
	}
}

func (w *world) installed(n *node) int {
	count := 0
	for _, st := range n.table.Status() {
		count += len(st.Children)
	}
	return count
}

// reachable reports whether the peer of a connection is there.
func (w *world) reachable(c *pluto.Connection) bool {
	return slices.ContainsFunc(w.nodes, func(n *node) bool { return n.addr == c.Remote.Host.Addr && n.alive() })
}

func (w *world) checkHalfOpen(n *node) {
	for _, s := range n.machine.States() {
		if !strings.HasPrefix(s.Name, "STATE_V2_ESTABLISHED") {
			w.fail("%s: #%d is still in %s", n.name, s.Serial, s.Name)
		}
	}
}

// checkUnique looks for an IKE SA all of whose packets another carries, too, where uniqueids=yes says that there is one.
func (w *world) checkUnique(n *node) {
	const grace = 15 * time.Second // in which a reauthentication ends
	carried := map[int][]string{}  // by IKE SA
	fresh := map[int]bool{}
	for _, s := range n.machine.States() {
		if fresh[s.Serial] = w.Clock.Now().Sub(s.Since) < grace; s.Child != nil && s.Text == "IPsec SA established" {
			for _, f := range s.Child.Flows {
				carried[s.Parent] = append(carried[s.Parent], fmt.Sprint(s.Conn, " ", f.Src, " ", f.Dst))
			}
		}
	}
	parents := slices.Sorted(maps.Keys(carried))
	for _, a := range parents {
		for _, b := range parents {
			has, other := carried[a], carried[b]
			within := !slices.ContainsFunc(has, func(f string) bool { return !slices.Contains(other, f) })
			if w.uniqueIDs && a != b && within && !fresh[a] && !fresh[b] {
				w.fail("%s: all of IKE SA #%d goes by #%d, too: %v", n.name, a, b, has)
			}
		}
	}
}
