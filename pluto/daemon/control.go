package daemon

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ipsec/conf/identity"
	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/whack"
	"ipsec/pluto/whack/cmdline"
)

// carryOut does those parts of a request that change something, and notes in the
// journal what a new worker needs again. What fails ends it.
func (w *worker) carryOut(call *whack.Call) bool {
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
		again := w.listening
		w.listening = true
		if err = w.readdress(); err == nil {
			err = w.endpoints.deaf()
		}
		if again { // asked for once more, it is to see what has changed: in the tables of KLIPS, too
			err = errors.Join(err, w.table.Resync())
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
