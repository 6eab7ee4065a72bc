package plutotest

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ipsec/conf/identity"
	"ipsec/klips/said"
	"ipsec/pluto"
)

// Connections is a pluto.Connections without a kernel, for tests of a version
// of IKE alone: it keeps what it is told, and brings nothing up again.
type Connections struct {
	All      []*pluto.Connection // oriented
	Children []*pluto.Child      // that are installed
	InUse    map[*pluto.Child]bool
	Failures []string
	Removed  []pluto.Reason
	Moves    int
	Orphans  bool // Adopted's answer
	Full     bool // no SPI is to be had
	// Refuse, when set, is asked before a Child SA is installed.
	Refuse func(*pluto.Child) error
	// Seen answers Used; nil for never.
	Seen func(*pluto.Child) time.Time

	reserved map[reservation]bool
	next     uint32
}

type reservation struct {
	proto said.Proto
	spi   uint32
}

var _ pluto.Connections = (*Connections)(nil)

// Candidates implements pluto.Connections.
func (c *Connections) Candidates(local, remote netip.Addr, _ identity.ID) []*pluto.Connection {
	return c.Offers(local, remote)
}

// Offers implements pluto.Connections.
func (c *Connections) Offers(local, remote netip.Addr) []*pluto.Connection {
	var exact, any []*pluto.Connection
	for _, conn := range c.All {
		switch {
		case conn.Local.Host.Addr != local:
		case conn.Remote.Host.Addr == remote:
			exact = append(exact, conn)
		case conn.Remote.Host.Kind == pluto.HostAny:
			any = append(any, conn)
		}
	}
	return append(exact, any...)
}

// Instantiate implements pluto.Connections.
func (c *Connections) Instantiate(conn *pluto.Connection, remote netip.AddrPort, peer pluto.Peer) *pluto.Connection {
	if conn.Remote.Host.Kind != pluto.HostAny || conn.Instance != 0 {
		return conn
	}
	for _, other := range c.All {
		if other.Name == conn.Name && other.Instance > 0 && other.Remote.Host.Addr == remote.Addr() {
			return other
		}
	}
	instance := *conn
	instance.Instance, instance.Template = len(c.All)+1, conn
	instance.Remote.Host.Addr = remote.Addr()
	c.All = append(c.All, &instance)
	return &instance
}

// Siblings implements pluto.Connections.
func (c *Connections) Siblings(conn *pluto.Connection) []*pluto.Connection {
	var list []*pluto.Connection
	for _, other := range c.All {
		if other != conn && other.Instance == conn.Instance && other.Local.Host == conn.Local.Host && other.Remote.Host == conn.Remote.Host &&
			other.Local.ID == conn.Local.ID && other.Remote.ID == conn.Remote.ID {
			list = append(list, other)
		}
	}
	return list
}

// Adopted implements pluto.Connections.
func (c *Connections) Adopted(netip.Addr) bool { return c.Orphans }

// ReserveSPI implements pluto.Connections.
func (c *Connections) ReserveSPI(proto said.Proto, remote, local netip.Addr) (uint32, error) {
	if c.Full {
		return 0, fmt.Errorf("no SPI is free")
	}
	if c.reserved == nil {
		c.reserved = map[reservation]bool{}
	}
	c.next++
	spi := 0x1000 + c.next
	if proto == said.COMP {
		spi = 256 + c.next%60000
	}
	c.reserved[reservation{proto, spi}] = true
	return spi, nil
}

// ReleaseSPI implements pluto.Connections.
func (c *Connections) ReleaseSPI(proto said.Proto, local netip.Addr, spi uint32) {
	delete(c.reserved, reservation{proto, spi})
}

// Reserved returns how many SPIs and CPIs are reserved that no Child SA has.
func (c *Connections) Reserved() int { return len(c.reserved) }

// Install implements pluto.Connections.
func (c *Connections) Install(child *pluto.Child, use bool) error {
	if c.Refuse != nil {
		if err := c.Refuse(child); err != nil {
			return err
		}
	}
	proto := child.Protocol
	if !c.reserved[reservation{proto, child.In.SPI}] {
		return fmt.Errorf("SPI %08x has not been reserved", child.In.SPI)
	}
	delete(c.reserved, reservation{proto, child.In.SPI})
	if child.In.CPI != 0 {
		delete(c.reserved, reservation{said.COMP, uint32(child.In.CPI)})
	}
	c.Children = append(c.Children, child)
	if use {
		return c.Use(child)
	}
	return nil
}

// Use implements pluto.Connections.
func (c *Connections) Use(child *pluto.Child) error {
	if c.InUse == nil {
		c.InUse = map[*pluto.Child]bool{}
	}
	c.InUse[child] = true
	return nil
}

// Move implements pluto.Connections.
func (c *Connections) Move(*pluto.Child) error {
	c.Moves++
	return nil
}

// Remove implements pluto.Connections.
func (c *Connections) Remove(child *pluto.Child, why pluto.Reason) {
	if i := slices.Index(c.Children, child); i >= 0 {
		c.Children = slices.Delete(c.Children, i, i+1)
	}
	delete(c.InUse, child)
	c.Removed = append(c.Removed, why)
}

// Used implements pluto.Connections.
func (c *Connections) Used(child *pluto.Child) time.Time {
	if c.Seen == nil {
		return time.Time{}
	}
	return c.Seen(child)
}

// Failed implements pluto.Connections.
func (c *Connections) Failed(conn *pluto.Connection, why error) {
	c.Failures = append(c.Failures, fmt.Sprintf("%s: %v", conn, why))
}
