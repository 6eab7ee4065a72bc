package ikev2

import (
	"encoding/binary"

	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/proof"
	"ipsec/pluto/natt"
)

// notify returns a notification without data.
func notify(t message.NotifyType) []message.Payload {
	return []message.Payload{&message.Notify{MessageType: t}}
}

// natDetection tells the peer what addresses we see, and compares what it sees (RFC 7296, section
// 2.23). With forceencaps= it is told a source that is none, so that it believes in a NAT.
type natDetection struct{ silent }

func (p natDetection) ask(t *turn) ([]message.Payload, *cause) {
	hash := natt.SHA1(t.sa.spiI, t.sa.spiR)
	source := hash(t.sa.local)
	if t.conn.ForceEncaps {
		t.random(source)
	}
	return []message.Payload{
		&message.Notify{MessageType: message.NATDetectionSourceIP, Data: source},
		&message.Notify{MessageType: message.NATDetectionDestinationIP, Data: hash(t.sa.remote)},
	}, nil
}

func (p natDetection) answer(t *turn) ([]message.Payload, *cause) { return p.ask(t) }

func (p natDetection) asked(t *turn) *cause {
	p.detect(t, message.SPI{}) // an initiator does not know ours yet
	return nil
}

func (p natDetection) answered(t *turn) *cause {
	p.detect(t, t.sa.spiR)
	if t.sa.nat.Encapsulates() && t.sa.local.Port() == natt.PortIKE {
		t.sa.float()
	}
	return nil
}

// detect takes what a peer says that knows our SPI as spiR. One that says nothing does
// not do NAT traversal.
func (natDetection) detect(t *turn, spiR message.SPI) {
	var sources, destinations [][]byte
	for _, n := range message.All[*message.Notify](t.payloads) {
		switch n.MessageType {
		case message.NATDetectionSourceIP:
			sources = append(sources, n.Data)
		case message.NATDetectionDestinationIP:
			destinations = append(destinations, n.Data)
		}
	}
	s := t.sa
	var spoke bool
	s.nat, spoke = natt.Detect(natt.SHA1(s.spiI, spiR), sources, destinations, s.local, s.remote)
	s.nat.Forced = spoke && t.conn.ForceEncaps
}

// fragmentation offers to send messages in fragments (RFC 7383).
type fragmentation struct{ silent }

func (fragmentation) ask(t *turn) ([]message.Payload, *cause) {
	if t.conn.Fragmentation == pluto.FragmentationNo {
		return nil, nil
	}
	return notify(message.IKEv2FragmentationSupported), nil
}

func (p fragmentation) answer(t *turn) ([]message.Payload, *cause) { return p.ask(t) }

func (fragmentation) asked(t *turn) *cause {
	t.sa.fragments = message.FindNotify(t.payloads, message.IKEv2FragmentationSupported) != nil && t.conn.Fragmentation != pluto.FragmentationNo
	return nil
}

func (p fragmentation) answered(t *turn) *cause { return p.asked(t) }

// signatureHashes tells the peer by what hashes it may sign (RFC 7427, section 4).
type signatureHashes struct{ silent }

func (signatureHashes) ask(*turn) ([]message.Payload, *cause) {
	var hashes []byte
	for _, h := range proof.Hashes() {
		hashes = binary.BigEndian.AppendUint16(hashes, h)
	}
	return []message.Payload{&message.Notify{MessageType: message.SignatureHashAlgorithms, Data: hashes}}, nil
}

func (p signatureHashes) answer(t *turn) ([]message.Payload, *cause) { return p.ask(t) }

func (signatureHashes) asked(t *turn) *cause {
	n := message.FindNotify(t.payloads, message.SignatureHashAlgorithms)
	if n == nil {
		return nil
	}
	h := t.sa.handshake
	h.hashes = []uint16{}
	for b := n.Data; len(b) >= 2 && len(h.hashes) < 16; b = b[2:] {
		h.hashes = append(h.hashes, binary.BigEndian.Uint16(b))
	}
	return nil
}

func (p signatureHashes) answered(t *turn) *cause { return p.asked(t) }

// childless says that we can do without a Child SA in IKE_AUTH (RFC 6023).
type childless struct{ silent }

func (childless) answer(*turn) ([]message.Payload, *cause) {
	return notify(message.ChildlessIKEv2Supported), nil
}

func (childless) answered(t *turn) *cause {
	t.sa.childless = message.FindNotify(t.payloads, message.ChildlessIKEv2Supported) != nil
	return nil
}
