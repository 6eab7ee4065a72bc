package compile

import (
	"ipsec/conf/hook"
	"ipsec/conf/info"
	"ipsec/plan"
)

// newHooks returns the updown command of m for each flow, with the environment
// that pluto(8) documents.
func (m *manualConn) newHooks() []info.Hook {
	var list []info.Hook
	for _, f := range m.flows {
		env := hook.Environment{
			Connection: m.conn.Name,
			NextHop:    m.nexthop,
			Interface:  m.virtual,
			Me:         m.us.addr,
			MyID:       idText(m.us),
			MyClient:   f.Src,
			Host:       len(m.us.end.Subnets) == 0,
			Protocol:   f.Proto,
			MyPort:     f.SrcPort,
			MySourceIP: m.us.end.SourceIP,
			Peer:       m.them.addr,
			PeerID:     idText(m.them),
			PeerClient: f.Dst,
			PeerPort:   f.DstPort,
			MTU:        m.conn.MTU,
			Metric:     m.conn.Metric,
		}
		list = append(list, info.Hook{Conn: m.conn.Name, Suffix: env.Suffix(), Command: m.us.customUpdown(), Env: env.Variables()})
	}
	return list
}

// updown returns the op that runs the command of h for a verb: prepare, route,
// up, down or unroute.
func updown(h info.Hook, verb string) plan.Updown {
	return plan.Updown{Command: h.Command, Env: append([]string{"PLUTO_VERB=" + verb + h.Suffix}, h.Env...)}
}

func idText(s side) string {
	if s.end.ID != "" {
		return s.end.ID
	}
	return s.addr.String()
}
