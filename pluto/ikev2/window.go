package ikev2

import (
	"hash/maphash"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
)

// window is the two directions of requests on an IKE SA, both of size 1 (RFC
// 7296, section 2.3): one request of ours under way, and one answer of ours
// kept, to be sent again byte for byte.
type window struct {
	nextID   uint32   // of our next request
	underWay *request // ours
	queue    []exchange
	later    []exchange // to be asked again in a while

	expected  uint32   // the ID of the peer's next request
	answer    [][]byte // to the request before it
	question  uint64   // hash of the first message of that request
	firstHash uint64   // of the request that is being put together from fragments
	asked     path     // where that request came from, which the answer goes to
}

// request is a request of ours on its way.
type request struct {
	exchange exchange
	id       uint32
	messages [][]byte
	sent     int       // so many times
	began    time.Time // when it was sent first
}

// tasks returns all exchanges, the one under way first.
func (w *window) tasks() []exchange {
	var all []exchange
	if w.underWay != nil {
		all = append(all, w.underWay.exchange)
	}
	return append(all, w.queue...)
}

// busy reports whether an exchange is under way that makes, renews or deletes Child SAs.
func (w *window) busy() bool {
	return w.underWay != nil && w.underWay.exchange.changesChildren()
}

// The limits of retransmission: half a second, doubled each time, is given up
// after a minute and four seconds.
const (
	firstWait  = 500 * time.Millisecond
	maxSending = 7
)

// ask puts an exchange into the queue of s, and starts it if it can be.
func (m *Machine) ask(s *ikeSA, x exchange) {
	s.queue = append(s.queue, x)
	m.advance(s)
}

// advance starts the next exchange of the queue unless one is under way.
func (m *Machine) advance(s *ikeSA) {
	for s.state == established && s.underWay == nil && len(s.queue) > 0 {
		x := s.queue[0]
		s.queue[0] = nil
		if s.queue = s.queue[1:]; len(s.queue) == 0 {
			s.queue = nil
		}
		m.start(s, x)
	}
}

// start starts an exchange at once. None is under way.
func (m *Machine) start(s *ikeSA, x exchange) {
	payloads, ok := x.request(m, s)
	if !ok || s.state == gone || s.underWay != nil {
		return
	}
	s.underWay = &request{exchange: x, id: s.nextID}
	s.nextID++
	m.say(s, payloads)
}

// say sends the request under way, or sends it anew with other payloads.
func (m *Machine) say(s *ikeSA, payloads []message.Payload) {
	r := s.underWay
	var err error
	if r.messages, err = m.encode(s, s.header(r.exchange.kind(), r.id, false), payloads); err != nil {
		m.fail(s, causef(pluto.RCInternal, "%v", err))
		return
	}
	if r.exchange.kind() == message.IKESAInit {
		s.handshake.request = r.messages[0]
	}
	r.sent = 0
	m.transmit(s)
}

// transmit sends the request under way once more.
func (m *Machine) transmit(s *ikeSA) {
	r := s.underWay
	if r.sent == 0 {
		r.began = m.now
	}
	m.send(s, r.messages)
	if s.elsewhere != (path{}) {
		m.sendBy(s.elsewhere, r.messages)
	}
	wait := firstWait << r.sent
	if end, bounded := r.end(s); bounded {
		wait = min(wait, end.Sub(m.now))
	}
	m.after(&s.alarm, atRetransmit, wait)
	if r.sent++; r.sent == slowAfter && s.state < established && s.initiator {
		m.yield(s)
	}
}

// end returns when an established peer counts as dead that has not answered:
// dpdtimeout= after it was asked first, where that comes into play.
func (r *request) end(s *ikeSA) (time.Time, bool) {
	if s.state != established || s.conn.DPD.Delay <= 0 || s.conn.DPD.Timeout <= 0 {
		return time.Time{}, false
	}
	return r.began.Add(s.conn.DPD.Timeout), true
}

// settled ends the exchange under way, which has been answered.
func (m *Machine) settled(s *ikeSA) exchange {
	x := s.underWay.exchange
	s.underWay = nil
	m.set(&s.alarm, atRetransmit, time.Time{})
	return x
}

// unanswered is called when the answer to the request under way is due.
func (m *Machine) unanswered(s *ikeSA) {
	r := s.underWay
	if r == nil {
		return
	}
	if h := s.handshake; h != nil && h.hint != nil {
		m.fail(s, h.hint)
		return
	}
	if end, bounded := r.end(s); r.sent < maxSending && !(bounded && !m.now.Before(end)) {
		m.transmit(s)
		if s.conn != nil && (r.sent == 4 || r.sent == 6) && s.state != deleting && s.state != replaced {
			m.report(pluto.RCRetransmission, s.conn, s.serial, "%s: retransmission %d of the %s request; %s does not answer", s.state.name(), r.sent-1, r.exchange.kind(), s.remote)
		}
		return
	}
	switch s.state {
	case deleting, replaced:
		m.drop(s, pluto.PeerDead, causef(pluto.RCNoRetransmit, "the peer does not answer"))
	default:
		m.fail(s, noAnswer(s, r))
	}
}

// remember keeps the answer to the request that came in the message with that hash, and sends it.
func (m *Machine) remember(s *ikeSA, question uint64, answer [][]byte) {
	s.question, s.answer = question, answer
	s.expected++
	m.sendBy(s.asked, answer)
	m.sentSomething(s)
	m.after(&s.alarm, atLinger, answerKept)
}

// hash tells a retransmitted request from another of the same ID.
func (m *Machine) hash(b []byte) uint64 { return maphash.Bytes(m.seed, b) }

// send sends the messages of one request or answer.
func (m *Machine) send(s *ikeSA, messages [][]byte) {
	m.sendBy(s.path(), messages)
	m.sentSomething(s)
}

// sendBy sends them by a path. An answer goes where its request came from (RFC 7296, section 2.11).
func (m *Machine) sendBy(p path, messages [][]byte) {
	for _, b := range messages {
		m.sendTo(pluto.Datagram{Local: p.local, Remote: p.remote, Payload: b})
	}
}

// sendTo sends a datagram. One that cannot be sent is like one that is lost.
func (m *Machine) sendTo(d pluto.Datagram) {
	if err := m.Transport.Send(d); err != nil {
		m.limited("failed to send to %s: %v", d.Remote, err)
	}
}

// encode encodes a message, sealed once there are keys.
func (m *Machine) encode(s *ikeSA, h message.Header, payloads []message.Payload) ([][]byte, error) {
	if h.Exchange == message.IKESAInit {
		b, err := (&message.Message{Header: h, Payloads: payloads}).Marshal()
		return [][]byte{b}, err
	}
	if size, ok := s.fragmentSize(); ok {
		return message.SealFragments(h, payloads, s.out, size)
	}
	b, err := message.Seal(nil, h, payloads, s.out)
	return [][]byte{b}, err
}

// fragmentSize returns how long a message may be that is not to be fragmented on the way by
// IP: packets of 1280 bytes pass everywhere in IPv6, and nearly everywhere in IPv4.
func (s *ikeSA) fragmentSize() (int, bool) {
	if !s.fragments || s.conn != nil && s.conn.Fragmentation == pluto.FragmentationNo {
		return 0, false
	}
	const udpAndMarker = 8 + 4
	if s.remote.Addr().Is4() {
		return 1280 - 20 - udpAndMarker, true
	}
	return 1280 - 40 - udpAndMarker, true
}
