package daemon

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/whack"
	"ipsec/pluto/whack/cmdline"
	"ipsec/pluto/whack/status"
)

// show answers those parts of a request that only ask.
func (w *worker) show(call *whack.Call) {
	say := func(line string) { call.Reply(pluto.RCComment, line) }
	w.list(call.List, say)
	if call.Loaded {
		if err := status.LoadedLines(w.table.Status(), func(line string) { call.Reply(pluto.RCRaw, line) }); err != nil {
			call.Reply(pluto.RCInternal, "failed to list what is loaded: "+err.Error())
		}
	}
	if !call.Status && !call.Traffic {
		return
	}
	s := w.status()
	if call.Name != "" {
		only, any := s.Only(call.Name)
		if !any {
			call.Reply(pluto.RCUnknownName, fmt.Sprintf("no connection named %q", call.Name))
			return
		}
		s = only
	}
	switch {
	case call.Traffic:
		s.TrafficText(say)
	case call.JSON:
		text, err := s.JSON()
		if err != nil {
			call.Reply(pluto.RCInternal, "failed to print the status: "+err.Error())
			return
		}
		call.Reply(pluto.RCRaw, text)
	default:
		s.Text(say)
	}
}

// status gathers everything that there is to say.
func (w *worker) status() *status.Status {
	s := &status.Status{Now: time.Now(), MyID: w.MyID, Debug: w.debug, Counts: w.observer.Counts(), States: w.ike.States()}
	attached, _ := w.stack.Kernel.ListAttachments() // without them the addresses are there all the same
	for _, socket := range w.endpoints.sockets {
		i := status.Interface{Physical: socket.link, Addr: socket.addr}
		for _, a := range attached {
			if a.Physical == socket.link {
				i.Virtual = a.Virtual
			}
		}
		s.Interfaces = append(s.Interfaces, i)
	}
	s.Connections = w.table.Status()
	slices.SortStableFunc(s.Connections, func(a, b connection.Status) int {
		return cmp.Or(cmp.Compare(a.Conn.Name, b.Conn.Name), cmp.Compare(a.Conn.Instance, b.Conn.Instance))
	})
	return s
}

// list says what was asked for of keys and certificates.
func (w *worker) list(what cmdline.List, say func(string)) {
	now := time.Now()
	for _, section := range []struct {
		asked cmdline.List
		lines func() []string
	}{
		{cmdline.ListPublicKeys, func() []string { return w.store.ListPublicKeys(w.connections(), now) }},
		{cmdline.ListCerts, func() []string { return w.store.ListCerts(now) }},
		{cmdline.ListCACerts, func() []string { return w.store.ListCACerts(now) }},
		{cmdline.ListAACerts, func() []string { return w.store.ListAACerts(now) }},
		{cmdline.ListCRLs, func() []string { return w.store.ListCRLs(now) }},
		{cmdline.ListPSKs, w.store.ListPSKs},
	} {
		if what&section.asked != 0 {
			for _, line := range section.lines() {
				say(line)
			}
		}
	}
}

// connections returns all that are loaded, and their instances.
func (w *worker) connections() (list []*pluto.Connection) {
	for _, c := range w.table.Status() {
		list = append(list, c.Conn)
	}
	return list
}
