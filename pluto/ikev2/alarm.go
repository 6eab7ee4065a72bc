package ikev2

import (
	"time"

	"ipsec/pluto/alarm"
)

// The kinds of deadline of an IKE SA or a Child SA.
const (
	atRetransmit uint8 = iota // of an IKE SA: the request under way has no answer
	atLiveness                // see whether the peer lives
	atKeepalive               // keep a NAT's mapping
	atRekey                   // of both: make anew
	atExpire                  // of both: the end; of a half-open SA, too
	atRetry                   // of an IKE SA: ask again what the peer could not do; one that has waited for its turn begins
	atUnique                  // of an IKE SA: see whether there is another like it
	atLinger                  // of an IKE SA: forget the last answer; of a child: see child.lingered
)

// owner is an IKE SA or a Child SA.
type owner interface {
	// due does what the time has come for.
	due(m *Machine, kind uint8)
}

func (m *Machine) set(a *alarm.Alarm[owner], kind uint8, t time.Time) { m.alarms.Set(a, kind, t) }

// after is set, for d from now.
func (m *Machine) after(a *alarm.Alarm[owner], kind uint8, d time.Duration) {
	m.alarms.Set(a, kind, m.now.Add(d))
}

// Next implements pluto.Negotiator.
func (m *Machine) Next() (time.Time, bool) { return m.alarms.Next() }

// Tick implements pluto.Negotiator.
func (m *Machine) Tick() {
	m.enter()
	m.alarms.Ring(m.now, func(o owner, kind uint8) { o.due(m, kind) })
	m.tellOmitted(&m.strangers)
	m.tellOmitted(&m.known)
}
