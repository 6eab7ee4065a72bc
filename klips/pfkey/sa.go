package pfkey

import (
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
)

// FromSA returns a message that carries all of an SA. Times of its usage are
// cut to seconds, and limits of time rounded up to them.
func FromSA(t Type, sa klips.SA) (*Message, error) {
	m, err := FromSAID(t, sa.ID)
	if err != nil {
		return nil, err
	}
	a := m.Exts[0].(Association)
	if a.Encrypt, err = number(encNumbers, sa.Enc); err != nil {
		return nil, err
	}
	if sa.Comp != "" { // as in the RFC's successors, the field for encryption names it
		if sa.Enc != "" {
			return nil, invalid("%s both encrypts and compresses", sa.ID)
		}
		if a.Encrypt, err = number(compNumbers, sa.Comp); err != nil {
			return nil, err
		}
	}
	if (sa.Comp != "") != (sa.ID.Proto == said.COMP) && a.Encrypt != 0 {
		return nil, invalid("%s has an algorithm that is not of its protocol", sa.ID)
	}
	if a.Auth, err = number(authNumbers, sa.Auth); err != nil {
		return nil, err
	}
	a.Replay = uint8(min(sa.ReplayWindow, 255))
	if sa.Outbound {
		a.Flags |= FlagOutbound
	}
	m.Exts[0] = a

	if sa.ReplayWindow < 0 {
		return nil, invalid("a replay window of %d", sa.ReplayWindow)
	}
	if sa.ReplayWindow > 0 || sa.ESN {
		m.add(Replay{uint32(sa.ReplayWindow), sa.ESN})
	}
	if sa.Src.IsValid() {
		m.add(Address{Of: KindSrc, Bits: uint8(sa.Src.BitLen()), Addr: sa.Src})
	}
	if sa.TunnelSrc.IsValid() {
		m.add(Address{Of: KindTunnelSrc, Bits: uint8(sa.TunnelSrc.BitLen()), Addr: sa.TunnelSrc})
	}
	if sa.TunnelDst.IsValid() {
		m.add(Address{Of: KindTunnelDst, Bits: uint8(sa.TunnelDst.BitLen()), Addr: sa.TunnelDst})
	}
	if len(sa.AuthKey) > 0 {
		m.add(Key{KindKeyAuth, sa.AuthKey})
	}
	if len(sa.EncKey) > 0 {
		m.add(Key{KindKeyEncrypt, sa.EncKey})
	}
	if sa.Encap.On() || sa.Encap.DstPort != 0 {
		m.add(Port{KindEncapSrcPort, sa.Encap.SrcPort})
		m.add(Port{KindEncapDstPort, sa.Encap.DstPort})
	}
	m.addLimit(KindSoft, sa.Soft)
	m.addLimit(KindHard, sa.Hard)
	if len(sa.Inflow) > 0 {
		m.add(Inflow{sa.Inflow})
	}
	if len(sa.Group) > 0 {
		m.add(SAIDs{sa.Group})
	}
	m.addUsage(sa.Usage)
	return m, nil
}

// SA returns what FromSA was given.
func (m *Message) SA() (sa klips.SA, err error) {
	if sa.ID, err = m.SAID(); err != nil {
		return klips.SA{}, err
	}
	a, _ := find[Association](m, KindSA)
	if sa.ID.Proto == said.COMP {
		sa.Comp, err = name(compNumbers, a.Encrypt)
	} else {
		sa.Enc, err = name(encNumbers, a.Encrypt)
	}
	if err != nil {
		return klips.SA{}, err
	}
	if sa.Auth, err = name(authNumbers, a.Auth); err != nil {
		return klips.SA{}, err
	}
	sa.Outbound = a.Flags&FlagOutbound != 0
	sa.ReplayWindow = int(a.Replay)
	if r, ok := find[Replay](m, KindReplay); ok {
		if r.Window > 1<<20 {
			return klips.SA{}, invalid("a replay window of %d", r.Window)
		}
		sa.ReplayWindow, sa.ESN = int(r.Window), r.ESN
	}
	src, _ := find[Address](m, KindSrc)
	tsrc, _ := find[Address](m, KindTunnelSrc)
	tdst, _ := find[Address](m, KindTunnelDst)
	sa.Src, sa.TunnelSrc, sa.TunnelDst = src.Addr, tsrc.Addr, tdst.Addr
	ak, _ := find[Key](m, KindKeyAuth)
	ek, _ := find[Key](m, KindKeyEncrypt)
	sa.AuthKey, sa.EncKey = ak.Key, ek.Key
	sport, _ := find[Port](m, KindEncapSrcPort)
	dport, _ := find[Port](m, KindEncapDstPort)
	sa.Encap = klips.Encap{SrcPort: sport.Port, DstPort: dport.Port}
	if sa.Soft, err = m.limit(KindSoft); err != nil {
		return klips.SA{}, err
	}
	if sa.Hard, err = m.limit(KindHard); err != nil {
		return klips.SA{}, err
	}
	in, _ := find[Inflow](m, KindInflow)
	sa.Inflow = in.Flows
	group, _ := find[SAIDs](m, KindGroup)
	sa.Group = group.IDs
	sa.Usage, err = m.usage()
	return sa, err
}

// FromGroups returns a message that carries groups of SAs.
func FromGroups(groups [][]klips.SA) (*Message, error) {
	var e Groups
	for i, group := range groups {
		for _, sa := range group {
			m, err := FromSA(Add, sa)
			if err != nil {
				return nil, err
			}
			m.Seq = uint32(i)
			e.Messages = append(e.Messages, m)
		}
	}
	return &Message{Type: AddGroups, Exts: []Ext{e}}, nil
}

// Groups returns what FromGroups was given, less empty groups.
func (m *Message) Groups() (groups [][]klips.SA, err error) {
	e, _ := find[Groups](m, KindGroups)
	for i, member := range e.Messages {
		sa, err := member.SA()
		if err != nil {
			return nil, err
		}
		if i == 0 || member.Seq != e.Messages[i-1].Seq {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], sa)
	}
	return groups, nil
}

// FromSAID returns a message that names an SA, and no more.
func FromSAID(t Type, id said.SAID) (*Message, error) {
	st := SATypeOf(id.Proto)
	if st == Unspec || !plain(id.Dst) {
		return nil, invalid("malformed SAID %q", id)
	}
	m := &Message{Type: t, SAType: st}
	m.add(Association{SPI: id.SPI})
	m.add(Address{Of: KindDst, Bits: uint8(id.Dst.BitLen()), Addr: id.Dst})
	return m, nil
}

// SAID returns the SA that m names.
func (m *Message) SAID() (said.SAID, error) {
	a, ok1 := find[Association](m, KindSA)
	dst, ok2 := find[Address](m, KindDst)
	p := m.SAType.Proto()
	if !ok1 || !ok2 || p == 0 {
		return said.SAID{}, invalid("%v names no SA", m.Type)
	}
	return said.SAID{Dst: dst.Addr, SPI: a.SPI, Proto: p}, nil
}

// Flags returns the flags of the SA that m names; 0 when it names none.
func (m *Message) Flags() uint32 {
	a, _ := find[Association](m, KindSA)
	return a.Flags
}

// setFlags adds to the flags of the SA that m names first of all.
func (m *Message) setFlags(flags uint32) {
	a := m.Exts[0].(Association)
	a.Flags |= flags
	m.Exts[0] = a
}

func (m *Message) add(e Ext) { m.Exts = append(m.Exts, e) }

// maxSeconds keeps a limit of time within a time.Duration.
const maxSeconds = uint64(1<<63-1) / uint64(time.Second)

func (m *Message) addLimit(kind Kind, l klips.Lifetime) {
	if l == (klips.Lifetime{}) {
		return
	}
	up := func(d time.Duration) uint64 {
		return uint64(max(d, 0)/time.Second) + uint64((max(d, 0)%time.Second+time.Second-1)/time.Second)
	}
	m.add(Lifetime{kind, l.Allocations, l.Bytes, up(l.AddTime), up(l.UseTime), l.Packets})
}

func (m *Message) limit(kind Kind) (klips.Lifetime, error) {
	l, _ := find[Lifetime](m, kind)
	if l.AddTime > maxSeconds || l.UseTime > maxSeconds {
		return klips.Lifetime{}, invalid("a lifetime of %d seconds", max(l.AddTime, l.UseTime))
	}
	return klips.Lifetime{
		Allocations: l.Allocations, Bytes: l.Bytes, Packets: l.Packets,
		AddTime: time.Duration(l.AddTime) * time.Second, UseTime: time.Duration(l.UseTime) * time.Second,
	}, nil
}

func (m *Message) addUsage(u klips.Usage) {
	if u == (klips.Usage{}) {
		return
	}
	m.add(Lifetime{Of: KindCurrent, Bytes: u.Bytes, Packets: u.Packets, AddTime: fromTime(u.Added), UseTime: fromTime(u.FirstUse)})
	m.add(Usage{fromTime(u.Last), u.Seq, u.ReplayErrors, u.AuthErrors, u.PolicyErrors, u.OtherErrors})
}

func (m *Message) usage() (klips.Usage, error) {
	l, _ := find[Lifetime](m, KindCurrent)
	x, _ := find[Usage](m, KindUsage)
	if max(l.AddTime, l.UseTime, x.Last) > maxSeconds {
		return klips.Usage{}, invalid("a time of %d seconds", max(l.AddTime, l.UseTime, x.Last))
	}
	return klips.Usage{
		Bytes: l.Bytes, Packets: l.Packets, Added: toTime(l.AddTime), FirstUse: toTime(l.UseTime), Last: toTime(x.Last),
		Seq: x.Seq, ReplayErrors: x.Replays, AuthErrors: x.Auths, PolicyErrors: x.Policies, OtherErrors: x.Others,
	}, nil
}

func fromTime(t time.Time) uint64 {
	if t.IsZero() || t.Unix() < 0 {
		return 0
	}
	return uint64(t.Unix())
}

func toTime(s uint64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0)
}
