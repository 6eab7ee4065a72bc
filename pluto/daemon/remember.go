package daemon

import (
	"errors"
	"fmt"
	"slices"

	"ipsec/pluto"
	"ipsec/pluto/whack"
)

// note tells the supervisor what has been done. names are those that the
// request's name stood for before.
func (w *worker) note(kind Kind, call *whack.Call, names []string) {
	var errs []error
	switch kind {
	case KindAdd:
		errs = append(errs, w.boss.keep(Entry{Kind: kind, Name: call.Name, Words: call.Words}))
		if call.Delete {
			errs = append(errs, w.replaced(names, call.Add)...)
		}
	case KindRoute, KindInitiate, kindUnroute, kindTerminate:
		for _, name := range names {
			errs = append(errs, w.keepWanted(name)...)
		}
	case KindDebug, KindListen:
		errs = append(errs, w.boss.keep(Entry{Kind: kind, Words: call.Words}))
	case kindUnlisten:
		errs = append(errs, w.boss.drop(KindListen, ""))
	case kindDelete:
		for _, name := range names {
			errs = append(errs, w.boss.drop("", name))
		}
	}
	w.unremembered(errors.Join(errs...))
}

func (w *worker) unremembered(err error) {
	if err != nil {
		w.Log(fmt.Sprintf("failed to have the supervisor remember what whack asked for: %v", err))
	}
}

// replaced has the supervisor forget those whose place conn has taken, and remember
// after conn itself what it has taken over from them.
func (w *worker) replaced(names []string, conn *pluto.Connection) (errs []error) {
	for _, name := range append(names, conn.Alias) {
		there := slices.ContainsFunc(w.table.Matching(name), func(c *pluto.Connection) bool { return c.Name == name })
		if name != "" && !there {
			errs = append(errs, w.boss.drop("", name))
		}
	}
	return append(errs, w.keepWanted(conn.Name)...)
}

// keepWanted has the supervisor remember what a connection is to be, by a message of
// its own: one of several that an alias stands for may be asked for something else later.
func (w *worker) keepWanted(name string) (errs []error) {
	routed, up := w.table.Wanted(name)
	for _, is := range []struct {
		kind   Kind
		wanted bool
	}{{KindRoute, routed}, {KindInitiate, up}} {
		if is.wanted {
			errs = append(errs, w.boss.keep(Entry{Kind: is.kind, Name: name, Words: []string{"--name", name, "--" + string(is.kind)}}))
		} else {
			errs = append(errs, w.boss.drop(is.kind, name))
		}
	}
	return errs
}

// names returns a name and those of all connections that it stands for.
func (w *worker) names(name string) []string {
	list := []string{name}
	for _, c := range w.table.Matching(name) {
		if c.Name != name {
			list = append(list, c.Name)
		}
	}
	return list
}
