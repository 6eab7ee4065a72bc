package connection

import (
	"errors"
	"fmt"
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
	lastSPI  = 0xffffffff
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
	since    time.Time
	from     time.Time // when it is to be used at last; zero: now, or when IKE says so
}

// ReserveSPI is that of pluto.Connections.
func (t *Table) ReserveSPI(proto said.Proto, remote, local netip.Addr) (uint32, error) {
	var last uint32 = lastSPI
	if proto == said.COMP {
		last = lastCPI
	}
	return t.config.Kernel.GetSPI(proto, remote, local, firstSPI, last)
}

// ReleaseSPI is that of pluto.Connections.
func (t *Table) ReleaseSPI(proto said.Proto, local netip.Addr, spi uint32) {
	if id := (said.SAID{Dst: local, SPI: spi, Proto: proto}); t.owned[id] == nil {
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

// set makes the SAs of b in the kernel, those that come in first: the peer may
// send as soon as it knows. Where it fails, b has those that are to be discarded.
func (t *Table) set(b *bundle) error {
	c := b.child
	in, err := t.chain(c, c.In, c.Remote, c.Local, reversed(c.Encap))
	if err != nil {
		b.in = []said.SAID{{Dst: c.Local, SPI: c.In.SPI, Proto: c.Protocol}, {Dst: c.Local, SPI: uint32(c.In.CPI), Proto: said.COMP}}
		return err
	}
	for _, f := range b.flows {
		in[0].Inflow = append(in[0].Inflow, reverse(f))
	}
	for _, sa := range in { // each has its SPI reserved
		b.in = append(b.in, sa.ID)
	}
	for _, sa := range in {
		if err := t.fill(sa); err != nil {
			return fmt.Errorf("failed to set the SAs from %s: %w", c.Remote, err)
		}
	}
	out, err := t.chain(c, c.Out, c.Local, c.Remote, c.Encap)
	if err != nil {
		return err
	}
	for _, sa := range out {
		if sa.ID.Proto == said.IPIP {
			b.out = append(b.out, sa.ID)
			err = t.fill(sa)
		} else if err = t.config.Kernel.AddSA(sa); err == nil {
			b.out = append(b.out, sa.ID) // and not before: one of that name is not ours
		}
		if err != nil {
			return fmt.Errorf("failed to set the SAs to %s: %w", c.Remote, err)
		}
	}
	for _, ids := range [][]said.SAID{b.in, b.out} {
		if len(ids) > 1 {
			if err := t.config.Kernel.GroupSAs(ids); err != nil {
				return fmt.Errorf("failed to group the SAs with %s: %w", c.Remote, err)
			}
		}
	}
	return nil
}

// fill sets an SA whose SPI is reserved, or was, and has been for too long.
func (t *Table) fill(sa klips.SA) error {
	err := t.config.Kernel.UpdateSA(sa)
	if errors.Is(err, syscall.ENOENT) {
		err = t.config.Kernel.AddSA(sa)
	}
	return err
}

func reversed(e klips.Encap) klips.Encap { return klips.Encap{SrcPort: e.DstPort, DstPort: e.SrcPort} }

// chain describes the SAs of one direction, innermost first. The number of the
// tunnel within is ours to choose, and reserved here.
func (t *Table) chain(c *pluto.Child, keys pluto.ChildKeys, src, dst netip.Addr, encap klips.Encap) ([]klips.SA, error) {
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
		spi, err := t.config.Kernel.GetSPI(said.IPIP, src, dst, firstSPI, lastSPI)
		if err != nil {
			return nil, fmt.Errorf("failed to number the tunnel to %s: %w", dst, err)
		}
		add(said.IPIP, spi, func(sa *klips.SA) { sa.TunnelSrc, sa.TunnelDst = src, dst })
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
	return list, nil
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
