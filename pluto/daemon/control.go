package daemon

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ipsec/conf/identity"
	"ipsec/klips"
	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/natt"
	"ipsec/pluto/whack"
	"ipsec/pluto/whack/cmdline"
)

// A waiter is a whack that gets the reports of some connections: while what it
// has asked for is done, and after that until each that it waits for is up or
// has failed.
type waiter struct {
	call    *whack.Call
	names   []string // of connections whose reports it gets
	pending []string // of those whose outcome it waits for
}

// answer does what a whack asks for, in the order of cmdline.Request's fields.
func (w *worker) answer(call *whack.Call) {
	r := call.Request
	wait := &waiter{call: call}
	for _, c := range w.table.Matching(r.Name) {
		wait.names = append(wait.names, c.Name)
	}
	if r.Initiate && !r.Asynchronous {
		wait.pending = slices.Clone(wait.names)
	}
	if r.Add != nil {
		wait.names = append(wait.names, r.Name)
	}
	if r.Reread != 0 {
		wait.names = append(wait.names, "") // what is about no connection
	}
	w.waiters = append(w.waiters, wait)
	ok := w.obey(call)
	w.show(call)
	if r.Shutdown {
		w.Log("shutting down, as whack asks for")
		w.end()
	}
	if !ok || len(wait.pending) == 0 {
		w.dismiss(wait)
		return
	}
	w.parts.Go(func() {
		<-call.Gone()
		w.do(func() { w.dismiss(wait) })
	})
}

// dismiss ends a whack.
func (w *worker) dismiss(wait *waiter) {
	w.waiters = slices.DeleteFunc(w.waiters, func(other *waiter) bool { return other == wait })
	wait.call.Done()
}

// obey does those parts of a request that change something, and notes in the
// journal what a new worker needs again. What fails ends it.
func (w *worker) obey(call *whack.Call) bool {
	for _, kind := range []Kind{KindDebug, kindDelete, kindDeleteState, kindKey, KindAdd, KindListen, kindUnlisten, kindReread, KindRoute, kindUnroute, KindInitiate, kindTerminate} {
		names := w.names(call.Name)
		asked, err := w.perform(kind, call.Request)
		if asked && (err == nil || kind != KindAdd) { // what cannot be yet, such as a route, is wanted all the same
			w.note(kind, call, names)
			if kind == KindAdd {
				call.Reply(pluto.RCLog, fmt.Sprintf("added connection description %q", call.Name))
			}
		}
		if err != nil {
			call.Reply(codeOf(err), err.Error())
			return false
		}
	}
	return true
}

// Kinds of what whack asks for that the journal does not keep.
const (
	kindDelete      Kind = "delete"
	kindDeleteState Kind = "deletestate"
	kindKey         Kind = "key"
	kindUnlisten    Kind = "unlisten"
	kindReread      Kind = "reread"
	kindUnroute     Kind = "unroute"
	kindTerminate   Kind = "terminate"
)

// replay does again that part of a request which the journal kept it for.
func (w *worker) replay(kind Kind, r *cmdline.Request) error {
	_, err := w.perform(kind, r)
	return err
}

// perform does one part of a request, if it is asked for.
func (w *worker) perform(kind Kind, r *cmdline.Request) (asked bool, err error) {
	switch {
	case kind == KindDebug && len(r.Debug) > 0:
		w.setDebug(r.Debug)
	case kind == kindDelete && r.Delete && r.Add == nil:
		err = w.table.Delete(r.Name)
	case kind == kindDeleteState && r.DeleteState != 0:
		err = w.deleteState(r.DeleteState)
	case kind == kindKey && r.Key != nil:
		err = errors.New("keys of peers are given with their connections, by --pubkey")
	case kind == KindAdd && r.Add != nil:
		err = w.add(r.Add, r.Delete)
	case kind == KindListen && r.Listen:
		w.listening = true
		if err = w.readdress(); err == nil {
			err = w.endpoints.deaf()
		}
	case kind == kindUnlisten && r.Unlisten:
		w.listening = false
		err = w.readdress()
	case kind == kindReread && r.Reread != 0:
		for _, line := range w.reread(r.Reread) {
			w.report(pluto.Report{Code: pluto.RCLogSerious, Text: line})
		}
	case kind == KindRoute && r.Route:
		err = w.table.Route(r.Name)
	case kind == kindUnroute && r.Unroute:
		err = w.table.Unroute(r.Name)
	case kind == KindInitiate && r.Initiate:
		if err = w.deaf(r.Name); err == nil {
			err = w.table.Initiate(r.Name)
		}
	case kind == kindTerminate && r.Terminate:
		err = w.table.Terminate(r.Name)
	default:
		return false, nil
	}
	return true, err
}

// deaf says why the peer of a connection could not be heard.
func (w *worker) deaf(name string) error {
	for _, c := range w.table.Matching(name) {
		for at, why := range w.endpoints.refused {
			if at.addr.Addr() == c.Local.Host.Addr {
				return &connection.Error{Code: pluto.RCDeaf, Text: why}
			}
		}
	}
	return nil
}

// add loads a connection, in place of one of its name where it is to replace
// that, and says what its keys and certificates will fail by.
func (w *worker) add(conn *pluto.Connection, replace bool) error {
	for _, end := range []*pluto.End{&conn.Local, &conn.Remote} {
		if end.ID.Type == identity.TypeMyID {
			end.ID = w.myID // none: the address
		}
	}
	load := w.table.Add
	if replace {
		load = w.table.Replace
	}
	if err := load(conn); err != nil {
		return err
	}
	for _, line := range w.store.Check(conn, time.Now()) {
		w.report(pluto.Report{Code: pluto.RCLogSerious, Conn: conn, Text: line})
	}
	return nil
}

// note tells the supervisor what has been done. names are those that the
// request's name stood for before.
func (w *worker) note(kind Kind, call *whack.Call, names []string) {
	var errs []error
	switch kind {
	case KindAdd:
		errs = append(errs, w.patron.keep(Entry{Kind: kind, Name: call.Name, Words: call.Words}))
		if call.Delete {
			errs = append(errs, w.replaced(names, call.Add)...)
		}
	case KindRoute, KindInitiate, kindUnroute, kindTerminate:
		for _, name := range names {
			errs = append(errs, w.wish(name)...)
		}
	case KindDebug, KindListen:
		errs = append(errs, w.patron.keep(Entry{Kind: kind, Words: call.Words}))
	case kindUnlisten:
		errs = append(errs, w.patron.drop(KindListen, ""))
	case kindDelete:
		for _, name := range names {
			errs = append(errs, w.patron.drop("", name))
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
			errs = append(errs, w.patron.drop("", name))
		}
	}
	return append(errs, w.wish(conn.Name)...)
}

// wish has the supervisor remember what a connection is to be, by a message of
// its own: one of several that an alias stands for may be asked for something else later.
func (w *worker) wish(name string) (errs []error) {
	routed, up := w.table.Wish(name)
	for _, is := range []struct {
		kind   Kind
		wanted bool
	}{{KindRoute, routed}, {KindInitiate, up}} {
		if is.wanted {
			errs = append(errs, w.patron.keep(Entry{Kind: is.kind, Name: name, Words: []string{"--name", name, "--" + string(is.kind)}}))
		} else {
			errs = append(errs, w.patron.drop(is.kind, name))
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

// codeOf returns the number of an error's line.
func codeOf(err error) int {
	var refused *connection.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return pluto.RCFatal
}

// report takes a line of a connection: it goes into the log, and to the whacks
// that want to hear of that connection.
func (w *worker) report(r pluto.Report) {
	line := r.Text
	name := ""
	if r.Conn != nil {
		name = r.Conn.Name
		line = r.Conn.String()
		if r.Serial != 0 {
			line += fmt.Sprintf(" #%d", r.Serial)
		}
		line += ": " + r.Text
	}
	w.Log(line)
	for _, wait := range slices.Clone(w.waiters) {
		if !slices.Contains(wait.names, name) {
			continue
		}
		wait.call.Reply(r.Code, line)
		if r.Outcome == pluto.Pending || len(wait.pending) == 0 {
			continue
		}
		wait.pending = slices.DeleteFunc(wait.pending, func(n string) bool { return n == name })
		if len(wait.pending) == 0 {
			w.dismiss(wait)
		}
	}
}

// setDebug turns topics on; "none" first turns all of them off. Words that select nothing here are told.
func (w *worker) setDebug(words []string) {
	for _, word := range words {
		if word == "none" {
			w.debug = nil
		} else if !slices.Contains(w.debug, word) {
			w.debug = append(w.debug, word)
		}
	}
	if idle := w.observer.Select(w.debug); len(idle) > 0 {
		w.report(pluto.Report{Code: pluto.RCLog, Text: fmt.Sprintf("nothing is logged for debug %s: this Pluto has no such topic", strings.Join(idle, "+"))})
	}
}

// deleteState deletes the connection's SAs that a state belongs to.
func (w *worker) deleteState(serial int) error {
	for _, s := range w.ike.States() {
		if s.Serial == serial {
			w.ike.Terminate(s.Conn)
			return nil
		}
	}
	return &connection.Error{Code: pluto.RCUnknownName, Text: fmt.Sprintf("no state #%d", serial)}
}

// readdress follows the addresses of the interfaces that KLIPS is bound to.
func (w *worker) readdress() error {
	attached, err := w.stack.Kernel.ListAttachments()
	if err != nil {
		return fmt.Errorf("failed to ask KLIPS for its interfaces: %w", err)
	}
	var list []endpoint
	if w.listening {
		if list, err = addresses(attached, w.stack.Everywhere); err != nil {
			return err
		}
	}
	var ours []connection.Address
	for _, at := range list {
		a := connection.Address{Addr: at.addr.Addr()}
		if i := slices.IndexFunc(attached, func(a klips.Attachment) bool { return a.Physical == at.link }); i >= 0 {
			a.Virtual = attached[i].Virtual
		}
		ours = append(ours, a)
	}
	w.endpoints.follow(withNATPort(list, w.stack.Send == nil))
	w.table.Listen(ours)
	return nil
}

// withNATPort adds port 4500 where it is ours to open.
func withNATPort(list []endpoint, own bool) []endpoint {
	if !own {
		return list
	}
	for _, at := range slices.Clone(list) {
		at.addr = netip.AddrPortFrom(at.addr.Addr(), natt.Port)
		list = append(list, at)
	}
	return list
}

// runner has the supervisor run updown commands, for updown.Runner.
type runner struct{ w *worker }

// Run runs a command of ipsec.conf and gives what it prints to the log.
func (r runner) Run(command string, variables []string, timeout time.Duration) error {
	type result struct {
		output string
		err    error
	}
	ran := make(chan result, 1)
	select {
	case <-r.w.late:
		return errors.New("it was not begun, as Pluto ends")
	default:
	}
	r.w.patron.run(command, variables, timeout, func(output string, err error) { ran <- result{output, err} })
	var got result
	select {
	case got = <-ran:
	case <-r.w.late:
		return errors.New("it was not waited for, as Pluto ends")
	}
	for line := range strings.Lines(got.output) {
		r.w.Log("updown: " + strings.TrimSuffix(line, "\n"))
	}
	return got.err
}
