package conf

import (
	"net/netip"
	"path/filepath"
)

// Policy is the file of a policy group: the networks that the conn of that
// name (private, block, …) applies to.
func (p Paths) Policy(group string) string { return filepath.Join(p.Dir(), "policies", group) }

// ParsePolicy reads the file of a policy group: networks, one a line, with
// comments as in ipsec.conf. It returns those that are right with an error of
// type Errors for the others.
func ParsePolicy(name string, text []byte) ([]netip.Prefix, error) {
	var (
		r    reporter
		list []netip.Prefix
	)
	for s := newScanner(name, text); ; {
		l, ok := s.next()
		if !ok {
			break
		}
		p, hostBits, ok := parsePrefix(l.text)
		if !ok || hostBits {
			r.errorf(l.pos, "malformed network %s: %s", quote(l.text), "expected "+wantPrefix)
			continue
		}
		list = append(list, p)
	}
	if len(r.errors) > 0 {
		return list, Errors(r.errors)
	}
	return list, nil
}
