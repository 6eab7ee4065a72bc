package daemon

import (
	"context"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/klips/process/rootonly"
	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/credential"
	"ipsec/pluto/plutotest"
	"ipsec/pluto/whack"
)

// newWorker returns a worker without sockets, and the supervisor that it talks to.
func newWorker(t *testing.T) (*worker, *Supervisor, func()) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "worker"), os.NewFile(uintptr(pair[1]), "supervisor")
	s := &Supervisor{Log: func(line string) { t.Log(line) }, Ready: func() error { return nil }}
	talked := make(chan error, 1)
	go func() { talked <- s.talk(ours) }()
	w := &worker{
		Worker: Worker{Log: func(line string) { t.Log(line) }},
		boss:   newBoss(theirs), stack: noStack(t), store: &credentials{Store: new(credential.Store)},
	}
	if _, err := w.boss.history(); err != nil {
		t.Fatal(err)
	}
	w.table = connection.New(connection.Config{Kernel: w.stack.Kernel, Clock: plutotest.NewClock(), Report: w.report, Updown: w.stack.Updown})
	w.table.Drive(&plutotest.Negotiator{})
	return w, s, func() {
		theirs.Close()
		if err := <-talked; err != nil {
			t.Error(err)
		}
		ours.Close()
	}
}

// kept returns the journal, a line for each entry.
func (s *Supervisor) kept() (list []string) {
	for _, e := range s.journal.Entries() {
		list = append(list, strings.TrimSpace(string(e.Kind)+" "+e.Name))
	}
	return list // in the order in which a new worker gets them
}

// TestJournalOfWhacks is about what a new worker would do again.
func TestJournalOfWhacks(t *testing.T) {
	add := func(name, peer string) string {
		return "--name " + name + " --connalias all --ikev2-allow --psk --encrypt --tunnel --host 192.0.2.1 --to --host " + peer
	}
	const a, b = "192.0.2.7", "192.0.2.8"
	for _, c := range []struct {
		name   string
		away   bool // our address
		whacks []string
		want   string
	}{
		{"routed before its address is there", true, []string{add("a", a), "--name a --route"}, "add a, route a"},
		{"initiated before its address is there", true, []string{add("a", a), "--name a --initiate --asynchronous"}, "add a, initiate a"},
		{"unroute takes back that it is to be up", false, []string{add("a", a), "--name a --initiate --asynchronous", "--name a --unroute"}, "add a"},
		{"one of an alias is taken down", false, []string{add("a", a), add("b", b), "--name all --initiate --asynchronous", "--name b --terminate"}, "add a, add b, initiate a"},
		{"one of an alias is unrouted", false, []string{add("a", a), add("b", b), "--name all --route", "--name b --unroute"}, "add a, add b, route a"},
		{"an alias is deleted", false, []string{add("a", a), add("b", b), "--name all --route", "--name all --delete"}, ""},
		{"a routed one is replaced", false, []string{add("a", a), "--name a --route", add("a", b) + " --delete"}, "add a, route a"},
		{"one is replaced by a part of it", false, []string{strings.Replace(add("all", a), "--connalias all ", "", 1), "--name all --route", add("all/1x1", b) + " --delete"}, "add all/1x1, route all/1x1"},
		{"what is refused is not kept", false, []string{add("a", a), add("a", b)}, "add a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, s, done := newWorker(t)
			path := filepath.Join(t.TempDir(), "pluto.ctl")
			listener, err := rootonly.Listen(t.Context(), "unix", path)
			if err != nil {
				t.Fatal(err)
			}
			server := whack.NewServer(listener)
			server.Handle = func(call *whack.Call) { w.carryOut(call); call.Done() }
			ctx, cancel := context.WithCancel(t.Context())
			var served sync.WaitGroup
			served.Go(func() {
				if err := server.Serve(ctx); err != nil {
					t.Error(err)
				}
			})
			if !c.away {
				w.table.Listen([]connection.Address{{Addr: netip.MustParseAddr("192.0.2.1"), Virtual: "ipsec0"}})
			}
			for _, text := range c.whacks {
				if _, err := whack.Do(t.Context(), path, strings.Fields(text), io.Discard); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
			}
			cancel()
			served.Wait()
			done()
			if got := strings.Join(s.kept(), ", "); got != c.want {
				t.Errorf("kept %q, want %q", got, c.want)
			}
		})
	}
}

// TestSocketThatCloses: the loop closes the socket of an address that has gone,
// whose reader waits for nobody but the loop.
func TestSocketThatCloses(t *testing.T) {
	w := &worker{datagrams: make(chan pluto.Datagram)}
	at := endpoint{addr: netip.MustParseAddrPort("127.0.0.1:0")}
	waits := make(chan struct{})
	s, err := bind(at, func(d pluto.Datagram, gone <-chan struct{}) {
		close(waits)
		w.deliver(d, gone)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.send(pluto.Datagram{Remote: netip.MustParseAddrPort(s.conn.LocalAddr().String()), Payload: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	<-waits
	closed := make(chan struct{})
	go func() { s.close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("a socket whose reader waits for the loop cannot be closed by the loop")
	}
}
