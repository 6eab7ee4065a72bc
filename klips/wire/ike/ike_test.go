package ike

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func message(local, remote, payload string) Message {
	return Message{Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote), Payload: []byte(payload)}
}

func same(a, b Message) bool {
	return a.Local == b.Local && a.Remote == b.Remote && bytes.Equal(a.Payload, b.Payload)
}

func TestRecord(t *testing.T) {
	for _, m := range []Message{message("10.0.0.1:4500", "10.0.0.2:32000", "x"), message("[2001:db8::1]:4500", "[2001:db8::2]:1", "message")} {
		record := m.Append(nil)
		if got, err := Parse(record); err != nil || !same(got, m) {
			t.Errorf("%+v, %v, want %+v", got, err, m)
		}
		if _, err := Parse(record[:HeaderLen]); err != ErrMalformed {
			t.Errorf("empty: %v", err)
		}
	}
	for _, m := range []Message{message("10.0.0.1:4500", "[2001:db8::2]:1", "x"), message("10.0.0.1:4500", "10.0.0.2:0", "x")} {
		if _, err := Parse(m.Append(nil)); err != ErrMalformed {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(message("10.0.0.1:4500", "10.0.0.2:32000", "x").Append(nil))
	f.Add(message("[2001:db8::1]:4500", "[2001:db8::2]:1", "message").Append(nil))
	f.Fuzz(func(t *testing.T, record []byte) {
		m, err := Parse(record)
		if err != nil {
			return
		}
		if again, err := Parse(m.Append(nil)); err != nil || !same(again, m) {
			t.Errorf("%+v, then %+v, %v", m, again, err)
		}
	})
}

// serve runs a socket and returns what its clients send.
func serve(t *testing.T, path string) (*Socket, <-chan Message) {
	t.Helper()
	s, err := Listen(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	sent, done := make(chan Message, 16), make(chan error, 1)
	go func() {
		done <- s.Run(ctx, func(m Message) error {
			m.Payload = bytes.Clone(m.Payload)
			sent <- m
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is left: %v", err)
		}
	})
	return s, sent
}

func dial(t *testing.T, path string) *Conn {
	t.Helper()
	c, err := Dial(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func receive(t *testing.T, c <-chan Message) Message {
	t.Helper()
	select {
	case m := <-c:
		return m
	case <-time.After(5 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "klips.ike")
	s, sent := serve(t, path)
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: expected mode 0600", fi, err)
	}
	if _, err := Listen(t.Context(), path, nil); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second socket: %v", err)
	}
	m := message("10.0.0.1:4500", "10.0.0.2:32000", "hello")
	s.Deliver(m) // to nobody

	first := dial(t, path)
	if err := first.Send(m); err != nil || !same(receive(t, sent), m) {
		t.Fatal(err)
	}
	s.Deliver(m)
	if got, err := first.Receive(); err != nil || !same(got, m) {
		t.Fatalf("%+v, %v", got, err)
	}

	second := dial(t, path) // takes the place of the first
	if err := second.Send(m); err != nil || !same(receive(t, sent), m) {
		t.Fatal(err)
	}
	if got, err := first.Receive(); err == nil {
		t.Errorf("the first client got %+v", got)
	}
	s.Deliver(m)
	if got, err := second.Receive(); err != nil || !same(got, m) {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestStalled delivers to a client that does not read: nothing waits for it.
func TestStalled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "klips.ike")
	s, sent := serve(t, path)
	c := dial(t, path)
	m := message("10.0.0.1:4500", "10.0.0.2:32000", "hello")
	if err := c.Send(m); err != nil {
		t.Fatal(err)
	}
	receive(t, sent)
	m.Payload = make([]byte, 60000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 100 {
			s.Deliver(m)
		}
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("a client that does not read holds messages up")
	}
	if got, err := c.Receive(); err != nil || !same(got, m) {
		t.Errorf("%v", err)
	}
}

// TestLeft takes over the file of a socket whose process is gone.
func TestLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "klips.ike")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_SEQPACKET, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	syscall.Close(fd)
	_, sent := serve(t, path)
	m := message("10.0.0.1:4500", "10.0.0.2:32000", "hello")
	if err := dial(t, path).Send(m); err != nil || !same(receive(t, sent), m) {
		t.Fatal(err)
	}
}

// TestSendToWhoDoesNotRead: Pluto does not stand still with a KLIPS that does.
func TestSendToWhoDoesNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ike")
	listener, err := net.Listen("unixpacket", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(10*time.Second, func() { conn.Close() })
	defer stuck.Stop()
	m := Message{Local: netip.MustParseAddrPort("192.0.2.1:4500"), Remote: netip.MustParseAddrPort("192.0.2.2:4500"), Payload: make([]byte, 1000)}
	for range 10000 {
		if err = conn.Send(m); err != nil {
			break
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("sending ended with %v", err)
	}
}
