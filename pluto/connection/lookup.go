package connection

import (
	"net/netip"
	"slices"
	"strings"

	"ipsec/conf/identity"
	"ipsec/conf/proposal"
	"ipsec/pluto"
)

// entries are in the order in which they were added.
type entries []*entry

func (l *entries) add(e *entry) {
	i, _ := slices.BinarySearchFunc(*l, e, older)
	*l = slices.Insert(*l, i, e)
}

func (l *entries) remove(e *entry) {
	if i, found := slices.BinarySearchFunc(*l, e, older); found && (*l)[i] == e {
		*l = slices.Delete(*l, i, i+1)
	}
}

// A party is the oriented connections between the same hosts, or with anybody at one of our
// addresses. What a peer may mean is found without going through all of them: there may be
// thousands behind one address.
type party struct {
	all    entries
	named  map[identity.ID]*entries        // by who the peer has to be
	others entries                         // whose peer may be several, or is named by a certificate
	offers map[*proposal.Proposal]*entries // to be negotiated by IKEv2, by what they take for an IKE SA
}

func newParty() *party {
	return &party{named: map[identity.ID]*entries{}, offers: map[*proposal.Proposal]*entries{}}
}

// nameOf returns who the peer of c has to be, where that is one identity that c itself names.
func nameOf(c *pluto.Connection) (identity.ID, bool) {
	id := expects(c)
	return id.Canonical(), id.OnWire() && !id.IsPattern()
}

// offerOf tells lists of proposals apart, which are shared where they say the same.
func offerOf(c *pluto.Connection) *proposal.Proposal {
	if len(c.IKE.Proposals) == 0 {
		return nil
	}
	return &c.IKE.Proposals[0]
}

func (p *party) add(e *entry) {
	p.all.add(e)
	if isShunt(e.conn) {
		return
	}
	if id, ok := nameOf(e.conn); ok {
		addTo(p.named, id, e)
	} else {
		p.others.add(e)
	}
	if e.conn.Versions.IKEv2 {
		addTo(p.offers, offerOf(e.conn), e)
	}
}

func (p *party) remove(e *entry) {
	p.all.remove(e)
	p.others.remove(e)
	if id, ok := nameOf(e.conn); ok {
		removeFrom(p.named, id, e)
	}
	removeFrom(p.offers, offerOf(e.conn), e)
}

// may returns those that a peer may mean who says that it is id, in order.
func (p *party) may(id identity.ID) entries {
	if p == nil {
		return nil
	}
	list := slices.Clone(p.others)
	if named := p.named[id.Canonical()]; named != nil {
		list = append(list, *named...)
		slices.SortFunc(list, older)
	}
	return list
}

// kinds returns the first of each kind of offer, in order.
func (p *party) kinds() (list entries) {
	if p == nil {
		return nil
	}
	for _, l := range p.offers {
		list = append(list, (*l)[0])
	}
	slices.SortFunc(list, older)
	return list
}

func addTo[K comparable](lists map[K]*entries, key K, e *entry) {
	if lists[key] == nil {
		lists[key] = new(entries)
	}
	lists[key].add(e)
}

func removeFrom[K comparable](lists map[K]*entries, key K, e *entry) {
	if l := lists[key]; l != nil {
		if l.remove(e); len(*l) == 0 {
			delete(lists, key)
		}
	}
}

// kin is what oriented connections have in common that may share an IKE SA.
type kin struct {
	hosts         pair
	local, remote identity.ID
	demand        pluto.Demand
	ways          string // in which we prove ourselves
}

func kinOf(c *pluto.Connection, hosts pair, remote identity.ID) kin {
	k := kin{hosts: hosts, local: c.Local.ID.Canonical(), remote: remote.Canonical(), demand: c.Demand()}
	var ways []string
	for _, m := range c.AuthBy {
		ways = append(ways, string(m))
	}
	k.ways = strings.Join(append(ways, "/", string(c.Local.Auth)), " ")
	return k
}

// enlist puts an oriented entry where it is found.
func (t *Table) enlist(e *entry) {
	c := e.conn
	key := pairOf(c)
	if t.pairs[key] == nil {
		t.pairs[key] = newParty()
	}
	t.pairs[key].add(e)
	if isShunt(c) {
		return
	}
	addTo(t.kin, kinOf(c, key, expects(c)), e)
	if roams(c) {
		if t.roaming[c.Local.Host.Addr] == nil {
			t.roaming[c.Local.Host.Addr] = newParty()
		}
		t.roaming[c.Local.Host.Addr].add(e)
	}
}

// delist takes it out again.
func (t *Table) delist(e *entry) {
	c := e.conn
	removeFrom(t.kin, kinOf(c, pairOf(c), expects(c)), e)
	drop := func(p *party, forget func()) {
		if p == nil {
			return
		}
		if p.remove(e); len(p.all) == 0 {
			forget()
		}
	}
	drop(t.pairs[pairOf(c)], func() { delete(t.pairs, pairOf(c)) })
	drop(t.roaming[c.Local.Host.Addr], func() { delete(t.roaming, c.Local.Host.Addr) })
}

// between returns the oriented connections between two hosts; of those with anybody, where remote is invalid.
func (t *Table) between(hosts pair) entries {
	if p := t.pairs[hosts]; p != nil {
		return p.all
	}
	return nil
}

// Offers implements pluto.Connections.
func (t *Table) Offers(local, remote netip.Addr) []*pluto.Connection {
	return t.meant(local, remote, (*party).kinds)
}

// Candidates implements pluto.Connections.
func (t *Table) Candidates(local, remote netip.Addr, id identity.ID) []*pluto.Connection {
	return t.meant(local, remote, func(p *party) entries { return p.may(id) })
}

// meant returns those between the hosts first, then those for anybody, then those whose peer may be
// elsewhere than it says.
func (t *Table) meant(local, remote netip.Addr, of func(*party) entries) []*pluto.Connection {
	var list []*pluto.Connection
	for _, e := range of(t.pairs[pair{local, remote}]) {
		list = append(list, e.conn)
	}
	for _, e := range of(t.pairs[pair{local: local}]) {
		if e.conn.Remote.Host.Kind == pluto.HostAny {
			list = append(list, e.conn)
		}
	}
	for _, e := range of(t.roaming[local]) {
		if e.conn.Remote.Host.Addr != remote {
			list = append(list, e.conn)
		}
	}
	return list
}

// Siblings implements pluto.Connections. Of an instance, they are the
// connections for any peer beside its own, which have instances of their own.
func (t *Table) Siblings(conn *pluto.Connection) []*pluto.Connection {
	e := t.owners[conn]
	if e == nil {
		return nil
	}
	var siblings []*pluto.Connection
	among := func(hosts pair, remotes ...identity.ID) {
		var list entries
		for i, id := range remotes {
			if i > 0 && id.Equal(remotes[0]) {
				continue
			}
			if l := t.kin[kinOf(conn, hosts, id)]; l != nil {
				list = append(list, *l...)
			}
		}
		slices.SortFunc(list, older)
		for _, other := range list {
			if other != e && other != e.parent {
				siblings = append(siblings, other.conn)
			}
		}
	}
	if e.parent == nil {
		among(pairOf(conn), expects(conn))
		return siblings
	}
	loose := e.parent.conn
	among(pairOf(conn), expects(loose), expects(conn))
	among(pairOf(loose), expects(loose), expects(conn))
	return siblings
}
