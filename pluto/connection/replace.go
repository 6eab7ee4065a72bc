package connection

import (
	"slices"

	"ipsec/pluto"
)

// Replace loads c in place of the connections that its name means, if there are
// any. Where one of them was routed, so is c, before the other's routes go: no
// packet of both leaves in the clear in between. What cannot be loaded replaces
// nothing; the error is an *Error.
func (t *Table) Replace(c *pluto.Connection) error {
	if err := t.acceptable(c); err != nil {
		return err
	}
	routed := false
	old, _ := t.named(c.Name) // none is none
	if e := t.names[c.Alias]; e != nil && !slices.Contains(old, e) {
		old = append(old, e) // which had one pair of networks, and has several now
	}
	for _, e := range append(slices.Clone(old), t.aliases[c.Alias]...) {
		routed = routed || e.asked || t.routed(e)
	}
	for _, e := range old {
		t.end(e)
		t.forget(e)
	}
	e := t.enroll(c)
	e.asked = routed
	if len(t.ours) > 0 {
		t.orient(e)
	}
	for _, e := range old {
		t.unroute(e)
		t.disorient(e)
		t.report(e, pluto.RCLog, pluto.Down, "deleting connection, for another is in its place")
	}
	return nil
}

// Asked reports whether a connection of that name is to be routed.
func (t *Table) Asked(name string) bool {
	e := t.names[name]
	return e != nil && e.asked
}
