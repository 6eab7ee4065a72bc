package connection

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
)

// lastCPI is the last CPI that is negotiated. Those above are for private use (RFC
// 3173, section 3.3).
const lastCPI = 0xefff

const (
	defaultWindow = 64
	leastWindow   = 32
	mostWindow    = 4096
)

// How long the kernel keeps an SA at most: IKE ends it by its own timer before,
// so that this counts only when Pluto has died.
const (
	lifeMargin  = time.Minute
	longestLife = 24 * time.Hour // of one without a lifetime
)

// A bundle is the SAs of a Child SA.
type bundle struct {
	child    *pluto.Child
	replaces *pluto.Child // nil for none
	entry    *entry
	in, out  []said.SAID // as Kernel.Install returned them
	flows    []klips.Selector
	spans    []*span // while in use
	used     bool
	gone     bool // the kernel has lost an SA of it
	refused  int  // so many times in a row has it failed to be used
	since    time.Time
	from     time.Time // when it is to be used at last; zero: now, or when IKE says so
}

// ReserveSPI implements pluto.Connections. Of 32 bits we draw one ourselves,
// without a word to the kernel: that it has one of the same number, which is then
// refused, is as good as never so. CPIs are few, and the kernel gives them out.
func (t *Table) ReserveSPI(proto said.Proto, remote, local netip.Addr) (uint32, error) {
	if proto == said.COMP {
		return t.config.Kernel.GetSPI(proto, remote, local, klips.NegotiatedSPI, lastCPI)
	}
	id := t.draw(proto, local)
	t.reserved[id] = true
	return id.SPI, nil
}

// draw returns the name of an SA that is none of ours yet.
func (t *Table) draw(proto said.Proto, dst netip.Addr) said.SAID {
	for {
		var b [4]byte
		io.ReadFull(t.config.Rand, b[:]) // which does not fail, see crypto/rand
		id := said.SAID{Dst: dst, SPI: binary.BigEndian.Uint32(b[:]), Proto: proto}
		if id.SPI >= klips.NegotiatedSPI && t.owned[id] == nil && !t.reserved[id] && t.orphans[id] == nil {
			return id
		}
	}
}

// ReleaseSPI implements pluto.Connections.
func (t *Table) ReleaseSPI(proto said.Proto, local netip.Addr, spi uint32) {
	id := said.SAID{Dst: local, SPI: spi, Proto: proto}
	delete(t.reserved, id)
	if proto == said.COMP && t.owned[id] == nil {
		t.discard(id)
	}
}

// discard deletes an SA; one that cannot be is tried again by Tick.
func (t *Table) discard(ids ...said.SAID) {
	for _, id := range ids {
		delete(t.owned, id)
		if err := t.config.Kernel.DelSA(id); err != nil && !errors.Is(err, syscall.ENOENT) {
			t.trash = append(t.trash, id)
			t.schedule(t.now().Add(mendTime))
		}
	}
}

// set makes the SAs of b in the kernel. Where it fails, none of them is there; only
// what the kernel has reserved is to be discarded, and b has that.
func (t *Table) set(b *bundle) error {
	c := b.child
	in, out := t.describe(c, c.In), t.describe(c, c.Out)
	in.Src, in.Dst, in.Encap = c.Remote, c.Local, reversed(c.Encap)
	out.Src, out.Dst, out.Encap = c.Local, c.Remote, c.Encap
	for _, f := range b.flows {
		in.Inflow = append(in.Inflow, reverse(f))
	}
	ids, err := t.config.Kernel.Install(in, out)
	comp := said.SAID{Dst: in.Dst, SPI: uint32(in.CPI), Proto: said.COMP}
	delete(t.reserved, in.ID())
	if err != nil {
		if in.CPI != 0 {
			b.in = []said.SAID{comp}
		}
		return fmt.Errorf("failed to set the SAs with %s: %w", c.Remote, err)
	}
	b.in, b.out = ids[0], ids[1]
	return nil
}

// describe says what one direction of c has, but for the hosts.
func (t *Table) describe(c *pluto.Child, keys pluto.ChildKeys) klips.Bundle {
	hard := klips.Lifetime{AddTime: longestLife}
	if life := c.Conn.ChildLifetime; life > 0 {
		hard.AddTime = life + lifeMargin
	}
	return klips.Bundle{
		Tunnel: c.Mode == pluto.TunnelMode, CPI: keys.CPI,
		Proto: c.Protocol, SPI: keys.SPI, Enc: keys.Enc, EncKey: keys.EncKey, Auth: keys.Auth, AuthKey: keys.AuthKey,
		ReplayWindow: window(c.Conn.ReplayWindow), ESN: c.ESN,
		Hard: hard,
	}
}

func reversed(e klips.Encap) klips.Encap { return klips.Encap{SrcPort: e.DstPort, DstPort: e.SrcPort} }

func window(n int) int {
	switch {
	case n < 0:
		return defaultWindow
	case n == 0:
		return 0
	}
	return min(max(n, leastWindow), mostWindow)
}

// mine reports whether Pluto made an SA: its number, or that of one grouped with
// it, is none of manual keying, and it does not live for ever, as those do.
func mine(sa klips.SA) bool {
	numbered := func(id said.SAID) bool { return id.SPI >= klips.NegotiatedSPI }
	return sa.Hard.AddTime > 0 && (numbered(sa.ID) || slices.ContainsFunc(sa.Group, numbered))
}
