package ikev2

import (
	"encoding/binary"
	"errors"
	"slices"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
	"ipsec/pluto/ikev2/fault"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/offer"
	"ipsec/pluto/suite"
	"ipsec/pluto/traffic"
)

// createChild makes a Child SA, new or in place of another: as part of IKE_AUTH,
// or by CREATE_CHILD_SA (RFC 7296, sections 1.3.1 and 1.3.3).
type createChild struct {
	conn      *pluto.Connection
	packet    *klips.Selector // that asked for it
	old       *child          // to be replaced; nil for a new one
	rival     *rivalChild     // the peer replaces it, too
	tries     int
	cancelled bool // nobody wants it any more
	proposed  bool // it is asked for in IKE_AUTH, under way
	draft
}

// draft is what we have proposed.
type draft struct {
	policy        offer.Policy
	spi           uint32
	cpi           uint16
	local, remote []traffic.Selector
	private       suite.PrivateKey
	group         uint16 // of private, or the one that the peer wants
	nonce         []byte
}

func (*createChild) kind() message.ExchangeType { return message.CreateChildSA }
func (x *createChild) child() *createChild      { return x }
func (*createChild) changesChildren() bool      { return true }

func (x *createChild) serves(conn *pluto.Connection) bool { return keyOf(x.conn) == keyOf(conn) }

// lost is called when the IKE SA has ended.
func (x *createChild) lost(m *Machine, s *ikeSA, c *cause) {
	x.release(m, s)
	if x.old == nil && !x.cancelled && !m.closed {
		m.failed(x.conn, s.serial, c)
	}
}

// release gives up what was reserved in the kernel.
func (x *createChild) release(m *Machine, s *ikeSA) {
	if x.spi != 0 {
		m.Connections.ReleaseSPI(protoOf(x.conn), s.local.Addr(), x.spi)
	}
	if x.cpi != 0 {
		m.Connections.ReleaseSPI(said.COMP, s.local.Addr(), uint32(x.cpi))
	}
	x.draft = draft{group: x.group}
}

// abandon ends an attempt that has failed: a new Child SA's waiters hear of it, and an
// old one lives on until it expires.
func (x *createChild) abandon(m *Machine, s *ikeSA, c *cause) {
	x.release(m, s)
	if x.old == nil {
		if !x.cancelled {
			m.failed(x.conn, s.serial, c)
		}
		return
	}
	x.old.rekeying = nil
	m.report(c.code, x.conn, x.old.serial, "failed to rekey the Child SA: %s", c.text)
	if r := x.rival; r != nil && r.made.latest().state == childLive && x.old.state == childLive {
		m.succeeded(x.old, r.made.latest())
		return
	}
	m.retryRekey(x.old)
}

func (x *createChild) request(m *Machine, s *ikeSA) ([]message.Payload, bool) {
	if x.old != nil && (x.old.state != childLive || x.old.sa != s) {
		if x.old.rekeying == x {
			x.old.rekeying = nil
		}
		return nil, false
	}
	return x.propose(m, s, false)
}

// propose returns the payloads that propose a Child SA, and false when it has come
// to nothing already.
func (x *createChild) propose(m *Machine, s *ikeSA, first bool) ([]message.Payload, bool) {
	sa, err := x.offer(m, s, first)
	if err != nil {
		x.abandon(m, s, causef(pluto.RCFatal, "%v", err).look(x.conn, suites(x.conn)))
		return nil, false
	}
	var payloads []message.Payload
	if x.old != nil {
		payloads = append(payloads, &message.Notify{MessageType: message.RekeySA, Protocol: protocolOf(x.old.Protocol), SPI: spiBytes(x.old.In.SPI)})
	}
	if x.cpi != 0 {
		payloads = append(payloads, ipcompPayload(x.cpi))
	}
	if x.conn.Mode == pluto.TransportMode {
		payloads = append(payloads, &message.Notify{MessageType: message.UseTransportMode})
	}
	payloads = append(payloads, sa)
	if !first {
		payloads = append(payloads, &message.Nonce{Data: x.nonce})
	}
	if x.private != nil {
		payloads = append(payloads, &message.KE{Group: x.group, Data: x.private.Public()})
	}
	x.selectors(s)
	return append(payloads,
		&message.TS{Initiator: true, Selectors: x.local},
		&message.TS{Selectors: x.remote}), true
}

// offer reserves an SPI and makes the SA payload, with a key exchange in CREATE_CHILD_SA
// where PFS is wanted.
func (x *createChild) offer(m *Machine, s *ikeSA, first bool) (*message.SA, error) {
	var err error
	if x.policy, err = m.childPolicy(x.conn, s, first); err != nil {
		return nil, err
	}
	if x.spi, err = m.Connections.ReserveSPI(protoOf(x.conn), s.remote.Addr(), s.local.Addr()); err != nil {
		return nil, err
	}
	if x.conn.Compress {
		cpi, err := m.Connections.ReserveSPI(said.COMP, s.remote.Addr(), s.local.Addr())
		if err != nil {
			return nil, err
		}
		x.cpi = uint16(cpi)
	}
	if !first {
		x.nonce = m.nonce()
		if x.group == 0 {
			x.group = groupFor(x.policy, s)
		}
		if x.group != 0 {
			g, err := suite.FindGroup(x.group)
			if err != nil {
				return nil, err
			}
			if x.private, err = g.Generate(m.Rand); err != nil {
				return nil, err
			}
		}
	}
	return x.policy.Offer(spiBytes(x.spi)), nil
}

// selectors sets the traffic to be proposed: the packet that asked for it first.
func (x *createChild) selectors(s *ikeSA) {
	x.local = traffic.Of(&x.conn.Local, s.local.Addr())
	x.remote = traffic.Of(&x.conn.Remote, s.remote.Addr())
	if p := x.packet; p != nil {
		local, remote := traffic.OfPacket(p.Src, p.Proto, p.SrcPort), traffic.OfPacket(p.Dst, p.Proto, p.DstPort)
		if traffic.Within([]traffic.Selector{local}, x.local) && traffic.Within([]traffic.Selector{remote}, x.remote) {
			x.local = append([]traffic.Selector{local}, x.local...)
			x.remote = append([]traffic.Selector{remote}, x.remote...)
		}
	}
}

// answered takes the response to CREATE_CHILD_SA.
func (x *createChild) answered(m *Machine, s *ikeSA, payloads []message.Payload) {
	if n := fault.First(message.All[*message.Notify](payloads)); n != nil {
		x.refused(m, s, n)
		return
	}
	nonce := message.First[*message.Nonce](payloads)
	if nonce == nil {
		x.abandon(m, s, causef(pluto.RCFatal, "the peer's response has no Nonce"))
		return
	}
	nonces := childNonces{ni: x.nonce, nr: nonce.Data}
	if ke := message.First[*message.KE](payloads); ke != nil && x.private != nil && ke.Group == x.group {
		var err error
		if nonces.shared, err = x.private.Shared(ke.Data); err != nil {
			x.abandon(m, s, causef(pluto.RCCrypto, "%v", err))
			return
		}
		defer clear(nonces.shared)
	}
	x.accept(m, s, payloads, nonces)
}

// answeredAuth takes what IKE_AUTH says of the Child SA in it. The IKE SA stands, whatever
// has become of that.
func (x *createChild) answeredAuth(m *Machine, s *ikeSA, payloads []message.Payload, nonces childNonces) {
	if message.First[*message.SA](payloads) != nil {
		x.accept(m, s, payloads, nonces)
		return
	}
	if n := fault.First(message.All[*message.Notify](payloads)); n != nil {
		x.abandon(m, s, refused(fault.Auth, "the Child SA in IKE_AUTH", n, x.conn))
		return
	}
	x.abandon(m, s, causef(pluto.RCFatal, "the peer's IKE_AUTH response has neither SA nor an error"))
}

// accept makes the Child SA that the peer has agreed to.
func (x *createChild) accept(m *Machine, s *ikeSA, payloads []message.Payload, nonces childNonces) {
	p, c := x.agree(payloads, nonces)
	var made *child
	if c == nil {
		lost := x.rival.beats(nonces)
		made, c = m.makeChild(s, p, !lost)
	}
	if c != nil {
		// The peer believes in it: it must hear that there is none.
		spi := x.spi
		m.queueDelete(s, protoOf(x.conn), spi)
		x.abandon(m, s, c)
		return
	}
	x.draft = draft{}
	if x.cancelled {
		m.deleteHere(made, pluto.DeletedHere)
		return
	}
	m.announce(made)
	if x.old != nil {
		m.replacedChild(s, x, made, nonces)
	}
}

// agree checks the response against what we have proposed.
func (x *createChild) agree(payloads []message.Payload, nonces childNonces) (plan, *cause) {
	sa, tsi, tsr := message.First[*message.SA](payloads), message.FindTS(payloads, true), message.FindTS(payloads, false)
	if sa == nil || tsi == nil || tsr == nil {
		return plan{}, causef(pluto.RCFatal, "the peer's response has no SA, TSi or TSr")
	}
	group := uint16(0)
	if nonces.shared != nil {
		group = x.group
	}
	chosen, err := x.policy.Check(sa, group)
	if err != nil {
		return plan{}, causef(pluto.RCFatal, "%v", err).look(x.conn, suites(x.conn))
	}
	if !traffic.Within(tsi.Selectors, x.local) || !traffic.Within(tsr.Selectors, x.remote) {
		return plan{}, causef(pluto.RCFatal, "the peer's traffic selectors %v and %v are not within ours", traffic.Brief(tsi.Selectors), traffic.Brief(tsr.Selectors)).look(x.conn, "leftsubnet", "rightsubnet")
	}
	p := plan{conn: x.conn, chosen: chosen, spi: x.spi, local: traffic.Narrow(x.local, tsi.Selectors), remote: traffic.Narrow(x.remote, tsr.Selectors), nonces: nonces, initiator: true, old: x.old}
	transport := message.FindNotify(payloads, message.UseTransportMode) != nil
	if transport != (x.conn.Mode == pluto.TransportMode) {
		return plan{}, causef(pluto.RCFatal, "the peer does not agree to the mode of the SA: type= of both ends must be the same").look(x.conn, "type")
	}
	p.mode = x.conn.Mode
	if len(traffic.Flows(p.local, p.remote)) == 0 {
		return plan{}, causef(pluto.RCFatal, "the traffic selectors %v and %v are no flows, or more than %d", traffic.Brief(p.local), traffic.Brief(p.remote), traffic.MaxFlows).look(x.conn, "leftsubnet", "rightsubnet")
	}
	if n := message.FindNotify(payloads, message.IPCOMPSupported); n != nil && x.cpi != 0 {
		if cpi, ok := deflateCPI(n); ok {
			p.cpi, p.peerCPI = x.cpi, cpi
		}
	}
	return p, nil
}

// deflate is the only compression of KLIPS, by its number in IPCOMP_SUPPORTED.
const deflate = 2

func ipcompPayload(cpi uint16) *message.Notify {
	return &message.Notify{MessageType: message.IPCOMPSupported, Data: append(binary.BigEndian.AppendUint16(nil, cpi), deflate)}
}

// deflateCPI returns the CPI of an offer to compress by deflate.
func deflateCPI(n *message.Notify) (uint16, bool) {
	if len(n.Data) != 3 || n.Data[2] != deflate {
		return 0, false
	}
	return binary.BigEndian.Uint16(n.Data), true
}

// maxTries bounds how often a request is asked again that the peer could not do just then.
const maxTries = 8

// refused takes an error in place of a Child SA.
func (x *createChild) refused(m *Machine, s *ikeSA, n *message.Notify) {
	switch n.MessageType {
	case message.InvalidKEPayload:
		if len(n.Data) == 2 && x.tries < maxTries {
			group := binary.BigEndian.Uint16(n.Data)
			if slices.Contains(x.policy.Groups(), group) && group != x.group {
				x.release(m, s)
				x.group = group
				x.tries++
				m.start(s, x)
				return
			}
		}
	case message.TemporaryFailure:
		if x.rival == nil && x.tries < maxTries {
			x.release(m, s)
			x.tries++
			m.deferred(s, x)
			return
		}
	}
	if x.old != nil && x.refusedRekey(m, s, n) {
		return
	}
	c := refusedBy(message.CreateChildSA, n, x.conn)
	x.abandon(m, s, c)
}

// wrongGroup returns the answer to a key exchange in another group than the chosen one.
func wrongGroup(err error) *cause {
	if w, ok := errors.AsType[*offer.WrongGroup](err); ok {
		c := refusal(message.InvalidKEPayload, "%v", err)
		c.data = binary.BigEndian.AppendUint16(nil, w.Want)
		return c
	}
	return refusal(message.NoProposalChosen, "%v", err)
}
