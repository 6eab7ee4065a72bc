// Package sadb is the security association database: the SAs in force under
// their SAIDs, the groups that chain them, their lifetimes and what they have
// done so far.
package sadb

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/ah"
	"ipsec/klips/esp"
	"ipsec/klips/ipcomp"
	"ipsec/klips/replay"
	"ipsec/klips/said"
)

// An SA is a security association in force. Its Config and the group
// change only under the lock of whoever owns the DB. All that a packet
// changes is under the SA's own lock, which is never held while a packet goes
// through a transform: those are for any number of goroutines.
type SA struct {
	Config Config
	Larval bool  // an SPI that GetSPI reserved, without keys yet
	Broken bool  // its group has lost a member: it carries nothing
	Place  uint8 // where it stands in Group
	soft   bool  // the soft lifetime has been told of; under mu, as is dead
	dead   bool
	Group  []*SA // the SAs grouped with it and itself, innermost first; nil if none

	self [1]*SA // for Chain

	mu     sync.Mutex
	esp    *esp.Transform
	ah     *ah.Transform
	comp   *ipcomp.Transform
	window *replay.Window
	seq    uint64
	usage  klips.Usage
	peer   netip.AddrPort // where encapsulated packets last came from
}

// Config is what remains of klips.SA once an SA is set: what is neither secret
// nor state. There are tens of thousands of them.
type Config struct {
	ID                   said.SAID
	Src                  netip.Addr
	Enc, Auth, Comp      string
	Soft, Hard           klips.Lifetime
	TunnelSrc, TunnelDst netip.Addr
	Inflow               []klips.Selector
	ReplayWindow         uint16
	Encap                klips.Encap
	ESN                  bool
}

// ErrReplay refuses a packet that has come before, or is too old to tell.
var ErrReplay = errors.New("sequence number seen before or too old")

// ErrDead refuses a packet of an SA whose hard lifetime is over, or that has no keys.
var ErrDead = errors.New("SA is past its lifetime")

// newSA makes the runtime of a description, or says what is wrong with it in an
// error that wraps EINVAL.
func newSA(c klips.SA, now time.Time) (*SA, error) {
	sa := &SA{}
	sa.self[0] = sa
	if err := sa.build(c); err != nil {
		return nil, fmt.Errorf("malformed SA %s: %w: %w", c.ID, err, syscall.EINVAL)
	}
	sa.keep(c)
	sa.usage.Added = now
	return sa, nil
}

// keep remembers the description less what is secret or state.
func (sa *SA) keep(c klips.SA) {
	sa.Config = Config{
		ID: c.ID, Src: c.Src, Enc: c.Enc, Auth: c.Auth, Comp: c.Comp, Soft: c.Soft, Hard: c.Hard,
		TunnelSrc: c.TunnelSrc, TunnelDst: c.TunnelDst, ReplayWindow: uint16(c.ReplayWindow), Encap: c.Encap, ESN: c.ESN,
		Inflow: append([]klips.Selector(nil), c.Inflow...),
	}
	for i, s := range c.Inflow {
		sa.Config.Inflow[i].Src, sa.Config.Inflow[i].Dst = s.Src.Masked(), s.Dst.Masked()
	}
}

func (sa *SA) build(c klips.SA) (err error) {
	dst := c.ID.Dst
	if !dst.IsValid() || dst.IsUnspecified() || dst.Is4In6() || dst.Zone() != "" {
		return fmt.Errorf("expected the address of a host as its destination, found %v", dst)
	}
	if c.Src.IsValid() && c.Src.Is4() != dst.Is4() {
		return fmt.Errorf("source %v and destination %v are of two families", c.Src, dst)
	}
	if c.ID.SPI == 0 {
		return fmt.Errorf("expected an SPI other than 0")
	}
	if c.Encap.On() && (c.ID.Proto != said.ESP || c.Encap.DstPort == 0) {
		return fmt.Errorf("only ESP goes in UDP, between two ports")
	}
	for _, s := range c.Inflow {
		if !s.Src.IsValid() || !s.Dst.IsValid() || s.Src.Addr().Is4() != s.Dst.Addr().Is4() {
			return fmt.Errorf("expected prefixes of one family as its inflow, found %v → %v", s.Src, s.Dst)
		}
	}
	switch c.ID.Proto {
	case said.ESP:
		sa.esp, err = esp.New(esp.Params{SPI: c.ID.SPI, Enc: c.Enc, EncKey: c.EncKey, Auth: c.Auth, AuthKey: c.AuthKey, ESN: c.ESN})
	case said.AH:
		sa.ah, err = ah.New(ah.Params{SPI: c.ID.SPI, Auth: c.Auth, AuthKey: c.AuthKey, ESN: c.ESN})
	case said.COMP:
		if c.ID.SPI > 0xffff {
			return fmt.Errorf("expected a CPI of 16 bits, found %#x", c.ID.SPI)
		}
		if c.Comp != "deflate" {
			return fmt.Errorf("unknown compression %q, expected deflate", c.Comp)
		}
		sa.comp = ipcomp.New(uint16(c.ID.SPI))
	case said.IPIP:
		src, dst := c.TunnelSrc, c.TunnelDst
		if !src.IsValid() || !dst.IsValid() || src.Is4() != dst.Is4() || dst != c.ID.Dst {
			return fmt.Errorf("expected a tunnel to %v, found %v to %v", c.ID.Dst, src, dst)
		}
	default:
		return fmt.Errorf("expected esp, ah, comp or tun, found %v", c.ID.Proto)
	}
	if err != nil {
		return err
	}
	sa.window, err = replay.New(c.ReplayWindow, c.ESN)
	return err
}

// Read describes the SA with its group and usage.
func (sa *SA) Read() klips.SA {
	k := &sa.Config
	c := klips.SA{
		ID: k.ID, Src: k.Src, Enc: k.Enc, Auth: k.Auth, Comp: k.Comp, Soft: k.Soft, Hard: k.Hard,
		TunnelSrc: k.TunnelSrc, TunnelDst: k.TunnelDst, ReplayWindow: int(k.ReplayWindow), Encap: k.Encap, ESN: k.ESN,
		Inflow: append([]klips.Selector(nil), k.Inflow...),
	}
	for _, member := range sa.Group {
		c.Group = append(c.Group, member.Config.ID)
	}
	sa.mu.Lock()
	defer sa.mu.Unlock()
	c.Usage = sa.usage
	c.Usage.Seq = max(sa.seq, sa.windowTop())
	return c
}

func (sa *SA) windowTop() uint64 {
	if sa.window == nil {
		return 0
	}
	return sa.window.Top()
}
