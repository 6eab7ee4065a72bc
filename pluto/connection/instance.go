package connection

import (
	"net/netip"
	"slices"
	"time"

	"ipsec/conf/identity"
	"ipsec/pluto"
)

// Instantiate implements pluto.Connections. The clients of an instance are what
// its peer may choose from.
func (t *Table) Instantiate(conn *pluto.Connection, remote netip.AddrPort, peer pluto.Peer) *pluto.Connection {
	e := t.owners[conn]
	addr := remote.Addr().Unmap()
	if e == nil {
		return conn
	}
	key := peerKey{addr, peer.ID.Canonical()}
	if e.parent != nil {
		if e.peer.id == key.id { // wherever its NAT has it come from by now
			return conn
		}
		e = e.parent
	}
	if !isTemplate(e.conn) && (!e.conn.Remote.AllowAny || e.conn.Remote.Host.Addr == addr) {
		return e.conn
	}
	if i := e.peers[key]; i != nil {
		return i.conn
	}
	e.numbered++
	t.order++
	c := *e.conn
	c.Instance, c.Template = e.numbered, e.conn
	c.Remote.Host = pluto.Host{Kind: pluto.HostAddr, Addr: addr}
	if peer.ID.OnWire() {
		c.Remote.ID = peer.ID
	}
	if isVirtual(c.Remote) {
		// One that is known by the address that we see is not behind NAT, whatever it says so as to be
		// encapsulated (forceencaps=).
		behindNAT := peer.BehindNAT && peer.ID != identity.FromAddr(addr)
		c.Remote.Clients = t.config.Private.choice(c.Local, c.Remote, behindNAT)
	}
	i := &entry{loaded: &c, conn: &c, virtual: e.virtual, order: t.order, parent: e, peer: key}
	e.instances = append(e.instances, i)
	if e.peers == nil {
		e.peers = map[peerKey]*entry{}
	}
	e.peers[key] = i
	t.owners[&c] = i
	t.goIdle(i, idleTime)
	return &c
}

// goIdle has an instance dropped soon unless an SA of any kind is left of it.
func (t *Table) goIdle(i *entry, after time.Duration) {
	i.idle = t.now().Add(after)
	t.at(i, i.idle)
}

// alive returns the connections that the negotiator has SAs of.
func (t *Table) alive() map[*pluto.Connection]bool {
	alive := map[*pluto.Connection]bool{}
	if t.ikev2 != nil {
		for _, s := range t.ikev2.States() {
			alive[s.Conn] = true
		}
	}
	return alive
}

// drop forgets an instance that nothing is left of.
func (t *Table) drop(i *entry) {
	for _, s := range slices.Clone(i.spans) {
		t.leave(i, s)
	}
	delete(t.owners, i.conn)
	delete(t.timed, i)
	delete(i.parent.peers, i.peer)
	i.parent.instances = slices.DeleteFunc(i.parent.instances, func(other *entry) bool { return other == i })
	i.retry, i.idle = time.Time{}, time.Time{}
}
