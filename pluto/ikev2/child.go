package ikev2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ipsec/klips/said"
	"ipsec/pluto"
	"ipsec/pluto/alarm"
	"ipsec/pluto/ikev2/keys"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/offer"
	"ipsec/pluto/suite"
	"ipsec/pluto/traffic"
)

// child is a Child SA.
type child struct {
	serial      int // of reports: #1
	alarm       alarm.Alarm[owner]
	pluto.Child // what Connections knows of it
	sa          *ikeSA
	state       childState
	initiator   bool         // of the exchange that made it
	rekeying    *createChild // ours, that is to replace it
	successor   *child       // once replaced
	before      []*child     // those that it has replaced and that packets may still come in by
	chosen      string
	since       time.Time
	born        birth
}

// childNonces are the nonces of the exchange that makes a Child SA, and the secret of a
// key exchange in it.
type childNonces struct{ ni, nr, shared []byte }

// birth is the request of the peer that a Child SA was made by. Until the peer asks for something
// else, it may not have our answer, and so may not know of the Child SA: to ask
// for another in its place, or to delete it, would come to nothing there.
type birth struct {
	sa       *ikeSA
	expected uint32    // ID of the next request
	until    time.Time // when it has our answer, or has sent its request again
}

// unknown reports whether the peer may not know of the Child SA.
func (b birth) unknown(m *Machine, s *ikeSA) bool {
	return b.sa == s && s != nil && s.expected == b.expected && (m.now.Before(b.until) || m.now.UnixNano() < s.repeated+int64(answerKept))
}

// plan is a Child SA that both ends have agreed on.
type plan struct {
	conn          *pluto.Connection
	mode          pluto.Mode
	chosen        offer.Chosen
	spi           uint32
	cpi, peerCPI  uint16
	local, remote []traffic.Selector
	nonces        childNonces
	initiator     bool
	old           *child
}

func protoOf(conn *pluto.Connection) said.Proto {
	if conn.Protocol == pluto.AH {
		return said.AH
	}
	return said.ESP
}

func protocolOf(p said.Proto) message.Protocol {
	if p == said.AH {
		return message.ProtocolAH
	}
	return message.ProtocolESP
}

// makeChild sets the SAs of a plan in the kernel; use, to send by them at once.
func (m *Machine) makeChild(s *ikeSA, p plan, use bool) (*child, *cause) {
	algorithms, err := suite.NewChild(p.chosen.Child())
	if err != nil {
		return nil, refusal(message.NoProposalChosen, "%v", err).look(p.conn, suites(p.conn))
	}
	c := &child{sa: s, state: childLive, initiator: p.initiator, chosen: p.chosen.String(), since: m.now}
	c.serial = m.Serial()
	c.alarm.Owner, c.alarm.Serial = c, c.serial
	toResponder, toInitiator := keys.ForChild(algorithms, s.suite.PRF, s.d, keys.Exchange{Ni: p.nonces.ni, Nr: p.nonces.nr, Shared: p.nonces.shared})
	if p.initiator {
		toResponder, toInitiator = toInitiator, toResponder
	}
	c.Child = pluto.Child{
		Conn: p.conn, Serial: c.serial, Protocol: protoOf(p.conn), Mode: p.mode, ESN: p.chosen.ESN,
		Local: s.local.Addr(), Remote: s.remote.Addr(), Encap: s.encap(),
		In:    pluto.ChildKeys{SPI: p.spi, CPI: p.cpi, Enc: algorithms.Enc, EncKey: toResponder.EncKey, Auth: algorithms.Auth, AuthKey: toResponder.AuthKey},
		Out:   pluto.ChildKeys{SPI: binary.BigEndian.Uint32(p.chosen.SPI), CPI: p.peerCPI, Enc: algorithms.Enc, EncKey: toInitiator.EncKey, Auth: algorithms.Auth, AuthKey: toInitiator.AuthKey},
		Flows: traffic.Flows(p.local, p.remote), Answered: !p.initiator,
	}
	if p.old != nil {
		c.Replaces = &p.old.Child
	}
	if err := m.Connections.Install(&c.Child, use); err != nil {
		c.In.Clear()
		c.Out.Clear()
		if foreign, ok := errors.AsType[*pluto.TrafficError](err); ok {
			return nil, refusal(message.TSUnacceptable, "%v", foreign).look(p.conn, "leftsubnet", "rightsubnet")
		}
		return nil, refusal(message.NoAdditionalSAs, "failed to set the SAs in the kernel: %v", err)
	}
	c.Replaces = nil
	if !p.initiator {
		c.born = birth{s, s.expected + 1, m.now.Add(answerSure)}
	}
	s.children = append(s.children, c)
	m.children[&c.Child] = c
	m.startChildTimers(c)
	return c, nil
}

// removeChild takes a Child SA away, here, and before it those that it has replaced:
// what becomes of the flows is decided by why it goes, not they.
func (m *Machine) removeChild(c *child, why pluto.Reason) {
	for _, old := range slices.Clone(c.before) {
		old.settleDelete()
		m.removeChild(old, pluto.Replaced)
	}
	c.before = nil
	if s := c.successor; s != nil {
		s.before = slices.DeleteFunc(s.before, func(o *child) bool { return o == c })
	}
	m.detach(c)
	m.becomeChild(c, childGone)
	if m.children[&c.Child] != c {
		return
	}
	m.alarms.Clear(&c.alarm)
	delete(m.children, &c.Child)
	m.Connections.Remove(&c.Child, why)
	c.In.Clear()
	c.Out.Clear()
}

// detach takes a Child SA from its IKE SA.
func (m *Machine) detach(c *child) {
	if c.sa != nil {
		c.sa.children = slices.DeleteFunc(c.sa.children, func(o *child) bool { return o == c })
		c.sa = nil
	}
}

// inboundKept is how long packets may still come in by a Child SA that has been
// replaced and deleted.
const inboundKept = 5 * time.Second

// removeLater takes a Child SA that another has replaced away in a while: packets that were
// under way when it was deleted still come in.
func (m *Machine) removeLater(c *child) {
	if c.state == childGone {
		return
	}
	m.detach(c)
	m.becomeChild(c, childGone)
	m.alarms.Clear(&c.alarm)
	m.after(&c.alarm, atLinger, inboundKept)
	if s := c.successor; s != nil && s.state == childLive {
		m.use(s)
	}
}

// use sends by a Child SA that the peer is known to have.
func (m *Machine) use(c *child) {
	if err := m.Connections.Use(&c.Child); err != nil {
		m.report(pluto.RCInternal, c.Conn, c.serial, "failed to send by the new SAs: %v", err)
	}
}

// findOut returns the Child SA that the peer calls spi.
func (s *ikeSA) findOut(p message.Protocol, spi []byte) *child {
	if len(spi) != 4 {
		return nil
	}
	want := binary.BigEndian.Uint32(spi)
	for _, c := range s.children {
		if c.Out.SPI == want && protocolOf(c.Protocol) == p {
			return c
		}
	}
	return nil
}

func spiBytes(spi uint32) []byte { return binary.BigEndian.AppendUint32(nil, spi) }

// announce reports a Child SA that is in force.
func (m *Machine) announce(c *child) {
	m.watchAlike(c.sa)
	mode := "tunnel"
	if c.Mode == pluto.TransportMode {
		mode = "transport"
	}
	var more strings.Builder
	if c.In.CPI != 0 {
		fmt.Fprintf(&more, " IPCOMP=>0x%04x <0x%04x", c.Out.CPI, c.In.CPI)
	}
	if c.ESN {
		more.WriteString(" ESN")
	}
	natd := "none"
	if c.Encap.On() {
		natd = netip.AddrPortFrom(c.Remote, c.Encap.DstPort).String()
	}
	dpd := "passive"
	if c.Conn.DPD.Delay > 0 {
		dpd = "active"
	}
	encryption, integrity := c.transforms()
	m.Report(pluto.Report{
		Code: pluto.RCSuccess, Conn: c.Conn, Serial: c.serial, Outcome: pluto.Up,
		Text: fmt.Sprintf("%s: IPsec SA established %s mode {%s=>0x%08x <0x%08x xfrm=%s-%s%s NATD=%s DPD=%s}",
			childName, mode, strings.ToUpper(c.Protocol.String()), c.Out.SPI, c.In.SPI,
			encryption, integrity, more.String(), natd, dpd),
	})
}

// transforms returns the algorithms as Libreswan's users know them: AES_GCM_16_256, NONE.
func (c *child) transforms() (encryption, integrity string) {
	words := strings.Split(strings.ToUpper(c.chosen), "-")
	encryption, integrity = "NONE", "NONE"
	if c.Out.Enc != "" {
		encryption, words = words[0], words[1:]
	}
	if c.Out.Auth != "" && len(words) > 0 {
		integrity = words[0]
	}
	return encryption, integrity
}
