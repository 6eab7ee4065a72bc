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

// The numbers of the SAs that IKE negotiates. Those below belong to manual
// keying, since FreeS/WAN; the CPIs above to private use (RFC 3173, section 3.3).
const (
	firstSPI = 0x1000
	lastCPI  = 0xefff
)

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
	in, out  []said.SAID // innermost first: tun, comp, esp or ah
	flows    []klips.Selector
	spans    []*span // while in use
	used     bool
	gone     bool // the kernel has lost an SA of it
	refused  int  // so many times in a row has it failed to be used
	since    time.Time
	from     time.Time // when it is to be used at last; zero: now, or when IKE says so
}

// ReserveSPI is that of pluto.Connections. Of 32 bits we draw one ourselves,
// without a word to the kernel: that it has one of the same number, which is then
// refused, is as good as never so. CPIs are few, and the kernel gives them out.
func (t *Table) ReserveSPI(proto said.Proto, remote, local netip.Addr) (uint32, error) {
	if proto == said.COMP {
		return t.config.Kernel.GetSPI(proto, remote, local, firstSPI, lastCPI)
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
		if id.SPI >= firstSPI && t.owned[id] == nil && !t.reserved[id] && t.orphans[id] == nil {
			return id
		}
	}
}

// ReleaseSPI is that of pluto.Connections.
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
	var in, out []klips.SA
	var err error
	for range 3 { // the number of a tunnel may be one of an earlier worker's
		in = t.chain(c, c.In, c.Remote, c.Local, reversed(c.Encap))
		for _, f := range b.flows {
			in[0].Inflow = append(in[0].Inflow, reverse(f))
		}
		out = t.chain(c, c.Out, c.Local, c.Remote, c.Encap)
		if err = t.config.Kernel.AddGroups(in, out); !errors.Is(err, syscall.EEXIST) {
			break
		}
	}
	for _, sa := range in {
		delete(t.reserved, sa.ID)
		if err == nil || sa.ID.Proto == said.COMP {
			b.in = append(b.in, sa.ID)
		}
	}
	if err != nil {
		return fmt.Errorf("failed to set the SAs with %s: %w", c.Remote, err)
	}
	for _, sa := range out {
		b.out = append(b.out, sa.ID)
	}
	return nil
}

func reversed(e klips.Encap) klips.Encap { return klips.Encap{SrcPort: e.DstPort, DstPort: e.SrcPort} }

// chain describes the SAs of one direction, innermost first. The number of the
// tunnel within is ours to choose.
func (t *Table) chain(c *pluto.Child, keys pluto.ChildKeys, src, dst netip.Addr, encap klips.Encap) []klips.SA {
	hard := klips.Lifetime{AddTime: longestLife}
	if life := c.Conn.ChildLifetime; life > 0 {
		hard.AddTime = life + lifeMargin
	}
	var list []klips.SA
	add := func(proto said.Proto, spi uint32, more func(*klips.SA)) {
		sa := klips.SA{ID: said.SAID{Dst: dst, SPI: spi, Proto: proto}, Src: src, Hard: hard}
		more(&sa)
		list = append(list, sa)
	}
	if c.Mode == pluto.TunnelMode {
		add(said.IPIP, t.draw(said.IPIP, dst).SPI, func(sa *klips.SA) { sa.TunnelSrc, sa.TunnelDst = src, dst })
	}
	if keys.CPI != 0 {
		add(said.COMP, uint32(keys.CPI), func(sa *klips.SA) { sa.Comp = "deflate" })
	}
	add(c.Protocol, keys.SPI, func(sa *klips.SA) {
		sa.Enc, sa.EncKey, sa.Auth, sa.AuthKey = keys.Enc, keys.EncKey, keys.Auth, keys.AuthKey
		sa.ReplayWindow, sa.ESN = window(c.Conn.ReplayWindow), c.ESN
		if c.Protocol == said.ESP {
			sa.Encap = encap
		}
	})
	return list
}

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
	numbered := func(id said.SAID) bool { return id.SPI >= firstSPI }
	return sa.Hard.AddTime > 0 && (numbered(sa.ID) || slices.ContainsFunc(sa.Group, numbered))
}
