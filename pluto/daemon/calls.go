package daemon

import (
	"errors"
	"fmt"
	"slices"

	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/whack"
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
	ok := w.carryOut(call)
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

// codeOf returns the number of an error's line.
func codeOf(err error) int {
	var refused *connection.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return pluto.RCFatal
}
