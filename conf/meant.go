package conf

import (
	"fmt"
	"path/filepath"
	"strings"
)

// What files of other programs mean without a keyword that says it.

// meantForIKEv1 warns, once for all, of conns that say nothing of versions and look as if they were
// meant for IKEv1.
func (p *parser) meantForIKEv1(c *Config) {
	var first *Conn
	var why string
	count := 0
	for _, conn := range c.Conns {
		negotiates := conn.Type == Tunnel || conn.Type == Transport
		said := !conn.At("ikev2").IsZero() || conn.KeyExchange != "ike"
		if !c.Setup.Pluto || !negotiates || said || !conn.automatic() || len(conn.Missing()) > 0 || conn.PolicyGroup || len(conn.Unmet) > 0 {
			continue
		}
		if sign := p.signOfIKEv1(c, conn); sign != "" {
			if count++; first == nil {
				first, why = conn, sign
			}
		}
	}
	if first == nil {
		return
	}
	others := ""
	if count > 1 {
		others = fmt.Sprintf(", like %d more,", count-1)
	}
	p.warnf(first.Pos, "conn %s%s looks as if it were meant for IKEv1 (%s): IKEv2 alone is spoken, which the peer has to speak, too; ikev2=insist says that it does", first.Name, others, why)
}

// signOfIKEv1 returns what in a conn, or in config setup, is usual with IKEv1; "" for nothing.
func (p *parser) signOfIKEv1(c *Config, conn *Conn) string {
	const l2tp = 1701
	switch weak := p.offers.check("ike", conn.IKE).weak; {
	case conn.Left.ProtoPort.Port == l2tp || conn.Right.ProtoPort.Port == l2tp:
		return "L2TP"
	case conn.IKE != "" && len(weak) > 0:
		return "ike= with " + strings.Join(weak, ", ")
	}
	for _, keyword := range []string{"nat_traversal", "disable_port_floating", "force_keepalive", "plutoload", "plutostart"} {
		if !c.Setup.At(keyword).IsZero() {
			return keyword + "= of Openswan 2"
		}
	}
	return ""
}

// automatic reports whether a start hands the conn to Pluto.
func (c *Conn) automatic() bool {
	return c.Auto == AutoAdd || c.Auto == AutoRoute || c.Auto == AutoStart
}

// policyGroups warns of networks that the files of policy groups have, which Openswan 2.4 would have
// had in force; a file that gives the conn of a group an auto= knows better.
func (p *parser) policyGroups(c *Config, dir string) {
	for _, conn := range c.Conns {
		if !c.Setup.Pluto || !conn.PolicyGroup || !conn.At("auto").IsZero() {
			continue
		}
		name := filepath.Join(dir, "policies", conn.Name)
		text, err := p.files.ReadFile(name, maxFileSize)
		if err != nil {
			continue // most hosts have none
		}
		for i, line := range strings.Split(string(text), "\n") {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				p.warnf(Pos{File: name, Line: i + 1, Col: 1}, "policy groups are not done: this file has no effect, and its networks are treated like all others")
				break
			}
		}
	}
}
