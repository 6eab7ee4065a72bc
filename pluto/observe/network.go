package observe

import (
	"fmt"

	"ipsec/klips"
	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/natt"
)

// transport decorates a pluto.Transport.
type transport struct {
	next pluto.Transport
	*Observer
}

// Transport watches messages that go out.
func (o *Observer) Transport(next pluto.Transport) pluto.Transport { return transport{next, o} }

// Send implements pluto.Transport.
func (t transport) Send(d pluto.Datagram) error {
	err := t.next.Send(d)
	switch {
	case natt.IsKeepalive(d.Payload):
		t.debug.Sayf(nat, "| keepalive %v -> %v: %s", d.Local, d.Remote, outcome(err))
		return err
	case err != nil:
		t.counts.Unsent++
	default:
		t.counts.Sent++
	}
	if t.debug.On(emitting | raw) {
		t.debug.Sayf(emitting, "| %v -> %v: %s: %s", d.Local, d.Remote, describe(d.Payload), outcome(err))
		t.debug.Sayf(raw, "| sent %x", d.Payload)
	}
	return err
}

// negotiator decorates a pluto.Negotiator.
type negotiator struct {
	pluto.Negotiator
	*Observer
}

// Negotiator watches messages that come in, and what Pluto is asked to begin.
func (o *Observer) Negotiator(next pluto.Negotiator) pluto.Negotiator { return negotiator{next, o} }

// Receive implements pluto.Negotiator.
func (n negotiator) Receive(d pluto.Datagram) {
	if natt.IsKeepalive(d.Payload) {
		n.debug.Sayf(nat, "| keepalive %v <- %v", d.Local, d.Remote)
	} else {
		n.counts.Received++
	}
	if n.debug.On(parsing | raw) {
		n.debug.Sayf(parsing, "| %v <- %v: %s", d.Local, d.Remote, describe(d.Payload))
		n.debug.Sayf(raw, "| came %x", d.Payload)
	}
	n.Negotiator.Receive(d)
}

// Initiate implements pluto.Negotiator.
func (n negotiator) Initiate(conn *pluto.Connection, packet *klips.Selector) {
	n.counts.Initiated++
	if packet == nil {
		n.debug.Sayf(control, "| initiate %v", conn)
	} else {
		n.debug.Sayf(control, "| initiate %v for a packet %v -> %v", conn, packet.Src, packet.Dst)
	}
	n.Negotiator.Initiate(conn, packet)
}

// describe returns what the header of a message says.
func describe(b []byte) string {
	h, err := message.ParseHeader(b)
	if err != nil {
		return fmt.Sprintf("%d bytes: %v", len(b), err)
	}
	return fmt.Sprintf("IKEv%d %s, SPIs %s and %s, %d bytes", h.Major(), h, h.InitiatorSPI, h.ResponderSPI, len(b))
}

func outcome(err error) string {
	if err != nil {
		return err.Error()
	}
	return "good"
}
