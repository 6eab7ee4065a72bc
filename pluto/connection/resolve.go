package connection

import (
	"net/netip"
	"slices"

	"ipsec/pluto"
)

// hostNames returns the names of the DNS that c has for hosts.
func hostNames(c *pluto.Connection) []string {
	var names []string
	for _, h := range []pluto.Host{c.Local.Host, c.Remote.Host} {
		if h.Kind == pluto.HostName && h.Name != "" && !slices.Contains(names, h.Name) {
			names = append(names, h.Name)
		}
	}
	return names
}

func (t *Table) resolve(name string) {
	if t.config.Resolver != nil && name != "" {
		t.config.Resolver.Resolve(name)
	}
}

// look asks for the addresses that the hosts of e have now.
func (t *Table) look(e *entry) {
	for _, host := range hostNames(e.loaded) {
		t.resolve(host)
	}
}

// Resolved answers a Resolver's Resolve; an invalid address: there is none. A
// connection that has SAs keeps its peer's address until they go. One that has
// just begun to be negotiated begins again at the new address: the question was
// asked when it began, and at the old one nobody may answer for minutes.
func (t *Table) Resolved(name string, addr netip.Addr) {
	list := slices.Clone(t.byHost[name])
	for _, e := range list {
		switch {
		case addr.IsValid():
			if e.moved == nil {
				e.moved = map[string]netip.Addr{}
			}
			e.moved[name] = addr
			if len(e.bundles) == 0 && (!t.busy(e) || t.now().Sub(e.busy) < askingTime) {
				t.refresh(e)
			}
		case len(list) > 0:
			if t.asking[name].IsZero() {
				t.report(e, pluto.RCLogSerious, pluto.Pending, "there is no address of %s; it is asked for again", name)
			}
		}
	}
	delete(t.asking, name)
	if !addr.IsValid() && len(list) > 0 {
		t.asking[name] = t.now().Add(askingTime)
		t.schedule(t.asking[name])
	}
}

// refresh gives e the addresses that the DNS has had for its hosts since.
func (t *Table) refresh(e *entry) {
	c := *e.loaded
	for _, h := range []*pluto.Host{&c.Local.Host, &c.Remote.Host} {
		if addr := e.moved[h.Name]; h.Kind == pluto.HostName && addr.IsValid() {
			h.Addr = addr
		}
	}
	e.moved = nil
	if c.Local.Host != e.loaded.Local.Host || c.Remote.Host != e.loaded.Remote.Host {
		e.loaded = &c
		if len(t.ours) > 0 {
			t.reorient(e)
		}
	}
}
