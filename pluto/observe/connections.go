package observe

import (
	"net/netip"
	"time"

	"ipsec/conf/identity"
	"ipsec/pluto"
)

// connections decorates a pluto.Connections.
type connections struct {
	pluto.Connections
	*Observer
}

// Connections watches what IKE asks of the connections in force, and tells them.
func (o *Observer) Connections(next pluto.Connections) pluto.Connections {
	return connections{next, o}
}

// Offers implements pluto.Connections.
func (c connections) Offers(local, remote netip.Addr) []*pluto.Connection {
	list := c.Connections.Offers(local, remote)
	c.debug.Sayf(control, "| offers for %v -> %v: those of %v", remote, local, list)
	return list
}

// Candidates implements pluto.Connections.
func (c connections) Candidates(local, remote netip.Addr, id identity.ID) []*pluto.Connection {
	list := c.Connections.Candidates(local, remote, id)
	c.debug.Sayf(control, "| candidates for %s at %v -> %v: %v", id, remote, local, list)
	return list
}

// Instantiate implements pluto.Connections.
func (c connections) Instantiate(conn *pluto.Connection, remote netip.AddrPort, peer pluto.Peer) *pluto.Connection {
	instance := c.Connections.Instantiate(conn, remote, peer)
	c.debug.Sayf(control, "| %v is for the peer %s at %v: %v", conn, peer.ID, remote, instance)
	return instance
}

// Install implements pluto.Connections.
func (c connections) Install(child *pluto.Child, use bool) error {
	err := c.Connections.Install(child, use)
	if err != nil {
		c.counts.Refused++
	} else {
		c.counts.Installed++
	}
	c.debug.Sayf(lifecycle, "| %v #%d: set %v 0x%x out, 0x%x in, %d flows, used at once %v: %s",
		child.Conn, child.Serial, child.Protocol, child.Out.SPI, child.In.SPI, len(child.Flows), use, outcome(err))
	return err
}

// Use implements pluto.Connections.
func (c connections) Use(child *pluto.Child) error {
	err := c.Connections.Use(child)
	c.debug.Sayf(lifecycle, "| %v #%d: used: %s", child.Conn, child.Serial, outcome(err))
	return err
}

// Remove implements pluto.Connections.
func (c connections) Remove(child *pluto.Child, why pluto.Reason) {
	c.counts.Removed++
	c.debug.Sayf(lifecycle, "| %v #%d: taken away: %v", child.Conn, child.Serial, why)
	c.Connections.Remove(child, why)
}

// Move implements pluto.Connections.
func (c connections) Move(child *pluto.Child) error {
	err := c.Connections.Move(child)
	c.debug.Sayf(nat, "| %v #%d: moved to %v, port %d: %s", child.Conn, child.Serial, child.Remote, child.Encap.DstPort, outcome(err))
	return err
}

// Used implements pluto.Connections.
func (c connections) Used(child *pluto.Child) time.Time {
	at := c.Connections.Used(child)
	c.debug.Sayf(dpd, "| %v #%d: a packet last came in at %v", child.Conn, child.Serial, at)
	return at
}

// Failed implements pluto.Connections.
func (c connections) Failed(conn *pluto.Connection, why error) {
	c.counts.Failed++
	c.debug.Sayf(control, "| %v: failed: %v", conn, why)
	c.Connections.Failed(conn, why)
}

// Reporter watches reports.
func (o *Observer) Reporter(next pluto.Reporter) pluto.Reporter {
	return func(r pluto.Report) {
		if r.Code == pluto.RCRetransmission {
			o.counts.Retransmitted++
		}
		next(r)
	}
}
