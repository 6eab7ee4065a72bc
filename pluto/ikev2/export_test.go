package ikev2

import "ipsec/pluto/ikev2/message"

// Intermediate puts n rounds of IKE_INTERMEDIATE before IKE_AUTH. What the peer says in
// them is appended to heard; with refuse, it is refused.
func (m *Machine) Intermediate(n int, heard *[]string, refuse bool) {
	m.rounds = func() []round {
		var list []round
		for range n {
			list = append(list, round{message.IKEIntermediate, parts{probe{heard: heard, refuse: refuse}}})
		}
		return append(list, rounds()...)
	}
}

// probe says who it is, and hears that of the peer.
type probe struct {
	silent
	heard  *[]string
	refuse bool
}

func (p probe) say(text string) ([]message.Payload, *cause) {
	return []message.Payload{&message.VendorID{Data: []byte(text)}}, nil
}

func (p probe) hear(t *turn) *cause {
	if v := message.First[*message.VendorID](t.payloads); v != nil {
		*p.heard = append(*p.heard, string(v.Data))
	}
	if p.refuse {
		return refusal(message.AuthenticationFailed, "the probe refuses")
	}
	return nil
}

func (p probe) ask(*turn) ([]message.Payload, *cause)    { return p.say("asked") }
func (p probe) answer(*turn) ([]message.Payload, *cause) { return p.say("answered") }
func (p probe) asked(t *turn) *cause                     { return p.hear(t) }
func (p probe) answered(t *turn) *cause                  { return p.hear(t) }

// Unproved returns how many bytes are counted for those who have not proved who they are.
func (m *Machine) Unproved() int { return m.unproved.Size() }

// Kept returns how many IKE SAs are in memory, those included that States does not show.
func (m *Machine) Kept() int { return len(m.sas) }
