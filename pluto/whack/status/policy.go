package status

import (
	"fmt"
	"strings"

	"ipsec/pluto"
	"ipsec/pluto/connection"
)

// policy returns what stands after "policy:", in the words of FreeS/WAN and
// its children.
func policy(s *connection.Status) string {
	c := s.Conn
	var words []string
	add := func(is bool, word string) {
		if is {
			words = append(words, word)
		}
	}
	for _, m := range c.AuthBy {
		switch m {
		case pluto.AuthPSK:
			add(true, "PSK")
		case pluto.AuthNull:
			add(true, "AUTH_NULL")
		case pluto.AuthNever:
			add(true, "AUTH_NEVER")
		default:
			add(true, strings.ToUpper(string(m)))
		}
	}
	real := c.Shunt == pluto.ShuntNone
	add(real && c.Protocol == pluto.ESP, "ENCRYPT")
	add(real && c.Protocol == pluto.AH, "AUTHENTICATE")
	add(c.Compress, "COMPRESS")
	add(real && c.Mode == pluto.TunnelMode, "TUNNEL")
	add(c.PFS, "PFS")
	add(!c.Rekey, "DONTREKEY")
	add(c.Reauth, "REAUTH")
	add(c.Shunt == pluto.ShuntPass, "PASS")
	add(c.Shunt == pluto.ShuntDrop, "DROP")
	add(c.Shunt == pluto.ShuntReject, "REJECT")
	add(c.Aggressive, "AGGRESSIVE")
	add(c.ForceEncaps, "FORCEENCAPS")
	add(s.Wanted, "UP")
	add(c.FailureShunt == pluto.ShuntPass, "failurePASS")
	add(c.FailureShunt == pluto.ShuntDrop, "failureDROP")
	add(c.FailureShunt == pluto.ShuntReject, "failureREJECT")
	add(c.NegotiationShunt == pluto.ShuntPass, "negotiationPASS")
	add(real && !c.Versions.IKEv1, "!IKEv1")
	add(c.Versions.IKEv2, "IKEv2ALLOW")
	add(c.Versions.ProposeIKEv2, "IKEv2Init")
	add(c.Fragmentation == pluto.FragmentationYes, "IKE_FRAG")
	add(c.Fragmentation == pluto.FragmentationForce, "IKE_FRAG_FORCE")
	return strings.Join(words, "+")
}

// topology returns both ends as they lie on the way:
// 10.0.1.0/24===192.0.2.1[@west]---192.0.2.254...192.0.2.2[@east]===10.0.2.0/24.
func topology(c *pluto.Connection) string {
	near, far := parts(&c.Local), parts(&c.Remote)
	return near.client + near.host + near.hop + "..." + far.hop2 + far.host + far.client2
}

// piece is an end in the text of topology; client2 and hop2 are for the right side.
type piece struct{ client, client2, host, hop, hop2 string }

func parts(e *pluto.End) piece {
	p := piece{host: e.Host.String()}
	if e.Host.Kind == pluto.HostName && e.Host.Addr.IsValid() {
		p.host += "<" + e.Host.Name + ">"
	}
	if id := e.ID.String(); !e.ID.IsZero() && id != e.Host.String() {
		p.host += "[" + id + "]"
	}
	if e.Proto != 0 {
		port := fmt.Sprint(e.Port)
		if e.AnyPort {
			port = "%any"
		}
		p.host += fmt.Sprintf(":%d/%s", e.Proto, port)
	}
	if e.NextHop.IsValid() {
		p.hop, p.hop2 = "---"+e.NextHop.String(), e.NextHop.String()+"---"
	}
	clients := clientsOf(e)
	switch len(clients) {
	case 0:
	case 1:
		p.client, p.client2 = clients[0]+"===", "==="+clients[0]
	default:
		list := "{" + strings.Join(clients, " ") + "}"
		p.client, p.client2 = list+"===", "==="+list
	}
	return p
}

// clientsOf returns the networks behind an end, as they are written.
func clientsOf(e *pluto.End) []string {
	var list []string
	for _, client := range e.Clients {
		list = append(list, client.String())
	}
	if e.Virtual != "" {
		list = append(list, e.Virtual)
	}
	if e.Within.IsValid() {
		list = append(list, "within "+e.Within.String())
	}
	return list
}
