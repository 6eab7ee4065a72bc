// Package diff looks at what of ours is on this machine, and reports how it differs from what a start would
// leave: what ipsec setup diff prints. It changes nothing.
package diff

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/exec/keys"
	"ipsec/exec/loaded"
	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/klips/offload"
	"ipsec/klips/process"
	"ipsec/plan"
	"ipsec/plan/change"
	"ipsec/pluto/whack/status"
)

// Running looks at this machine, for the settings of want, and for the rest at all that is ours. Keys are those of
// config, of which want is. It needs no privilege for what any user may see.
func Running(paths conf.Paths, config *conf.Config, facts plan.Facts, want []change.Item) (change.State, error) {
	s := looker{State: change.State{Unseen: make(map[change.Kind]string)}, config: config, wanted: make(map[string]change.Item), led: make(map[string]bool)}
	for _, w := range want {
		s.wanted[w.Object], s.led[w.Conn] = w, true
	}
	standing := info.StandingOf(facts.Running.Info)
	for _, line := range standing.Lines() {
		if h, ok := line.(info.Hook); ok {
			s.hooks = append(s.hooks, h)
		}
	}
	if err := errors.Join(s.daemons(paths, standing), s.network(standing), s.settings(standing, want)); err != nil {
		return s.State, err
	}
	s.Unseen[change.DataPlane] = "KLIPS does not run, so that its tables are not compared"
	s.Unseen[change.Connection] = "Pluto does not run, so that its connections are not compared"
	if facts.Running.Klips {
		s.look(change.DataPlane, "the tables of KLIPS", func() error { return s.tables(paths) })
	}
	if facts.Running.Pluto {
		s.look(change.Connection, "the connections of Pluto", func() error { return s.connections(paths) })
	}
	s.Items = slices.DeleteFunc(s.Items, func(i change.Item) bool { return s.ofOthers(i, facts.Running.Pluto) })
	for i := range s.Items {
		s.Items[i].Conns = s.connsOf(s.Items[i])
	}
	change.Sort(s.Items)
	return s.State, nil
}

// looker gathers what is there.
type looker struct {
	change.State
	config *conf.Config
	wanted map[string]change.Item // by Object
	led    map[string]bool        // items of connections whose routes are all known
	loaded []status.LoadedDoc
	hooks  []info.Hook // of manually keyed conns
}

// settings adds the kernel settings that are wanted, and those that start has changed and noted.
func (s *looker) settings(standing *info.Standing, want []change.Item) error {
	add := func(path, before string) error {
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("failed to read a setting: %w", err)
		}
		item := change.SettingOf(path, strings.TrimSpace(string(text)))
		item.Before = before
		s.Items = append(s.Items, item)
		return nil
	}
	var all []error
	for _, w := range want {
		if w.Kind == change.Setting && w.Value != change.Any {
			all = append(all, add(w.Object, ""))
		}
	}
	for _, line := range standing.Lines() {
		if l, ok := line.(info.Setting); ok && !s.wants(l.Path) && l.Below(info.SettingsDir) {
			all = append(all, add(l.Path, l.Value))
		}
	}
	return errors.Join(all...)
}

// route returns the route that i is of, where nobody wants it.
func (s *looker) route(i change.Item) (plan.DelRoute, bool) {
	route, ok := i.Op.(plan.DelRoute)
	return route, ok && !s.wants(i.Object) && route.Metric != change.HoldMetric
}

// ofOthers reports whether i is a route that nobody wants, and that is for others to take away: one of a conn with
// a command of the user, or, where a Pluto that runs does not say what it has, of whatever connection.
func (s *looker) ofOthers(i change.Item, running bool) bool {
	route, ok := s.route(i)
	if !ok {
		return false
	}
	for _, h := range s.hooks {
		for _, e := range h.Env {
			network, found := strings.CutPrefix(e, "PLUTO_PEER_CLIENT=")
			if net, err := netip.ParsePrefix(network); found && err == nil && net.Overlaps(route.Dst) {
				return true
			}
		}
	}
	_, unseen := s.Unseen[change.Connection]
	return unseen && running
}

// connsOf returns the items of the connections that i may be a route of, as a peer has brought them up, or as the peer
// has an address that no plan knows.
func (s *looker) connsOf(i change.Item) (conns []string) {
	route, ok := s.route(i)
	if !ok {
		return nil
	}
	for _, c := range s.loaded {
		object, peers := change.ConnOf(c.Name, nil).Object, c.Peers
		if c.Asked && s.led[object] {
			peers = c.Present
		}
		if c.Routed && loaded.Leads(peers, route.Dst) {
			conns = append(conns, object)
		}
	}
	return conns
}

// wants reports whether something is wanted, whatever it is like.
func (s *looker) wants(object string) bool {
	_, wanted := s.wanted[object]
	return wanted
}

// add adds what is there, with what takes it away.
func (s *looker) add(item change.Item, undo plan.Op) {
	item.Op = undo
	s.Items = append(s.Items, item)
}

// look has things of a kind looked at, and notes why they cannot be.
func (s *looker) look(kind change.Kind, what string, do func() error) {
	err := do()
	switch {
	case err == nil:
		delete(s.Unseen, kind)
	case os.Geteuid() != 0:
		s.Unseen[kind] = what + " only the superuser may see"
	default:
		s.Unseen[kind] = what + " cannot be seen: " + err.Error()
	}
}

// daemons adds those that live, with their arguments; of one that is dead it is noted that it was started.
func (s *looker) daemons(paths conf.Paths, standing *info.Standing) error {
	for _, d := range []struct {
		part    plan.Part
		pidfile string
		note    info.Started
	}{{plan.Klips, paths.KlipsPID(), info.Klips}, {plan.Pluto, paths.PlutoPID(), info.Pluto}} {
		pid, alive, err := process.Alive(d.pidfile)
		if err != nil {
			return err
		}
		item := change.DaemonOf(d.part, nil)
		item.Noted = standing.Has(d.note)
		switch line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); {
		case alive && err == nil:
			words := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
			words = slices.DeleteFunc(words, func(w string) bool { return w == "--nofork" })
			item.Value = change.DaemonOf(d.part, words[min(2, len(words)):]).Value
			s.add(item, plan.EndDaemon{Part: d.part})
		case alive:
			s.Unseen[change.Daemon] = "the arguments of the daemons cannot be seen"
		case item.Noted:
			item.Value = change.Gone
			s.add(item, nil)
		}
	}
	return nil
}

// tables adds the SAs and eroutes of KLIPS that are manually keyed: those of Pluto have SPIs and a hard
// lifetime, and identities, by which they are told.
func (s *looker) tables(paths conf.Paths) error {
	table, err := client.Dial(paths.KlipsCtl())
	if err != nil {
		return err
	}
	defer table.Close()
	attachments, err := table.ListAttachments()
	if err != nil {
		return err
	}
	for _, a := range attachments {
		if a.XDP != offload.Auto {
			s.add(change.UseOf(a.Virtual, a.XDP.String()), plan.Attach{Virtual: a.Virtual, Physical: a.Physical, XDP: offload.Auto.String()})
		}
	}
	sas, err := table.ListSAs()
	if err != nil {
		return err
	}
	for _, sa := range sas {
		item := change.SAOf(sa)
		if !s.wants(item.Object) && sa.ID.SPI >= klips.NegotiatedSPI {
			continue
		}
		switch err := s.checkKeys(table, item); {
		case errors.Is(err, syscall.EKEYREJECTED):
			item = item.WithOtherKeys()
		case err != nil:
			return err
		}
		s.add(item, plan.DelSA{SAID: sa.ID})
		if len(sa.Group) > 1 && sa.Group[0] == sa.ID {
			s.add(change.GroupOf(sa.Group), nil)
		}
		for _, f := range sa.Inflow {
			s.add(change.InflowOf(plan.Flow(f), sa.ID), nil)
		}
	}
	eroutes, err := table.ListEroutes()
	if err != nil {
		return err
	}
	for _, e := range eroutes {
		item := change.ErouteOf(plan.Flow(e.Selector), e.SAID)
		if e.Ident != ([2]string{}) {
			item.Value = change.OfPluto
		}
		s.add(item, plan.DelEroute{Flow: plan.Flow(e.Selector)})
	}
	return nil
}

// checkKeys asks KLIPS whether an SA that is as it is wanted has the keys of the configuration, too; EKEYREJECTED where
// it has not.
func (s *looker) checkKeys(table klips.Table, there change.Item) error {
	w := s.wanted[there.Object]
	op, keyed := w.Op.(plan.AddSA)
	if !keyed || w.Value != there.Value {
		return nil
	}
	sa, err := keys.SA(s.config.Conn(op.KeysOf), op)
	if err != nil { // a start would not set it
		return fmt.Errorf("%w: %w", syscall.EKEYREJECTED, err)
	}
	return table.CheckSA(sa)
}

// connections adds what Pluto has loaded.
func (s *looker) connections(paths conf.Paths) (err error) {
	if s.loaded, err = loaded.Ask(paths.PlutoCtl()); err != nil {
		return err
	}
	for _, c := range s.loaded {
		s.add(change.ConnOf(c.Name, c.Words), plan.Whack{Args: []string{"--delete", "--name", c.Name}})
		unroute := plan.Whack{Args: []string{"--unroute", "--name", c.Name}}
		switch {
		case c.Asked && c.Routed:
			s.add(change.RoutingOf(c.Name, change.Asked), unroute)
		case !c.Oriented:
			s.add(change.RoutingOf(c.Name, change.Waits), unroute)
		case c.Routed: // it has come with an SA
			s.add(change.RoutingOf(c.Name, ""), unroute)
		}
	}
	return nil
}
