package server

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"

	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/klips/klipstest"
	"ipsec/klips/said"
)

// fixture is a server that runs for a test.
type fixture struct {
	socket string
	table  *klipstest.Table
	events chan klips.Event
	stop   func() error // ends it and returns what Run did

	mu    sync.Mutex
	lines []string
}

func (f *fixture) logged(text string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Contains(strings.Join(f.lines, "\n"), text)
}

func start(t *testing.T) *fixture {
	t.Helper()
	dir, err := os.MkdirTemp("", "klips") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	f := &fixture{
		socket: filepath.Join(dir, "klips.ctl"), events: make(chan klips.Event),
		table: klipstest.New(klips.Settings{FragICMP: true, Debug: []string{"tunnel"}}),
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- Run(ctx, Config{
			Socket: f.socket, Table: f.table, Events: f.events,
			Ready: func() error { close(ready); return nil },
			Debug: func(line string) { f.mu.Lock(); f.lines = append(f.lines, "pfkey: "+line); f.mu.Unlock() },
			Log:   func(line string) { f.mu.Lock(); f.lines = append(f.lines, line); f.mu.Unlock() },
		})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	f.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := f.stop(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) dial(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.Dial(f.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func mustSAID(s string) said.SAID {
	id, err := said.Parse(s)
	if err != nil {
		panic(err)
	}
	return id
}

func flow(src, dst string) klips.Selector {
	return klips.Selector{Src: netip.MustParsePrefix(src), Dst: netip.MustParsePrefix(dst)}
}

// Through the socket a table does what it does without.
func TestTransparent(t *testing.T) {
	want := klipstest.Exercise(klipstest.New(klips.Settings{FragICMP: true, Debug: []string{"tunnel"}}))
	got := klipstest.Exercise(start(t).dial(t))
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("through the socket\n%s\nwithout\n%s", got[i], want[i])
		}
	}
}

func TestAttachments(t *testing.T) {
	c := start(t).dial(t)
	steps := []struct {
		what string
		do   func() error
		want error
	}{
		{"attach", func() error { return c.Attach(klips.Attachment{Virtual: "ipsec0", Physical: "eth0"}) }, nil},
		{"attach again", func() error { return c.Attach(klips.Attachment{Virtual: "ipsec0", Physical: "eth1"}) }, syscall.EBUSY},
		{"attach another", func() error { return c.Attach(klips.Attachment{Virtual: "ipsec1", Physical: "eth1"}) }, nil},
		{"a long name", func() error { return c.Attach(klips.Attachment{Virtual: "a-name-of-16-bytes", Physical: "eth1"}) }, syscall.EINVAL},
		{"detach", func() error { return c.Detach("ipsec0") }, nil},
		{"detach again", func() error { return c.Detach("ipsec0") }, syscall.ENOENT},
	}
	for _, s := range steps {
		if err := s.do(); !errors.Is(err, s.want) {
			t.Errorf("%s: %v, want %v", s.what, err, s.want)
		}
	}
	want := []klips.Attachment{{Virtual: "ipsec1", Physical: "eth1", MTU: 16260, PhysicalMTU: 1500}}
	if got, err := c.ListAttachments(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("attachments are %+v, %v", got, err)
	}
	if err := c.ClearAttachments(); err != nil {
		t.Error(err)
	}
	if got, err := c.ListAttachments(); err != nil || len(got) != 0 {
		t.Errorf("attachments are %+v, %v", got, err)
	}
}

func TestErrorText(t *testing.T) {
	c := start(t).dial(t)
	err := c.DelSA(mustSAID("esp0x200@192.1.2.45"))
	if want := "failed to delete SA esp0x200@192.1.2.45: there is no SA esp0x200@192.1.2.45: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("the error is %v\nand not %s", err, want)
	}
}

func TestManyClients(t *testing.T) {
	f := start(t)
	var wg sync.WaitGroup
	for i := range 8 {
		c := f.dial(t)
		for j := range 2 { // two at once through one connection
			wg.Go(func() {
				for k := range 50 {
					id := said.SAID{Dst: netip.MustParseAddr("10.0.0.1"), SPI: uint32(0x1000 + i<<10 + j<<8 + k), Proto: said.ESP}
					if err := c.AddSA(klips.SA{ID: id}); err != nil {
						t.Error(err)
					}
					if sa, err := c.GetSA(id); err != nil || sa.ID != id {
						t.Errorf("%s is read as %s, %v", id, sa.ID, err)
					}
				}
			})
		}
	}
	wg.Wait()
	if list, err := f.dial(t).ListSAs(); err != nil || len(list) != 800 {
		t.Errorf("%d SAs, %v", len(list), err)
	}
}

func TestSocket(t *testing.T) {
	f := start(t)
	fi, err := os.Lstat(f.socket)
	if err != nil || fi.Mode() != os.ModeSocket|0o600 {
		t.Errorf("the socket is %v, %v", fi.Mode(), err)
	}
	if err := Run(t.Context(), Config{Socket: f.socket, Table: f.table}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second server: %v", err)
	}
	c := f.dial(t)
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(f.socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
	if _, err := c.GetSettings(); !errors.Is(err, client.ErrDown) {
		t.Errorf("without a server: %v", err)
	}
	if _, err := client.Dial(f.socket); !errors.Is(err, client.ErrDown) || !errors.Is(err, syscall.ENOENT) {
		t.Errorf("without a server: %v", err)
	}
}

// A socket that a dead server has left is replaced, and a client finds the new
// server by itself; a file that is no socket stays.
func TestStaleSocket(t *testing.T) {
	f := start(t)
	c := f.dial(t)
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: f.socket, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := c.GetSettings(); !errors.Is(err, client.ErrDown) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("at a stale socket: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error)
	go func() {
		ended <- Run(ctx, Config{Socket: f.socket, Table: f.table, Ready: func() error { close(ready); return nil }})
	}()
	<-ready
	if _, err := c.GetSettings(); err != nil {
		t.Errorf("at the new server: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(f.socket, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), Config{Socket: f.socket, Table: f.table}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("in place of a file: %v", err)
	}
	if b, err := os.ReadFile(f.socket); string(b) != "mine" {
		t.Errorf("the file is %q, %v", b, err)
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 107))
	if err := Run(t.Context(), Config{Socket: long, Table: f.table}); !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Errorf("at a long path: %v", err)
	}
	if _, err := client.Dial(long); !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Errorf("at a long path: %v", err)
	}
}

func TestReadyFails(t *testing.T) {
	f := start(t)
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	want := errors.New("the starter is gone")
	if err := Run(t.Context(), Config{Socket: f.socket, Table: f.table, Ready: func() error { return want }}); err != want {
		t.Errorf("Run returns %v", err)
	}
}

func TestEvents(t *testing.T) {
	f := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := f.dial(t).Register(ctx)
	if err != nil {
		t.Fatal(err)
	}
	f.dial(t) // one that has not registered
	want := klips.Expire{ID: mustSAID("esp0x200@192.1.2.45"), Hard: true}
	f.events <- want
	if got, err := r.Next(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the event is %+v, %v", got, err)
	}
	cancel()
	if ev, err := r.Next(); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v, %v", ev, err)
	}
	r.Close()

	if r, err = f.dial(t).Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	if ev, err := r.Next(); err == nil {
		t.Errorf("without a server: %v", ev)
	}
}

func TestDrops(t *testing.T) {
	f := start(t)
	c := f.dial(t)
	if got, err := c.ListDrops(); got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	f.table.Drops = []klips.Drop{{Reason: klips.DropNoEroute, Packets: 1 << 40}, {Reason: klips.DropReplay, Packets: 1}}
	if got, err := c.ListDrops(); !reflect.DeepEqual(got, f.table.Drops) || err != nil {
		t.Errorf("%v, %v, want %v", got, err, f.table.Drops)
	}
}

// The flag pfkey of klipsdebug(8) tells of each request, and not of its keys.
func TestDebug(t *testing.T) {
	f := start(t)
	c := f.dial(t)
	sa := klips.SA{ID: mustSAID("esp0x200@192.1.2.45"), Enc: "aesgcm16", EncKey: []byte("a secret of twenty b")}
	if err := c.AddSA(sa); err != nil {
		t.Fatal(err)
	}
	if err := c.AddSA(sa); !errors.Is(err, syscall.EEXIST) {
		t.Fatal(err)
	}
	if err := c.CheckSA(sa); err != nil {
		t.Error(err)
	}
	sa.EncKey = []byte("another secret, 20 b")
	if err := c.CheckSA(sa); !errors.Is(err, syscall.EKEYREJECTED) || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	for _, want := range []string{"pfkey: ADD, number 1 of process", "esp0x200@192.1.2.45: there is", "pfkey: X_CHECK, number 4 of process", "esp0x200@192.1.2.45 has other keys"} {
		if !f.logged(want) {
			t.Errorf("%q is missing in %q", want, f.lines)
		}
	}
	if f.logged("secret") {
		t.Error("a key is told of")
	}
}
