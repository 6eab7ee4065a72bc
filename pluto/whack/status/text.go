package status

import (
	"fmt"
	"strings"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
	"ipsec/pluto/connection"
)

// Text says the status line by line, in the layout that scripts know.
func (s *Status) Text(say func(line string)) {
	sayf := func(format string, args ...any) { say(fmt.Sprintf(format, args...)) }
	for _, i := range s.Interfaces {
		sayf("interface %s %s", device(i), address(i))
	}
	sayf("%%myid = %s", orNone(s.MyID))
	sayf("debug %s", strings.Join(orList(s.Debug), "+"))
	c := s.Counts
	sayf("counters: messages %d in, %d out, %d unsent, %d retransmission reports; attempts %d begun, %d failed; Child SAs %d set, %d refused, %d removed",
		c.Received, c.Sent, c.Unsent, c.Retransmitted, c.Initiated, c.Failed, c.Installed, c.Refused, c.Removed)
	say("")
	for i := range s.Connections {
		s.connection(&s.Connections[i], sayf)
	}
	if len(s.Connections) > 0 {
		say("")
	}
	for i := range s.States {
		s.state(&s.States[i], sayf)
	}
	if len(s.States) > 0 {
		say("")
	}
	sayf("Total IPsec connections: loaded %d, active %d", s.Loaded(), s.Active())
}

// TrafficText says, a line each, what went by the Child SAs that are in use.
func (s *Status) TrafficText(say func(line string)) {
	for i := range s.States {
		state := &s.States[i]
		if c := s.child(state); c != nil {
			t := trafficOf(c)
			say(fmt.Sprintf("#%d: %s, type=%s, add_time=%d, inBytes=%d, outBytes=%d, id='%s'", state.Serial, state.Conn,
				strings.ToUpper(c.Child.Protocol.String()), c.Since.Unix(), t.inBytes, t.outBytes, state.RemoteID))
		}
	}
}

func device(i Interface) string {
	switch {
	case i.Virtual != "" && i.Physical != "":
		return i.Virtual + "/" + i.Physical
	case i.Virtual+i.Physical != "":
		return i.Virtual + i.Physical
	}
	return "-"
}

// address leaves the usual port out.
func address(i Interface) string {
	if i.Addr.Port() == 500 {
		return i.Addr.Addr().String()
	}
	return i.Addr.String()
}

func orNone(text string) string {
	if text == "" {
		return "(none)"
	}
	return text
}

func orList(words []string) []string {
	if len(words) == 0 {
		return []string{"none"}
	}
	return words
}

func serial(n int) string { return fmt.Sprintf("#%d", n) }

// connection says what is to be said of one.
func (s *Status) connection(c *connection.Status, sayf func(string, ...any)) {
	ike, child := s.newest(c)
	conn := c.Conn
	owner := serial(c.Owner)
	switch {
	case c.Shunt != klips.ShuntNone && c.Owner == 0 && c.Routing != connection.Unrouted:
		owner = c.Shunt.String()
	case !c.Oriented:
		owner += "; unoriented"
	}
	sayf("%s: %s; %s; eroute owner: %s", conn, topology(conn), c.Routing, owner)
	line := func(format string, args ...any) { sayf("%s:   "+format, append([]any{conn}, args...)...) }
	if conn.Alias != "" {
		line("alias: %s;", conn.Alias)
	}
	line("ike_life: %s; ipsec_life: %s; rekey_margin: %s; rekey_fuzz: %d%%; keyingtries: %d",
		seconds(conn.IKELifetime), seconds(conn.ChildLifetime), seconds(conn.RekeyMargin), conn.RekeyFuzz, conn.KeyingTries)
	for _, end := range []struct {
		name string
		end  *pluto.End
	}{{"my", &conn.Local}, {"his", &conn.Remote}} {
		if end.end.Cert != "" || end.end.CA != "" {
			line("%s cert: %s; CA: %s;", end.name, orNone(end.end.Cert), orNone(end.end.CA))
		}
	}
	line("policy: %s; interface: %s;", policy(c), orNone(c.Virtual))
	if conn.DPD.Delay > 0 {
		line("dpd: action:%s; delay:%s; timeout:%s;", conn.DPD.Action, seconds(conn.DPD.Delay), seconds(conn.DPD.Timeout))
	}
	line("newest ISAKMP SA: %s; newest IPsec SA: %s;", serial(ike), serial(child))
	if len(conn.IKE.Proposals) > 0 {
		line("IKE algorithms wanted: %s", conn.IKE)
	}
	if len(conn.ESP.Proposals) > 0 {
		line("%s algorithms wanted: %s", protocolName(conn.Protocol), conn.ESP)
	}
	for i := range s.States {
		switch state := &s.States[i]; state.Serial {
		case 0:
		case ike:
			line("IKE algorithm newest: %s", orNone(state.Algorithms))
		case child:
			line("%s algorithm newest: %s", protocolName(conn.Protocol), orNone(state.Algorithms))
		}
	}
	if c.LastError != "" {
		line("last error: %s (%s ago, attempts: %d)", c.LastError, seconds(s.Now.Sub(c.ErrorAt)), c.Attempts)
	}
}

func protocolName(p pluto.Protocol) string {
	if p == pluto.AH {
		return "AH"
	}
	return "ESP"
}

func seconds(d time.Duration) string { return fmt.Sprintf("%ds", int64(d/time.Second)) }

// state says what is to be said of an SA.
func (s *Status) state(state *pluto.State, sayf func(string, ...any)) {
	name := "(none)"
	if state.Conn != nil {
		name = state.Conn.String()
	}
	line := fmt.Sprintf("#%d: %s:%d %s (%s)", state.Serial, name, state.Remote.Port(), state.Name, state.Text)
	if event := s.event(state); event != "" {
		line += "; " + event
	}
	child := s.child(state)
	if state.Child != nil {
		if child != nil && child.InUse {
			line += "; newest IPSEC; eroute owner"
		}
		line += fmt.Sprintf("; isakmp#%d", state.Parent)
	}
	if state.Retransmits > 0 {
		line += fmt.Sprintf("; retransmissions: %d", state.Retransmits)
	}
	sayf("%s", line)
	if state.Child != nil {
		sayf("#%d: %s %s; Traffic: %s", state.Serial, name, strings.Join(saids(state.Child), " "), trafficText(state.Child, child))
	}
}

// event says what happens next to an SA, and when.
func (s *Status) event(state *pluto.State) string {
	switch {
	case !state.Rekey.IsZero():
		return "EVENT_SA_REPLACE in " + seconds(state.Rekey.Sub(s.Now))
	case !state.Expires.IsZero():
		return "EVENT_SA_EXPIRE in " + seconds(state.Expires.Sub(s.Now))
	}
	return ""
}

// saids names the SAs of a Child SA as ipsec spi does: out, then in.
func saids(c *pluto.Child) []string {
	return []string{
		said.SAID{Proto: c.Protocol, SPI: c.Out.SPI, Dst: c.Remote}.String(),
		said.SAID{Proto: c.Protocol, SPI: c.In.SPI, Dst: c.Local}.String(),
	}
}

func trafficText(c *pluto.Child, status *connection.ChildStatus) string {
	if status == nil {
		return "unknown"
	}
	t := trafficOf(status)
	protocol := "ESP"
	if c.Protocol == said.AH {
		protocol = "AH"
	}
	return fmt.Sprintf("%sin=%dB %sout=%dB", protocol, t.inBytes, protocol, t.outBytes)
}
