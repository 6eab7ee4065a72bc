package ikev2

import (
	"slices"

	"ipsec/conf/proposal"
	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/offer"
)

// ikePolicy returns what conn offers and accepts for IKE SAs.
func (m *Machine) ikePolicy(conn *pluto.Connection) (offer.Policy, error) {
	if len(conn.IKE.Proposals) == 0 {
		if m.defaultIKE == nil {
			p, err := offer.ForIKE(conn.IKE)
			if err != nil {
				return p, err
			}
			m.defaultIKE = &p
		}
		return *m.defaultIKE, nil
	}
	// A connection and its instances share the proposals, which never change.
	first := &conn.IKE.Proposals[0]
	if p, made := m.policies[first]; made {
		return p, nil
	}
	p, err := offer.ForIKE(conn.IKE)
	if err == nil {
		if len(m.policies) >= maxPolicies { // those of connections that are no more among them
			clear(m.policies)
		}
		m.policies[first] = p
	}
	return p, err
}

// maxPolicies bounds how many are kept.
const maxPolicies = 1 << 14

// childPolicy returns what conn offers and accepts for Child SAs; first, for the one
// of IKE_AUTH. With pfs=yes, groups come from pfsgroup=, which are then demanded, else
// that of the IKE SA, without which a peer may do: one that knows nothing of pfs=,
// as strongSwan with its default proposals, could never rekey otherwise.
func (m *Machine) childPolicy(conn *pluto.Connection, s *ikeSA, first bool) (offer.Policy, error) {
	want := offer.Child{Protocol: message.ProtocolESP, List: conn.ESP, ESN: conn.ESN, First: first}
	if conn.Protocol == pluto.AH {
		want.Protocol = message.ProtocolAH
	}
	if !first {
		groups := []string{s.suite.Group.Name, "none"}
		if conn.PFSGroup != "" {
			parsed, err := proposal.ParseGroup(conn.PFSGroup)
			if err != nil {
				return offer.Policy{}, err
			}
			groups = parsed
		}
		if conn.PFS {
			want.Groups = groups
		} else {
			want.AlsoGroups = groups
		}
	}
	plain := len(conn.ESP.Proposals) == 0 && conn.ESN == 0 && first && conn.Protocol == pluto.ESP
	if plain && m.defaultESP != nil {
		return *m.defaultESP, nil
	}
	p, err := offer.ForChild(want)
	if plain && err == nil {
		m.defaultESP = &p
	}
	return p, err
}

// groupFor returns the group to exchange keys in, first that of the IKE SA, which the
// peer has accepted once; 0 for none.
func groupFor(p offer.Policy, s *ikeSA) uint16 {
	groups := p.Groups()
	switch {
	case len(groups) == 0:
		return 0
	case slices.Contains(groups, s.suite.Group.ID):
		return s.suite.Group.ID
	}
	return groups[0]
}
