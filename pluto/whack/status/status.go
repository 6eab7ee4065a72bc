// Package status prints what whack --status says: in the layout that scripts
// know since FreeS/WAN, and as JSON.
package status

import (
	"net/netip"
	"time"

	"ipsec/klips"
	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/observe"
)

// Status is everything that Pluto has to say of itself.
type Status struct {
	Now         time.Time
	Interfaces  []Interface
	MyID        string   // "" for none
	Debug       []string // the words of --debug-WORD in force
	Counts      observe.Counts
	Connections []connection.Status // by name, an instance after what it is one of
	States      []pluto.State       // by serial number
	HalfOpen    int                 // IKE SAs that others have begun, not established
}

// Interface is an address that Pluto listens on.
type Interface struct {
	Virtual, Physical string // "" for none
	Addr              netip.AddrPort
}

// Only returns what is about the connection, or the conn of ipsec.conf, of that
// name, and whether there is any.
func (s *Status) Only(name string) (*Status, bool) {
	only := *s
	only.Connections, only.States = nil, nil
	for _, c := range s.Connections {
		if c.Conn.Name == name || c.Conn.Alias == name {
			only.Connections = append(only.Connections, c)
		}
	}
	parents := make(map[int]bool)
	for _, state := range s.States {
		if of(&state, name) {
			parents[state.Parent] = true
		}
	}
	for _, state := range s.States {
		if of(&state, name) || parents[state.Serial] && state.Serial != 0 {
			only.States = append(only.States, state)
		}
	}
	return &only, len(only.Connections) > 0
}

// of reports whether a state belongs to a connection of that name or alias.
func of(s *pluto.State, name string) bool {
	return s.Conn != nil && (s.Conn.Name == name || s.Conn.Alias == name)
}

// Loaded counts the connections that are loaded: instances are none.
func (s *Status) Loaded() int {
	count := 0
	for i := range s.Connections {
		if s.Connections[i].Conn.Instance == 0 {
			count++
		}
	}
	return count
}

// Active counts the connections and instances whose packets go by an SA.
func (s *Status) Active() int {
	count := 0
	for i := range s.Connections {
		if up(&s.Connections[i]) {
			count++
		}
	}
	return count
}

// up reports whether a connection has a Child SA.
func up(c *connection.Status) bool { return len(c.Children) > 0 }

// traffic is what went by a Child SA.
type traffic struct {
	inBytes, inPackets, outBytes, outPackets uint64
	lastIn, lastOut                          time.Time
}

// trafficOf returns what went by a Child SA, by what the kernel says of the SA
// that counts whole packets: the innermost one.
func trafficOf(c *connection.ChildStatus) traffic {
	usage := func(list []klips.SA) klips.Usage {
		if len(list) == 0 {
			return klips.Usage{}
		}
		return list[0].Usage
	}
	in, out := usage(c.In), usage(c.Out)
	return traffic{in.Bytes, in.Packets, out.Bytes, out.Packets, in.Last, out.Last}
}

// child returns what the kernel knows of the Child SA of a state.
func (s *Status) child(state *pluto.State) *connection.ChildStatus {
	for i := range s.Connections {
		for j := range s.Connections[i].Children {
			if c := &s.Connections[i].Children[j]; c.Child != nil && c.Child.Serial == state.Serial {
				return c
			}
		}
	}
	return nil
}

// newest returns the serial numbers of the newest IKE SA and Child SA of a
// connection that are established; 0 for none. An IKE SA may be another connection's,
// by which its Child SAs were negotiated.
func (s *Status) newest(c *connection.Status) (ike, child int) {
	parent := 0
	for i := range s.States {
		state := &s.States[i]
		if state.Conn == nil || state.Conn.Name != c.Conn.Name || state.Conn.Instance != c.Conn.Instance {
			continue
		}
		if state.Child != nil {
			child, parent = max(child, state.Serial), max(parent, state.Parent)
		} else if state.Parent == 0 && !state.Expires.IsZero() {
			ike = max(ike, state.Serial)
		}
	}
	if ike == 0 {
		ike = parent
	}
	return ike, child
}
