package ikev2

import (
	"time"

	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/limit"
)

// Anybody can send IKE_SA_INIT from any address. What that comes to is bounded in three ways: who has a
// few half-open IKE SAs already has to show by a cookie that it is at its address, and is never met
// with silence; all that is kept of those who have not proved who they are has one bound in
// bytes; and what is sent to an address is not much more than what came from there.

const (
	// maxRepeats bounds how often the answer to one IKE_SA_INIT is sent again. Peers send a
	// request five to ten times, in longer and longer intervals.
	maxRepeats = 8
	// repeatGap is the least time between two of them.
	repeatGap = 250 * time.Millisecond
)

// mostOfOne is how many half-open IKE SAs an address may have that has returned a cookie, or a /64 of
// IPv6: with each comes a key exchange, which takes time. Of a thousand peers behind one address few
// are half open at a time.
const mostOfOne = 1 << 10

// halfOpenSize is about what a half-open IKE SA takes, its keys and ciphers included, beside messages.
const halfOpenSize = 5 << 10

// admit reports whether an IKE_SA_INIT request goes on, and whether its sender has shown that it is at
// its address. One that has not, where there are many already, is asked to.
func (m *Machine) admit(d pluto.Datagram, h message.Header, msg *message.Message, nonce *message.Nonce) (seen, admitted bool) {
	cookie, n := message.FindNotify(msg.Payloads, message.Cookie), m.unproved.Count(d.Remote.Addr())
	switch seen = cookie != nil && m.goodCookie(cookie.Data, d, h.InitiatorSPI, nonce.Data); {
	case seen && n >= mostOfOne:
		m.limited("packet from %s: IKE_SA_INIT has to wait: %d half-open IKE SAs with %s, the limit", d.Remote, n, limit.Neighbourhood(d.Remote.Addr()))
		fallthrough
	case !seen && (len(m.halfOpen) >= m.Limits.Cookies || n >= m.Limits.PerPeer):
		m.askCookie(d, h, nonce)
		return seen, false
	}
	return seen, true
}

// askCookie answers an IKE_SA_INIT request with a cookie. Nothing is kept for it.
func (m *Machine) askCookie(d pluto.Datagram, h message.Header, nonce *message.Nonce) {
	m.reply(d, h, &message.Notify{MessageType: message.Cookie, Data: m.cookieFor(d, h.InitiatorSPI, nonce.Data)})
}

// mayRepeat reports whether the answer to IKE_SA_INIT is sent once more.
func (m *Machine) mayRepeat(s *ikeSA) bool {
	if s.handshake.repeats == maxRepeats || m.now.UnixNano() < s.repeated+int64(repeatGap) {
		return false
	}
	s.handshake.repeats++
	s.repeated = m.now.UnixNano()
	return true
}

// measure counts what is kept of a peer that has not proved who it is. Where that is too much for all
// of them together, some go: the oldest of those from where most has come.
func (m *Machine) measure(s *ikeSA) {
	h := s.handshake
	if h == nil || s.state == gone {
		return
	}
	size := 0
	if !s.initiator { // or else it is there because we want it
		size = halfOpenSize + len(h.request)
		for _, b := range s.answer {
			size += len(b)
		}
	}
	if s.reassembler != nil {
		size += s.reassembler.Size()
	}
	switch {
	case s.unproved != nil:
		m.unproved.Resize(s.unproved, size)
	case size > 0:
		s.unproved = m.unproved.Add(s.remote.Addr(), s, size)
	}
	for {
		who, over := m.unproved.Excess()
		if !over {
			return
		}
		m.makeRoom(who)
	}
}

// makeRoom drops what is kept of a peer: all, but of one that we have called only the fragments that it
// has sent.
func (m *Machine) makeRoom(who *limit.Member[*ikeSA]) {
	s := who.Value
	m.unproved.Remove(who)
	s.unproved = nil
	if s.initiator {
		s.reassembler = nil
		return
	}
	m.limited("packet from %s: dropped a half-open IKE SA: %d others take %d bytes, the limit", s.remote, m.unproved.Len(), m.Limits.Unproved)
	m.forget(s)
}

// proved takes an IKE SA from those whose peers have not proved who they are: it has, or it ends.
func (m *Machine) proved(s *ikeSA) {
	if s.unproved != nil {
		m.unproved.Remove(s.unproved)
		s.unproved = nil
	}
	if s.handshake != nil && m.halfOpen[s.handshake.key] == s {
		delete(m.halfOpen, s.handshake.key)
	}
}
