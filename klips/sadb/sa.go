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
	"unique"

	"ipsec/klips"
	"ipsec/klips/ah"
	"ipsec/klips/esp"
	"ipsec/klips/ipcomp"
	"ipsec/klips/replay"
	"ipsec/klips/said"
)

// An SA is a security association in force. There are tens of thousands of them,
// so that each byte counts.
type SA struct {
	// Set once, when the SA is made. Transforms are for any number of goroutines,
	// and no lock is held while a packet goes through one.
	*protection // of ESP and AH
	comp        *ipcomp.Transform

	// Guarded by the lock of whoever owns the DB: who changes it holds that for
	// writing, who carries a packet for reading. What of Config an update changes
	// it changes under mu, too.
	Config Config
	Group  []*SA // the SAs grouped with it and itself, innermost first; nil if none
	Place  uint8 // where it stands in Group
	Larval bool  // an SPI that GetSPI reserved, without keys yet
	Broken bool  // its group has lost a member: it carries nothing

	mu sync.Mutex // guards what follows, which packets change, and so part of protection

	soft           bool // the soft lifetime has been told of
	dead           bool
	issued, served uint8 // tickets of a Line
	usage          usage
}

// A protection is what an SA has that encrypts or authenticates.
type protection struct {
	// Set once.
	self [1]*SA         // for Chain
	esp  *esp.Transform // one of them
	ah   *ah.Transform

	// Guarded by the SA's mu.
	seq                      uint64
	window                   replay.Window
	authErrors, replayErrors uint64
	peer                     *netip.AddrPort // where encapsulated packets last came from; nil if not known
}

// Config is what remains of klips.SA once an SA is set: what is neither secret
// nor state.
type Config struct {
	ID           said.SAID
	Src          netip.Addr
	TunnelSrc    netip.Addr // of a tunnel, which goes to ID.Dst
	Inflow       []klips.Selector
	Encap        klips.Encap
	ReplayWindow uint16
	ESN          bool
	names        unique.Handle[names]
	life         unique.Handle[lifetimes] // the zero value for none
}

type (
	names     struct{ enc, auth, comp string }
	lifetimes struct{ soft, hard klips.Lifetime }
)

// ErrReplay refuses a packet that has come before, or is too old to tell.
var ErrReplay = errors.New("sequence number seen before or too old")

// ErrDead refuses a packet of an SA whose hard lifetime is over, or that has no keys.
var ErrDead = errors.New("SA is past its lifetime")

// newSA makes the runtime of a description, or says what is wrong with it in an
// error that wraps EINVAL.
func newSA(c klips.SA, now time.Time) (*SA, error) {
	sa := &SA{}
	if err := sa.build(c); err != nil {
		return nil, fmt.Errorf("malformed SA %s: %w: %w", c.ID, err, syscall.EINVAL)
	}
	sa.keep(c)
	sa.usage.added = now
	return sa, nil
}

// keep remembers the description less what is secret or state.
func (sa *SA) keep(c klips.SA) {
	sa.Config = Config{
		ID: c.ID, Src: c.Src, TunnelSrc: c.TunnelSrc, ReplayWindow: uint16(c.ReplayWindow), Encap: c.Encap, ESN: c.ESN,
		Inflow: append([]klips.Selector(nil), c.Inflow...),
		names:  unique.Make(names{c.Enc, c.Auth, c.Comp}),
	}
	sa.Config.live(c.Soft, c.Hard)
	for i, s := range c.Inflow {
		sa.Config.Inflow[i].Src, sa.Config.Inflow[i].Dst = s.Src.Masked(), s.Dst.Masked()
	}
}

// live sets the lifetimes.
func (c *Config) live(soft, hard klips.Lifetime) {
	c.life = unique.Handle[lifetimes]{}
	if l := (lifetimes{soft, hard}); l != (lifetimes{}) {
		c.life = unique.Make(l)
	}
}

// lives returns the lifetimes, and false where there are none.
func (c *Config) lives() (lifetimes, bool) {
	if c.life == (unique.Handle[lifetimes]{}) {
		return lifetimes{}, false
	}
	return c.life.Value(), true
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
		sa.protection = &protection{self: [1]*SA{sa}}
		sa.esp, err = esp.New(esp.Params{SPI: c.ID.SPI, Enc: c.Enc, EncKey: c.EncKey, Auth: c.Auth, AuthKey: c.AuthKey, ESN: c.ESN})
	case said.AH:
		sa.protection = &protection{self: [1]*SA{sa}}
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
	var none replay.Window
	window := &none
	if sa.protection != nil {
		window = &sa.window
	}
	return window.Init(c.ReplayWindow, c.ESN)
}

// Read describes the SA with its group and usage.
func (sa *SA) Read() klips.SA {
	k := &sa.Config
	n := k.names.Value()
	c := klips.SA{
		ID: k.ID, Src: k.Src, Enc: n.enc, Auth: n.auth, Comp: n.comp,
		TunnelSrc: k.TunnelSrc, ReplayWindow: int(k.ReplayWindow), Encap: k.Encap, ESN: k.ESN,
		Inflow: append([]klips.Selector(nil), k.Inflow...),
	}
	if k.TunnelSrc.IsValid() {
		c.TunnelDst = k.ID.Dst
	}
	if l, ok := k.lives(); ok {
		c.Soft, c.Hard = l.soft, l.hard
	}
	for _, member := range sa.Group {
		c.Group = append(c.Group, member.Config.ID)
	}
	sa.mu.Lock()
	defer sa.mu.Unlock()
	c.Usage = sa.usage.read()
	if p := sa.protection; p != nil {
		c.Usage.Seq, c.Usage.AuthErrors, c.Usage.ReplayErrors = max(p.seq, p.window.Top()), p.authErrors, p.replayErrors
	}
	return c
}
