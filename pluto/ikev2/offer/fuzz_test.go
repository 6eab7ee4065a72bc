package offer

import (
	"slices"
	"strings"
	"testing"

	"ipsec/pluto/ikev2/message"
)

// FuzzChoose hands any SA payload to policies of all kinds. What is chosen is a
// proposal of the payload, with algorithms that are in it, and our own check of
// it agrees; a refusal is one short line.
func FuzzChoose(f *testing.F) {
	policies := []Policy{
		ike(f, "aes256gcm16-prfsha256-curve25519-modp2048,aes256-aes128-sha256-sha1-modp2048"),
		ike(f, "aes128gcm16-prfsha256-curve25519").Rekeying(),
		esp(f, "aes128gcm16,aes128-sha256", "modp2048", "none"),
		child(f, Child{Protocol: message.ProtocolESP, First: true}),
		child(f, Child{Protocol: message.ProtocolAH, AlsoGroups: []string{"modp2048"}}),
	}
	for _, p := range policies {
		for _, spi := range [][]byte{nil, testSPI, testIKESPI} {
			if b, err := (&message.Message{Payloads: []message.Payload{p.Offer(spi)}}).Marshal(); err == nil {
				f.Add(b[message.HeaderLen:], uint16(14))
			}
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte, group uint16) {
		offered := parse(payload)
		if offered == nil {
			return
		}
		for _, p := range policies {
			chosen, err := p.Choose(offered, group)
			if err != nil {
				if s := err.Error(); strings.Contains(s, "\n") || len(s) > 3000 {
					t.Errorf("a long line: %q", s)
				}
				continue
			}
			answer := chosen.Answer(chosen.SPI).Proposals[0]
			if !slices.ContainsFunc(offered.Proposals, func(q message.Proposal) bool {
				return q.Number == answer.Number && q.Protocol == answer.Protocol && string(q.SPI) == string(answer.SPI) &&
					!slices.ContainsFunc(answer.Transforms, func(t message.Transform) bool { return !slices.Contains(q.Transforms, t) })
			}) {
				t.Errorf("chose %+v of %+v", answer, offered)
			}
			if !p.offers(answer, group) && len(p.ways[0].also) < 2 {
				t.Errorf("chose %s, which is not on offer here: %s", chosen, p)
			}
		}
	})
}

// offers tells whether we would take the answer for one of our own proposals.
func (p Policy) offers(answer message.Proposal, group uint16) bool {
	for i := range p.ways {
		answer.Number = uint8(i + 1)
		if _, err := p.Check(&message.SA{Proposals: []message.Proposal{answer}}, group); err == nil {
			return true
		}
	}
	return false
}

// parse reads an SA payload with its generic header; nil where it is none.
func parse(payload []byte) *message.SA {
	b, err := (&message.Message{Payloads: []message.Payload{&message.Unknown{Number: message.TypeSA}}}).Marshal()
	if err != nil || len(payload) > message.MaxMessage-message.HeaderLen {
		return nil
	}
	b = append(b[:message.HeaderLen], payload...)
	b[26], b[27] = byte(len(b)>>8), byte(len(b))
	m, err := message.Parse(b)
	if err != nil {
		return nil
	}
	return message.First[*message.SA](m.Payloads)
}
