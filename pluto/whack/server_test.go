package whack

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
	"ipsec/klips/process/rootonly"
	"ipsec/pluto"
)

// fixture is a server whose calls a test answers.
type fixture struct {
	path string
	stop func() // ends it and waits

	news chan struct{} // has something after each line that is logged

	mu   sync.Mutex
	logs []string
}

func serve(tb testing.TB, handle func(*Call)) *fixture {
	f := &fixture{path: filepath.Join(tb.TempDir(), "pluto.ctl"), news: make(chan struct{}, 1)}
	listener, err := rootonly.Listen(tb.Context(), "unix", f.path)
	if err != nil {
		tb.Fatal(err)
	}
	s := NewServer(listener)
	s.Handle = handle
	s.Log = func(line string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.logs = append(f.logs, line)
		select {
		case f.news <- struct{}{}:
		default:
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	f.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
	tb.Cleanup(f.stop)
	return f
}

func (f *fixture) logged(text string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Contains(strings.Join(f.logs, "\n"), text)
}

func (f *fixture) dial(tb testing.TB) *net.UnixConn {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: f.path, Net: "unix"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn
}

// The lines come in order, and the last code that counts is the exit status.
func TestAnswer(t *testing.T) {
	f := serve(t, func(c *Call) {
		if c.Name != "a" || !c.Initiate || strings.Join(c.Words, " ") != "--name a --initiate" {
			t.Errorf("%+v", c)
		}
		c.Reply(pluto.RCLog, `"a" #1: initiating`)
		c.Reply(pluto.RCNotification+24, `"a" #1: AUTHENTICATION_FAILED`)
		c.Reply(pluto.RCNewState+33, `"a" #2: STATE_V2_PARENT_I1`)
		c.Reply(pluto.RCLogSerious, "odd")
		c.Reply(pluto.RCComment, "two\nlines")
		c.Reply(pluto.RCRaw, "{}")
		c.Done()
		c.Done()
		c.Reply(pluto.RCSuccess, "too late")
	})
	var out bytes.Buffer
	status, err := Do(t.Context(), f.path, []string{"--name", "a", "--initiate"}, &out)
	const want = "002 \"a\" #1: initiating\n224 \"a\" #1: AUTHENTICATION_FAILED\n133 \"a\" #2: STATE_V2_PARENT_I1\n003 odd\n000 two\n000 lines\n{}\n"
	if status != 224 || err != nil || out.String() != want {
		t.Errorf("%d, %v:\n%s", status, err, &out)
	}
	if info, err := os.Stat(f.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info.Mode(), err)
	}
}

// A long answer arrives whole.
func TestLongAnswer(t *testing.T) {
	const lines = 50_000
	f := serve(t, func(c *Call) {
		for i := range lines {
			c.Reply(pluto.RCComment, fmt.Sprintf("line %d %s", i, strings.Repeat("x", 100)))
		}
		c.Done()
	})
	var out bytes.Buffer
	if _, err := Do(t.Context(), f.path, []string{"--status"}, &out); err != nil || strings.Count(out.String(), "\n") != lines {
		t.Errorf("%d lines, %v", strings.Count(out.String(), "\n"), err)
	}
}

// Ctrl-C of a waiting whack is seen by the daemon.
func TestGone(t *testing.T) {
	called, gone := make(chan struct{}), make(chan struct{})
	f := serve(t, func(c *Call) {
		close(called)
		go func() {
			<-c.Gone()
			c.Reply(pluto.RCLog, "nobody hears this")
			c.Done()
			close(gone)
		}()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-called
		cancel()
	}()
	if status, err := Do(ctx, f.path, []string{"--status"}, io.Discard); status != pluto.RCWhackProblem || !errors.Is(err, context.Canceled) {
		t.Errorf("%d, %v", status, err)
	}
	<-gone
}

// A server that ends tells its clients so, and leaves no socket behind.
func TestEnd(t *testing.T) {
	called := make(chan struct{})
	f := serve(t, func(*Call) { close(called) })
	failed := make(chan error, 1)
	go func() {
		_, err := Do(context.Background(), f.path, []string{"--status"}, io.Discard)
		failed <- err
	}()
	<-called
	f.stop()
	if err := <-failed; err == nil || !strings.Contains(err.Error(), "hung up") {
		t.Error(err)
	}
	_, err := Do(t.Context(), f.path, []string{"--status"}, io.Discard)
	if want := fmt.Sprintf("Pluto is not running (no %q)", f.path); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// What is no request does no harm, and says why.
func TestGarbage(t *testing.T) {
	f := serve(t, func(c *Call) { c.Done() })
	frame := func(kind byte, size uint32, body string) string {
		return string(binary.BigEndian.AppendUint32([]byte{kind}, size)) + body
	}
	for _, bytes := range []string{"", "x", "GET / HTTP/1.1\r\n\r\n", frame('w', 1<<31, "x"), frame('w', 3, "abc"), frame('l', 1, "x"), frame('w', 2, "\xff\x00")} {
		conn := f.dial(t)
		if _, err := io.WriteString(conn, bytes); err != nil {
			t.Fatal(err)
		}
		conn.CloseWrite()
		if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("%q: %v", bytes, err)
		}
	}
	if status, err := Do(t.Context(), f.path, []string{"--status"}, io.Discard); status != 0 || err != nil {
		t.Errorf("afterwards: %d, %v", status, err)
	}
}

func TestTooManyClients(t *testing.T) {
	f := serve(t, func(*Call) {})
	for range maxClients {
		f.dial(t)
	}
	if _, err := Do(t.Context(), f.path, []string{"--status"}, io.Discard); err == nil {
		t.Error("one too many is served")
	}
	if !f.logged("refused a whack: 64 others wait already") {
		t.Errorf("%q", f.logs)
	}
}

// Who does not read is cut off, and nobody waits for that.
func TestSlowClient(t *testing.T) {
	f := serve(t, func(c *Call) {
		line := strings.Repeat("x", maxLine)
		// What was queued before the writer came may be in its hands, and no longer waits.
		for range 2*maxWaiting/maxLine + 2 {
			c.Reply(pluto.RCComment, line)
		}
	})
	conn := f.dial(t)
	body, _ := joinWords([]string{"--status"})
	if _, err := conn.Write(appendFrame(nil, frameWords, body)); err != nil {
		t.Fatal(err)
	}
	late := time.After(10 * time.Second)
	for !f.logged("cut off a whack that does not read") {
		select {
		case <-f.news:
		case <-late:
			t.Fatal("it is not cut off")
		}
	}
}

// Even where the mode of the socket would let others in, they are refused.
func TestOtherUser(t *testing.T) {
	lab.NeedRoot(t)
	f := serve(t, func(c *Call) { c.Done() })
	for dir := filepath.Dir(f.path); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(f.path, 0o666); err != nil {
		t.Fatal(err)
	}
	lab.AsNobody(t, func() {
		conn, err := net.Dial("unix", f.path)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = conn.Write(appendFrame(nil, frameWords, "--status\x00"))
		if answer, _ := io.ReadAll(conn); len(answer) > 0 {
			t.Errorf("another user is answered with %q", answer)
		}
	})
	if !f.logged("refused a whack of user 65534") {
		t.Errorf("%q", f.logs)
	}
}

// Any bytes do no harm.
func FuzzServer(f *testing.F) {
	fx := serve(f, func(c *Call) { c.Done() })
	f.Add([]byte("w\x00\x00\x00\x09--status\x00"))
	f.Add([]byte("w\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, bytes []byte) {
		conn := fx.dial(t)
		defer conn.Close()
		_, _ = conn.Write(bytes)
		conn.CloseWrite()
		_, _ = io.ReadAll(conn)
	})
}

// FuzzWords has a command line go over the socket and come out as it was.
func FuzzWords(f *testing.F) {
	f.Add("--status\x00")
	f.Add("--name\x00a\x00--initiate\x00")
	f.Fuzz(func(t *testing.T, text string) {
		words, err := splitWords([]byte(text))
		if err != nil {
			return
		}
		if body, err := joinWords(words); len(text) < maxWords && (err != nil || body != text) {
			t.Fatalf("%q becomes %q, %v", text, body, err)
		}
	})
}
