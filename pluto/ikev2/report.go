package ikev2

import (
	"fmt"

	"ipsec/pluto"
	"ipsec/pluto/limit"
)

// report reports about a connection.
func (m *Machine) report(code int, conn *pluto.Connection, serial int, format string, args ...any) {
	m.Report(pluto.Report{Code: code, Conn: conn, Serial: serial, Text: fmt.Sprintf(format, args...)})
}

// failed says that an attempt for conn has come to nothing.
func (m *Machine) failed(conn *pluto.Connection, serial int, c *cause) {
	m.Report(pluto.Report{Code: c.code, Conn: conn, Serial: serial, Text: c.text, Outcome: pluto.Failed})
	m.Connections.Failed(conn, c)
}

// from says whom a report is about that no connection is known for yet.
func (m *Machine) from(s *ikeSA) string {
	if s.conn != nil {
		return ""
	}
	return fmt.Sprintf("packet from %s: ", s.remote)
}

// limitedKnown reports what a peer whose identity is known has asked for in vain. It, too,
// may ask again and again.
func (m *Machine) limitedKnown(code int, s *ikeSA, format string, args ...any) {
	if m.known.Allow(m.now) {
		m.tellOmitted(&m.known)
		m.report(code, s.conn, s.serial, format, args...)
	}
}

// limited reports what an unauthenticated message has caused.
func (m *Machine) limited(format string, args ...any) { m.limitedFor(nil, format, args...) }

// limitedFor is limited, where it is known which connection is meant.
func (m *Machine) limitedFor(conn *pluto.Connection, format string, args ...any) {
	if m.strangers.Allow(m.now) {
		m.tellOmitted(&m.strangers)
		m.Report(pluto.Report{Code: pluto.RCLogSerious, Conn: conn, Text: fmt.Sprintf(format, args...)})
	}
}

// tellOmitted says how many reports were left out, once that has come to an end.
func (m *Machine) tellOmitted(r *limit.Reports) {
	if n := r.Omitted(m.now); n > 0 {
		m.Report(pluto.Report{Code: pluto.RCLogSerious, Text: fmt.Sprintf("%d more messages like the last ones were left out", n)})
	}
}
