package ikev2

import (
	"errors"
	"fmt"
	"slices"

	"ipsec/pluto"
	"ipsec/pluto/credential"
	"ipsec/pluto/ikev2/fault"
	"ipsec/pluto/ikev2/message"
)

// A cause is why something has failed, in one line for a person.
type cause struct {
	code   int // of whack
	text   string
	notify message.NotifyType // what the peer is told; 0: nothing
	data   []byte
	byPeer bool // it is the peer who has said so, and ended what it is about
}

func (c *cause) Error() string { return c.text }

func causef(code int, format string, args ...any) *cause {
	return &cause{code: code, text: fmt.Sprintf(format, args...)}
}

// refusal is a cause that the peer is told of by a notification.
func refusal(t message.NotifyType, format string, args ...any) *cause {
	return &cause{code: pluto.RCNotification + int(t), text: fmt.Sprintf(format, args...), notify: t}
}

// notification returns the payload that tells the peer.
func (c *cause) notification() []message.Payload {
	if c.notify == 0 {
		return nil
	}
	return []message.Payload{&message.Notify{MessageType: c.notify, Data: c.data}}
}

// look adds the keywords of the conn, if it is known, that say what did not fit.
func (c *cause) look(conn *pluto.Connection, keywords ...string) *cause {
	if conn != nil && len(keywords) > 0 {
		c.text += "; see " + conn.See(keywords...)
	}
	return c
}

// suites are the keywords of what a Child SA of conn may use.
func suites(conn *pluto.Connection) string {
	if conn != nil && conn.Protocol == pluto.AH {
		return "ah"
	}
	return "esp"
}

// refused is a cause that the peer has named by a notification in its response to x, or to what
// part says of x, where that is not all.
func refused(at fault.Place, part string, n *message.Notify, conn *pluto.Connection) *cause {
	c := causef(pluto.RCNotification+int(n.MessageType), "the peer refused %s: %s", part, n.MessageType)
	if at == fault.Request {
		c.text = fmt.Sprintf("the peer has ended %s: %s", part, n.MessageType)
	}
	c.byPeer = true
	text, keywords := fault.Says(n.MessageType, at)
	if text != "" {
		c.text += " (" + text + ")"
	}
	for i, k := range keywords {
		if k == fault.Suites {
			keywords = slices.Clone(keywords)
			keywords[i] = suites(conn)
		}
	}
	return c.look(conn, keywords...)
}

// refusedBy is refused for all of a response to x.
func refusedBy(x message.ExchangeType, n *message.Notify, conn *pluto.Connection) *cause {
	return refused(fault.PlaceOf(x), x.String(), n, conn)
}

// ended returns why an IKE SA has ended, where one of the payloads that came at a place says so; nil
// where none does.
func ended(at fault.Place, part string, payloads []message.Payload, conn *pluto.Connection) *cause {
	if n, ends := fault.Ends(message.All[*message.Notify](payloads), at); ends {
		return refused(at, part, n, conn)
	}
	return nil
}

// noAnswer is why a request that nobody answers has failed.
func noAnswer(s *ikeSA, r *request) *cause {
	c := causef(pluto.RCNoRetransmit, "%s: no answer from %s to %d requests of %s", s.state.name(), s.remote, r.sent, r.exchange.kind())
	if s.conn == nil {
		return c
	}
	switch s.state {
	case initSent:
		c.text += "; is it up, and do firewalls let UDP 500 through?"
		return c.look(s.conn, "right")
	case authSent:
		c.text += "; it may have refused us without a word, or firewalls drop UDP 4500 or large packets"
	}
	return c
}

// authCause adds where to look to an error of Credentials.
func authCause(err error, conn *pluto.Connection) *cause {
	c := refusal(message.AuthenticationFailed, "%v", err)
	c.code = pluto.RCAuthFailed
	var e *credential.Error
	if errors.As(err, &e) {
		switch e.Reason {
		case credential.NoSecret, credential.WrongSecret:
			return c.look(conn, "leftid", "rightid")
		case credential.NoCert, credential.NoPrivateKey:
			return c.look(conn, "leftcert")
		case credential.UnknownCA:
			return c.look(conn, "rightca")
		case credential.IDMismatch:
			return c.look(conn, "rightid")
		case credential.NoMethod, credential.WrongMethod:
			return c.look(conn, "authby")
		}
	}
	return c
}

// fail ends an IKE SA that has failed, and says why, once: to those who
// waited for it, or, where it was established, in a line of its own.
func (m *Machine) fail(s *ikeSA, c *cause) {
	if !s.awaited() && s.state != deleting && s.state != replaced {
		m.report(c.code, s.conn, s.serial, "%s%s", m.from(s), c.text)
	}
	m.drop(s, pluto.PeerDead, c)
}

// awaited reports whether somebody waits for a Child SA under s, and so will hear of its end.
func (s *ikeSA) awaited() bool {
	return slices.ContainsFunc(s.all(), func(x exchange) bool { return asksNew(x) && !x.child().cancelled })
}
