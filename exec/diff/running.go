package diff

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/exec/loaded"
	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/klips/process"
	"ipsec/plan"
	"ipsec/pluto/whack/status"
)

// State is what is on a machine.
type State struct {
	Items  []Item
	Unseen map[Kind]string // why things of a kind cannot be seen

	wanted map[string]bool
	loaded []status.LoadedDoc
}

// Running looks at this machine, for the settings of want, and for the rest at all that is ours. It needs no
// privilege for what any user may see.
func Running(paths conf.Paths, facts plan.Facts, want []Item) (State, error) {
	s := State{Unseen: make(map[Kind]string), wanted: make(map[string]bool)}
	for _, w := range want {
		s.wanted[w.Object] = true
	}
	if err := errors.Join(s.daemons(paths, facts), s.network(facts)); err != nil {
		return s, err
	}
	for _, w := range want {
		if w.Kind == Setting {
			text, err := os.ReadFile(w.Object)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return s, fmt.Errorf("failed to read a setting: %w", err)
			}
			s.add(Setting, w.Object, strings.TrimSpace(string(text)), false)
		}
	}
	s.Unseen[DataPlane] = "KLIPS does not run, so that its tables are not compared"
	s.Unseen[Connection] = "Pluto does not run, so that its connections are not compared"
	if facts.Running.Klips {
		s.look(DataPlane, "the tables of KLIPS", func() error { return s.tables(paths) })
	}
	if facts.Running.Pluto {
		s.look(Connection, "the connections of Pluto", func() error { return s.connections(paths) })
	}
	s.Items = sorted(slices.DeleteFunc(s.Items, s.negotiated))
	return s, nil
}

// negotiated reports whether i is a route that nobody wants, and that is of a connection which is routed now: a peer, or
// a person, has brought it up.
func (s *State) negotiated(i Item) bool {
	words := strings.Fields(i.Object)
	if i.Kind != Network || words[0] != "route" || s.wanted[i.Object] || i.Value == gone {
		return false
	}
	if _, unseen := s.Unseen[Connection]; unseen {
		return true
	}
	dst, err := netip.ParsePrefix(words[1])
	return err == nil && slices.ContainsFunc(s.loaded, func(c status.LoadedDoc) bool { return c.Routed && loaded.Leads(c, dst) })
}

func (s *State) add(kind Kind, object, value string, noted bool) {
	s.Items = append(s.Items, Item{Kind: kind, Object: object, Value: value, Noted: noted})
}

// look has things of a kind looked at, and notes why they cannot be.
func (s *State) look(kind Kind, what string, do func() error) {
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
func (s *State) daemons(paths conf.Paths, facts plan.Facts) error {
	standing := info.StandingOf(facts.Running.Info)
	for _, d := range []struct {
		name, pidfile string
		note          info.Started
	}{{"klips", paths.KlipsPID(), info.Klips}, {"pluto", paths.PlutoPID(), info.Pluto}} {
		pid, alive, err := process.Alive(d.pidfile)
		if err != nil {
			return err
		}
		noted := standing.Has(d.note)
		switch line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); {
		case alive && err == nil:
			words := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
			words = slices.DeleteFunc(words, func(w string) bool { return w == "--nofork" })
			s.add(Daemon, d.name, arguments(words[min(2, len(words)):]), noted)
		case alive:
			s.Unseen[Daemon] = "the arguments of the daemons cannot be seen"
		case noted:
			s.add(Daemon, d.name, gone, true)
		}
	}
	return nil
}

// tables adds the SAs and eroutes of KLIPS that are manually keyed: those of Pluto have SPIs, and
// identities, by which they are told.
func (s *State) tables(paths conf.Paths) error {
	table, err := client.Dial(paths.KlipsCtl())
	if err != nil {
		return err
	}
	defer table.Close()
	sas, err := table.ListSAs()
	if err != nil {
		return err
	}
	for _, sa := range sas {
		if s.wanted["SA "+sa.ID.String()] || sa.ID.SPI < klips.NegotiatedSPI {
			s.add(DataPlane, "SA "+sa.ID.String(), "", false)
		}
	}
	eroutes, err := table.ListEroutes()
	if err != nil {
		return err
	}
	for _, e := range eroutes {
		if e.Ident == ([2]string{}) {
			s.add(DataPlane, erouteObject(plan.Flow(e.Selector)), e.SAID.String(), false)
		}
	}
	return nil
}

// connections adds what Pluto has loaded.
func (s *State) connections(paths conf.Paths) (err error) {
	if s.loaded, err = loaded.Ask(paths.PlutoCtl()); err != nil {
		return err
	}
	for _, c := range s.loaded {
		s.add(Connection, "conn "+c.Name, strings.Join(c.Words, "\x00"), false)
		switch {
		case c.Asked && c.Routed:
			s.add(Routing, "routing of conn "+c.Name, asked, false)
		case c.Routed || !c.Oriented: // it has come with an SA, or waits for an address of ours
			s.add(Routing, "routing of conn "+c.Name, "", false)
		}
	}
	return nil
}
