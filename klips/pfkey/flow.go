package pfkey

import (
	"net/netip"
	"strings"

	"ipsec/klips"
	"ipsec/klips/said"
)

// FromEroute returns a message that carries all of an eroute; flags are 0 or
// FlagReplace.
func FromEroute(t Type, e klips.Eroute, flags uint32) (*Message, error) {
	m, err := FromSAID(t, e.SAID)
	if err != nil {
		return nil, err
	}
	m.setFlags(flags)
	if err := m.addFlow(KindSrcFlow, KindDstFlow, e.Selector); err != nil {
		return nil, err
	}
	m.addIdent(e.Ident)
	if e.Packets != 0 || !e.Last.IsZero() {
		m.add(Lifetime{Of: KindCurrent, Packets: e.Packets})
		m.add(Usage{Last: fromTime(e.Last)})
	}
	return m, nil
}

// Eroute returns what FromEroute was given.
func (m *Message) Eroute() (e klips.Eroute, err error) {
	if e.SAID, err = m.SAID(); err != nil {
		return klips.Eroute{}, err
	}
	if e.Selector, err = m.Flow(); err != nil {
		return klips.Eroute{}, err
	}
	e.Ident = m.ident()
	u, err := m.usage()
	e.Packets, e.Last = u.Packets, u.Last
	return e, err
}

// FromFlow returns a message that names a flow, and no more.
func FromFlow(t Type, s klips.Selector) (*Message, error) {
	m := &Message{Type: t}
	return m, m.addFlow(KindSrcFlow, KindDstFlow, s)
}

// FromInflow returns a message that names an SA and a flow that comes out of it.
func FromInflow(t Type, id said.SAID, s klips.Selector) (*Message, error) {
	m, err := FromSAID(t, id)
	if err != nil {
		return nil, err
	}
	m.setFlags(FlagInflow)
	return m, m.addFlow(KindSrcFlow, KindDstFlow, s)
}

// FromClear returns the message that takes away all eroutes.
func FromClear() *Message {
	return &Message{Type: DelFlow, Exts: []Ext{Association{Flags: FlagClear}}}
}

// Flow returns the flow that m names.
func (m *Message) Flow() (klips.Selector, error) { return m.flow(KindSrcFlow, KindDstFlow) }

func (m *Message) addFlow(src, dst Kind, s klips.Selector) error {
	if err := checkSelector(s); err != nil {
		return err
	}
	m.add(Address{src, s.Proto, uint8(s.Src.Bits()), s.Src.Addr(), s.SrcPort})
	m.add(Address{dst, s.Proto, uint8(s.Dst.Bits()), s.Dst.Addr(), s.DstPort})
	return nil
}

func (m *Message) flow(srcKind, dstKind Kind) (klips.Selector, error) {
	src, ok1 := find[Address](m, srcKind)
	dst, ok2 := find[Address](m, dstKind)
	if !ok1 || !ok2 || src.Proto != dst.Proto {
		return klips.Selector{}, invalid("%v names no flow", m.Type)
	}
	s := klips.Selector{
		Src: netip.PrefixFrom(src.Addr, int(src.Bits)), Dst: netip.PrefixFrom(dst.Addr, int(dst.Bits)),
		Proto: src.Proto, SrcPort: src.Port, DstPort: dst.Port,
	}
	return s, checkSelector(s)
}

func (m *Message) addIdent(ident [2]string) {
	for i, kind := range []Kind{KindIdentSrc, KindIdentDst} {
		if ident[i] != "" {
			m.add(Identity{kind, ident[i]})
		}
	}
}

func (m *Message) ident() [2]string {
	src, _ := find[Identity](m, KindIdentSrc)
	dst, _ := find[Identity](m, KindIdentDst)
	return [2]string{src.Text, dst.Text}
}

// FromRange asks for an SPI in [min, max].
func FromRange(proto said.Proto, src, dst netip.Addr, min, max uint32) (*Message, error) {
	m := &Message{Type: GetSPI, SAType: SATypeOf(proto)}
	if m.SAType == Unspec || !plain(dst) || src.IsValid() && !plain(src) {
		return nil, invalid("no SPI is of %v from %v to %v", proto, src, dst)
	}
	m.add(SPIRange{min, max})
	m.add(Address{Of: KindDst, Bits: uint8(dst.BitLen()), Addr: dst})
	if src.IsValid() {
		m.add(Address{Of: KindSrc, Bits: uint8(src.BitLen()), Addr: src})
	}
	return m, nil
}

// Range returns what FromRange was given.
func (m *Message) Range() (proto said.Proto, src, dst netip.Addr, min, max uint32, err error) {
	r, ok1 := find[SPIRange](m, KindSPIRange)
	d, ok2 := find[Address](m, KindDst)
	s, _ := find[Address](m, KindSrc)
	proto = m.SAType.Proto()
	if !ok1 || !ok2 || proto == 0 {
		err = invalid("%v has no range, destination or protocol", m.Type)
	}
	return proto, s.Addr, d.Addr, r.Min, r.Max, err
}

// FromGroup asks to chain SAs, innermost first.
func FromGroup(ids []said.SAID) *Message { return &Message{Type: Group, Exts: []Ext{SAIDs{ids}}} }

// Group returns what FromGroup was given.
func (m *Message) Group() []said.SAID {
	g, _ := find[SAIDs](m, KindGroup)
	return g.IDs
}

// FromAttachment returns a message that carries an attachment.
func FromAttachment(t Type, a klips.Attachment) *Message {
	return &Message{Type: t, Exts: []Ext{Attachment{a}}}
}

// Attachment returns what FromAttachment was given.
func (m *Message) Attachment() (klips.Attachment, error) {
	a, ok := find[Attachment](m, KindAttachment)
	if !ok {
		return klips.Attachment{}, invalid("%v names no interface", m.Type)
	}
	return a.Attachment, nil
}

// FromDrop returns a message that carries a count of dropped packets.
func FromDrop(t Type, d klips.Drop) *Message { return &Message{Type: t, Exts: []Ext{Drop{d}}} }

// Drop returns what FromDrop was given.
func (m *Message) Drop() (klips.Drop, error) {
	d, ok := find[Drop](m, KindDrop)
	if !ok {
		return klips.Drop{}, invalid("%v has no count", m.Type)
	}
	return d.Drop, nil
}

// FromDebug asks for the flags of klipsdebug(8) to be these.
func FromDebug(flags []string) *Message {
	return &Message{Type: Debug, Exts: []Ext{Text{KindDebug, strings.Join(flags, ",")}}}
}

// Debug returns what FromDebug was given.
func (m *Message) Debug() []string {
	t, _ := find[Text](m, KindDebug)
	if t.Text == "" {
		return nil
	}
	return strings.Split(t.Text, ",")
}

// FromSettings returns a message that carries the settings.
func FromSettings(s klips.Settings) *Message {
	return &Message{Type: Settings, Exts: []Ext{Switches{s.FragICMP, s.HideTOS}, Text{KindDebug, strings.Join(s.Debug, ",")}}}
}

// Settings returns what FromSettings was given.
func (m *Message) Settings() klips.Settings {
	s, _ := find[Switches](m, KindSettings)
	return klips.Settings{FragICMP: s.FragICMP, HideTOS: s.HideTOS, Debug: m.Debug()}
}

// Why returns the words that go with the error of a reply; "" when there are none.
func (m *Message) Why() string {
	t, _ := find[Text](m, KindError)
	return t.Text
}

// FromEvent returns the notification of an event.
func FromEvent(ev klips.Event) (*Message, error) {
	switch ev := ev.(type) {
	case klips.Acquire:
		m := &Message{Type: Acquire}
		if err := m.addFlow(KindSrcFlow, KindDstFlow, ev.Packet); err != nil {
			return nil, err
		}
		m.addIdent(ev.Ident)
		return m, m.addFlow(KindTrapSrc, KindTrapDst, ev.Trap)
	case klips.Expire:
		m, err := FromSAID(Expire, ev.ID)
		if err != nil {
			return nil, err
		}
		m.addUsage(ev.Usage)
		if ev.Hard {
			m.add(Lifetime{Of: KindHard})
		} else {
			m.add(Lifetime{Of: KindSoft})
		}
		return m, nil
	case klips.NewMapping:
		m, err := FromSAID(NewMapping, ev.ID)
		if err != nil {
			return nil, err
		}
		m.add(Address{Of: KindSrc, Bits: uint8(ev.Old.Addr().BitLen()), Addr: ev.Old.Addr(), Port: ev.Old.Port()})
		m.add(Address{Of: KindNewDst, Bits: uint8(ev.New.Addr().BitLen()), Addr: ev.New.Addr(), Port: ev.New.Port()})
		return m, nil
	}
	return nil, invalid("unknown event %T", ev)
}

// Event returns what FromEvent was given.
func (m *Message) Event() (klips.Event, error) {
	switch m.Type {
	case Acquire:
		p, err := m.Flow()
		if err != nil {
			return nil, err
		}
		trap, err := m.flow(KindTrapSrc, KindTrapDst)
		return klips.Acquire{Packet: p, Trap: trap, Ident: m.ident()}, err
	case Expire:
		id, err := m.SAID()
		if err != nil {
			return nil, err
		}
		u, err := m.usage()
		_, hard := find[Lifetime](m, KindHard)
		return klips.Expire{ID: id, Hard: hard, Usage: u}, err
	case NewMapping:
		id, err := m.SAID()
		was, ok1 := find[Address](m, KindSrc)
		is, ok2 := find[Address](m, KindNewDst)
		if err == nil && (!ok1 || !ok2) {
			err = invalid("%v names no addresses", m.Type)
		}
		return klips.NewMapping{ID: id, Old: netip.AddrPortFrom(was.Addr, was.Port), New: netip.AddrPortFrom(is.Addr, is.Port)}, err
	}
	return nil, invalid("%v is no event", m.Type)
}

// Failure returns the answer to m that carries an error: its errno, EIO when
// it wraps none, and its words.
func (m *Message) Failure(err error) *Message {
	r := m.Reply()
	r.Errno = errnoOf(err)
	if why := clean(err.Error(), 1000); why != "" {
		r.add(Text{KindError, why})
	}
	return r
}
