package ikev2

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"ipsec/pluto"
)

// States implements pluto.Negotiator.
func (m *Machine) States() []pluto.State {
	var list []pluto.State
	for _, s := range m.sas {
		if s.state == 0 || s.state == gone || s.state == deleting && s.doomed {
			continue
		}
		list = append(list, s.status())
		for _, c := range s.children {
			list = append(list, c.status(s))
		}
	}
	slices.SortFunc(list, func(a, b pluto.State) int { return cmp.Compare(a.Serial, b.Serial) })
	return list
}

func (s *ikeSA) status() pluto.State {
	st := pluto.State{
		Serial: s.serial, Conn: s.conn, Version: 2, Name: s.state.name(), Text: s.state.text(),
		Initiator: s.initiator, Local: s.local, Remote: s.remote, AuthBy: s.authMethod,
		SPIs:  [2]string{s.spiI.String(), s.spiR.String()},
		Since: time.Unix(0, s.made), Rekey: s.alarm.When(atRekey), Expires: s.alarm.When(atExpire),
	}
	if s.state == initSent && s.underWay == nil {
		st.Text = "waits for others to the same peer before it sends IKE_SA_INIT"
	}
	if !s.localID.IsZero() {
		st.LocalID = s.localID.String()
	}
	if !s.remoteID.IsZero() {
		st.RemoteID = s.remoteID.String()
	}
	if s.suite != nil {
		st.Algorithms = s.suite.String()
	}
	if r := s.window.underWay; r != nil && r.sent > 1 {
		st.Retransmits = r.sent - 1
	}
	return st
}

func (c *child) status(s *ikeSA) pluto.State {
	st := pluto.State{
		Serial: c.serial, Conn: c.Conn, Version: 2, Name: childName, Text: "IPsec SA established", Parent: s.serial,
		Algorithms: c.chosen, Initiator: c.initiator, Local: s.local, Remote: s.remote,
		LocalID: s.localID.String(), RemoteID: s.remoteID.String(), AuthBy: s.authMethod,
		SPIs:  [2]string{fmt.Sprintf("%08x", c.In.SPI), fmt.Sprintf("%08x", c.Out.SPI)},
		Child: &c.Child, Since: c.since, Rekey: c.alarm.When(atRekey), Expires: c.alarm.When(atExpire),
	}
	switch c.state {
	case childReplaced:
		st.Text = "IPsec SA that another has replaced"
	case childDeleting:
		st.Name, st.Text = childNameGoing, "IPsec SA that is being deleted"
	}
	return st
}
