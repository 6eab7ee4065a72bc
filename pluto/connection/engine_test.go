package connection

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/klips/engine"
	"ipsec/klips/said"
	"ipsec/klips/server"
	"ipsec/pluto"
	"ipsec/pluto/plutotest"
)

// dialEngine returns a client of a real engine, without interfaces, behind its PF_KEY
// socket.
func dialEngine(t *testing.T) *client.Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "klips") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	e := engine.New(engine.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- server.Run(ctx, server.Config{
			Socket: filepath.Join(dir, "ctl"), Table: e, Events: e.Events(),
			Ready: func() error { close(ready); return nil }, Debug: func(string) {}, Log: func(string) {},
		})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	c, err := client.Dial(filepath.Join(dir, "ctl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		cancel()
		<-ended
		e.Close()
	})
	return c
}

// TestEngine has the real KLIPS take what a Table sets: tunnels with compression and in
// UDP, AH, transport mode; and a new worker find it again.
func TestEngine(t *testing.T) {
	kernel := dialEngine(t)
	w := newWorld(t)
	load := func() {
		w.table = New(Config{
			Kernel: kernel, Clock: w.clock, Rand: w.rand, Updown: w.updown, Resolver: w.resolver,
			Report: func(r pluto.Report) { t.Logf("%s: %s", r.Conn, r.Text) },
		})
		w.table.Drive(w.neg)
	}
	w.updown.after = func(string) {}
	load()
	host := plutotest.Conn("host", "192.0.2.1", "", "192.0.2.9", "")
	six := plutotest.Conn("six", "192.0.2.1", "2001:db8:1::/48", "192.0.2.9", "2001:db8:2::/48")
	w.add(network("net"), host, six)
	install := func(name string, change func(*pluto.Child)) *pluto.Child {
		t.Helper()
		c := w.child(w.conn(name))
		change(c)
		if err := w.table.Install(c, true); err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := install("net", func(c *pluto.Child) {
		cpi, err := w.table.ReserveSPI(said.COMP, c.Remote, c.Local)
		if err != nil {
			t.Fatal(err)
		}
		c.In.CPI, c.Out.CPI, c.ESN = uint16(cpi), 0x4242, true
		c.Encap = klips.Encap{SrcPort: 4500, DstPort: 4500}
	})
	install("host", func(c *pluto.Child) { c.Mode = pluto.TransportMode })
	install("six", func(c *pluto.Child) {
		c.Protocol = said.AH
		w.table.ReleaseSPI(said.ESP, c.Local, c.In.SPI)
		keys := func(spi uint32) pluto.ChildKeys {
			return pluto.ChildKeys{SPI: spi, Auth: "sha2_256-128", AuthKey: make([]byte, 32)}
		}
		spi, err := w.table.ReserveSPI(said.AH, c.Remote, c.Local)
		if err != nil {
			t.Fatal(err)
		}
		c.In, c.Out = keys(spi), keys(0xc0ffee)
	})
	count := func(what string, sas, eroutes int) {
		t.Helper()
		list, err := kernel.ListSAs()
		routes, err2 := kernel.ListEroutes()
		if err != nil || err2 != nil || len(list) != sas || len(routes) != eroutes {
			t.Errorf("%s: %d SAs (%v) and %d eroutes (%v), want %d and %d", what, len(list), err, len(routes), err2, sas, eroutes)
		}
		for _, sa := range list {
			if !mine(sa) {
				t.Errorf("%s: %s is not told from SAs of manual keying: %+v", what, sa.ID, sa)
			}
		}
		for _, e := range routes {
			if !bears(e) {
				t.Errorf("%s: %v is not told from eroutes of manual keying", what, e)
			}
		}
	}
	count("up", 6+2+4, 3)
	first.Encap.DstPort = 61000
	if err := w.table.Move(first); err != nil {
		t.Error(err)
	}
	if s := w.table.Status()[0].Children[0]; s.Out[2].Encap != first.Encap || s.In[2].Encap != reversed(first.Encap) {
		t.Errorf("moved to %+v", s.Out[2])
	}
	if !w.table.Used(first).IsZero() {
		t.Error("it has been used")
	}
	if err := w.table.Resync(); err != nil {
		t.Error(err)
	}
	w.called("resync")
	count("resync", 6+2+4, 3)

	load() // a new worker
	if err := w.table.Adopt(); err != nil {
		t.Fatal(err)
	}
	w.add(network("net"), host)
	for _, name := range []string{"net", "host"} {
		if err := w.table.Route(name); err != nil {
			t.Error(err)
		}
	}
	if err := w.table.Resync(); err != nil {
		t.Error(err)
	}
	list, _ := kernel.ListEroutes()
	for _, e := range list {
		if e.Shunt() != klips.ShuntNone {
			t.Errorf("%v -> %v is trapped", e.Src, e.Dst)
		}
	}
	count("taken over", 6+2+2, 2) // what comes in from a peer goes with the last that goes out to it
	w.table.Delete("net")
	w.table.Delete("host")
	if err := w.table.Resync(); err != nil {
		t.Error(err)
	}
	if list, err := kernel.ListSAs(); err != nil || len(list) > 0 {
		t.Errorf("in the end there are %v, %v", list, err)
	}
}
