package compile

import (
	"fmt"
	"net/netip"
	"strings"

	"ipsec/conf"
	"ipsec/plan"
	"ipsec/pluto"
	"ipsec/pluto/whack/cmdline"
)

// instance is a connection of Pluto that a conn of ipsec.conf is, or is one of.
type instance struct {
	of   *conf.Conn
	conn *pluto.Connection
}

// routed reports whether a start has Pluto route it.
func (i instance) routed() bool { return isRouted(i.of) }

// add returns the op that loads it.
func (i instance) add() plan.AddConn {
	return plan.AddConn{Name: i.conn.Name, Args: cmdline.Describe(i.conn)}
}

// instances returns what is to be added for conn: itself, or, for each pair of
// subnets, NAME/1x1, NAME/1x2 and so on, with NAME for their alias. Several
// networks in leftsubnet are one Child SA with a list of selectors, which IKEv2
// alone can negotiate; those of leftsubnets are pairs.
func (c *compiler) instances(conn *conf.Conn) ([]instance, *conf.Diagnostic) {
	if bad := c.unmet(conn, !isShunt(conn)); bad != nil {
		return nil, bad
	}
	if bad := loadable(conn); bad != nil {
		return nil, bad
	}
	lefts, rights := conn.Left.Subnets, conn.Right.Subnets
	if len(lefts) <= 1 && len(rights) <= 1 || !inPairs(conn) {
		p, bad := c.connection(conn, lefts, rights)
		if bad != nil {
			return nil, bad
		}
		p.Name = conn.Name
		return []instance{{conn, p}}, nil
	}
	var list []instance
	for i := range max(1, len(lefts)) {
		for j := range max(1, len(rights)) {
			l, r := at(lefts, i), at(rights, j)
			if len(l) > 0 && len(r) > 0 && l[0].Addr().Is4() != r[0].Addr().Is4() {
				continue
			}
			p, bad := c.connection(conn, l, r)
			if bad != nil {
				return nil, bad
			}
			p.Name, p.Alias = fmt.Sprintf("%s/%dx%d", conn.Name, i+1, j+1), conn.Name
			list = append(list, instance{conn, p})
		}
	}
	return list, nil
}

// inPairs reports whether each pair of subnets is to be a connection.
func inPairs(conn *conf.Conn) bool {
	return !conn.At("leftsubnets").IsZero() || !conn.At("rightsubnets").IsZero() || isShunt(conn) || !versions(conn).IKEv2
}

func at(subnets []netip.Prefix, i int) []netip.Prefix {
	if i < len(subnets) {
		return subnets[i : i+1]
	}
	return nil
}

// loadable says why Pluto cannot take conn at all.
func loadable(conn *conf.Conn) *conf.Diagnostic {
	place := func(keywords ...string) conf.Pos {
		for _, k := range keywords {
			if at := conn.At(k); !at.IsZero() {
				return at
			}
		}
		return conn.Pos
	}
	if isShunt(conn) {
		return nil
	}
	for _, by := range methods(conn) {
		keyword := "authby"
		switch by {
		case conn.Left.Auth:
			keyword = "leftauth"
		case conn.Right.Auth:
			keyword = "rightauth"
		}
		if by == "never" {
			return remark(place(keyword), "authby=never goes with type=passthrough, drop or reject")
		}
	}
	return nil
}

// differ reports whether each end proves itself in a way of its own.
func differ(conn *conf.Conn) bool {
	return conn.Left.Auth != "" && conn.Right.Auth != "" && conn.Left.Auth != conn.Right.Auth
}

// methods returns the ways in which the ends prove who they are.
func methods(conn *conf.Conn) []string {
	left, right := conn.Left.Auth, conn.Right.Auth
	switch {
	case differ(conn):
		return []string{left, right}
	case left != "":
		return []string{left}
	case right != "":
		return []string{right}
	}
	return strings.FieldsFunc(conn.AuthBy, func(r rune) bool { return r == '|' || r == ',' })
}
