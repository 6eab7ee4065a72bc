package ikev2_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/plutotest"
	"ipsec/pluto/versions"
)

// host is a Machine with all that it stands on.
type host struct {
	*ikev2.Machine
	conns   *plutotest.Connections
	reports []string
	last    pluto.Outcome
	addr    netip.Addr
}

// world is two hosts, west and east, and a network between them.
type world struct {
	plutotest.World
	t          *testing.T
	net        *plutotest.Network
	west, east *host
}

func (w *world) host(seed uint64, name, addr string, c ikev2.Config, conns ...*pluto.Connection) *host {
	h := &host{addr: netip.MustParseAddr(addr), conns: &plutotest.Connections{All: conns}}
	c.Clock, c.Transport, c.Connections = w.Clock, w.net.Port(), h.conns
	if c.Rand == nil {
		c.Rand = plutotest.Random(seed, name)
	}
	if c.Credentials == nil {
		c.Credentials = plutotest.Shared("a secret")
	}
	c.Serial = new(versions.Serials).Next
	c.Report = func(r pluto.Report) {
		if strings.Contains(r.Text, "which must not be") {
			w.t.Errorf("%s: %s", name, r.Text)
		}
		line := fmt.Sprintf("%03d %s %v #%d: %s", r.Code, name, r.Conn, r.Serial, r.Text)
		h.reports = append(h.reports, line)
		if r.Outcome != pluto.Pending {
			h.last = r.Outcome
		}
		if testing.Verbose() {
			w.t.Logf("%s %s", w.Clock.Now().Format("04:05.000"), line)
		}
	}
	h.Machine = ikev2.New(c)
	w.net.Attach(h.addr, h.Receive)
	w.Actors = append(w.Actors, h)
	return h
}

const (
	westAddr, eastAddr = "192.0.2.1", "192.0.2.2"
	westNet, eastNet   = "10.1.0.0/16", "10.2.0.0/16"
)

// newWorld returns west and east with conn, as west sees it.
func newWorld(t *testing.T, conn *pluto.Connection) *world {
	return newWorldOf(t, ikev2.Config{}, ikev2.Config{}, []*pluto.Connection{conn}, []*pluto.Connection{conn.Reversed()})
}

func newWorldOf(t *testing.T, west, east ikev2.Config, westConns, eastConns []*pluto.Connection) *world {
	w := &world{t: t}
	w.Clock = plutotest.NewClock()
	w.net = plutotest.NewNetwork(w.Clock, 1)
	w.Actors = []plutotest.Actor{w.net}
	w.west = w.host(1, "west", westAddr, west, westConns...)
	w.east = w.host(2, "east", eastAddr, east, eastConns...)
	return w
}

func subnets() *pluto.Connection {
	return plutotest.Conn("net", westAddr, westNet, eastAddr, eastNet)
}

// check fails unless both ends have so many Child SAs, which agree.
func (w *world) check(children int) {
	w.t.Helper()
	if len(w.west.conns.Children) != children || len(w.east.conns.Children) != children {
		w.t.Fatalf("west has %d Child SAs, east %d, expected %d\n%s", len(w.west.conns.Children), len(w.east.conns.Children), children, w.log())
	}
	for _, a := range w.west.conns.Children {
		found := false
		for _, b := range w.east.conns.Children {
			if a.In.SPI == b.Out.SPI && a.Out.SPI == b.In.SPI {
				found = true
				if string(a.In.EncKey) != string(b.Out.EncKey) || string(a.Out.EncKey) != string(b.In.EncKey) || string(a.In.AuthKey) != string(b.Out.AuthKey) {
					w.t.Errorf("the keys of %08x differ", a.In.SPI)
				}
				if len(a.In.EncKey) == 0 && len(a.In.AuthKey) == 0 {
					w.t.Errorf("%08x has no keys", a.In.SPI)
				}
			}
		}
		if !found {
			w.t.Errorf("east has not the Child SA %08x of west\n%s", a.In.SPI, w.log())
		}
	}
	if n := w.west.conns.Reserved() + w.east.conns.Reserved(); n != 0 {
		w.t.Errorf("%d SPIs are still reserved", n)
	}
}

// established returns how many IKE SAs a host has, all of which must be established.
func (h *host) established(t *testing.T) int {
	t.Helper()
	n := 0
	for _, s := range h.States() {
		if s.Parent != 0 {
			continue
		}
		if s.Name != "STATE_V2_ESTABLISHED_IKE_SA" {
			t.Errorf("IKE SA #%d is in state %s", s.Serial, s.Name)
		}
		n++
	}
	return n
}

func (w *world) log() string {
	return strings.Join(w.west.reports, "\n") + "\n" + strings.Join(w.east.reports, "\n")
}

func TestTunnel(t *testing.T) {
	w := newWorld(t, subnets())
	w.west.Initiate(w.west.conns.All[0], nil)
	w.Run(10 * time.Second)
	w.check(1)
	if w.west.last != pluto.Up || w.east.last != pluto.Up {
		t.Errorf("west ended %v, east %v", w.west.last, w.east.last)
	}
	flow := w.west.conns.Children[0].Flows
	if len(flow) != 1 || flow[0].Src.String() != westNet || flow[0].Dst.String() != eastNet {
		t.Errorf("flows %v", flow)
	}
	w.west.Terminate(w.west.conns.All[0])
	w.Run(100 * time.Second)
	w.check(0)
	if len(w.west.States())+len(w.east.States()) != 0 {
		t.Errorf("states are left: %v %v", w.west.States(), w.east.States())
	}
}
