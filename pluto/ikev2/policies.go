package ikev2

import (
	"slices"

	"ipsec/conf/proposal"
	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/offer"
)

// listKey tells lists of proposals apart: connections that say the same share one, and those of a
// connection never change. The zero key is the default.
type listKey struct {
	first    *proposal.Proposal
	protocol message.Protocol
	esn      proposal.ESN
}

func keyOfList(list proposal.List, protocol message.Protocol, esn proposal.ESN) listKey {
	k := listKey{protocol: protocol, esn: esn}
	if len(list.Proposals) > 0 {
		k.first = &list.Proposals[0]
	}
	return k
}

// maxPolicies bounds how many are kept.
const maxPolicies = 1 << 14

// policy returns the policy of key, which build makes the first time.
func (m *Machine) policy(key listKey, build func() (offer.Policy, error)) (offer.Policy, error) {
	if p, made := m.policies[key]; made {
		return p, nil
	}
	p, err := build()
	if err == nil {
		if len(m.policies) >= maxPolicies { // those of connections that are no more among them
			clear(m.policies)
		}
		m.policies[key] = p
	}
	return p, err
}

// ikePolicy returns what conn offers and accepts for IKE SAs.
func (m *Machine) ikePolicy(conn *pluto.Connection) (offer.Policy, error) {
	return m.policy(keyOfList(conn.IKE, message.ProtocolIKE, 0), func() (offer.Policy, error) { return offer.ForIKE(conn.IKE) })
}

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
	if first {
		return m.policy(keyOfList(want.List, want.Protocol, want.ESN), func() (offer.Policy, error) { return offer.ForChild(want) })
	}
	return offer.ForChild(want)
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
