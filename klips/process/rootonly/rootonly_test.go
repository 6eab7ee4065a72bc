package rootonly

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// server is a Listener that answers each client with a byte.
type server struct {
	*Listener
	stop func() // ends it and waits

	mu    sync.Mutex
	lines []string
}

func serve(t *testing.T, l *Listener) *server {
	s := &server{Listener: l}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- l.Serve(ctx, "a client", s.log, func(conn *net.UnixConn) {
			conn.Write([]byte{1})
			conn.Close()
		})
	}()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.stop)
	return s
}

func (s *server) log(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

func (s *server) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

func listen(t *testing.T, network, path string) *Listener {
	t.Helper()
	l, err := Listen(t.Context(), network, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// served reports whether the socket at path answers.
func served(t *testing.T, network, path string) bool {
	t.Helper()
	conn, err := Dial(t.Context(), network, path)
	if err != nil {
		t.Error(err)
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	n, _ := conn.Read(make([]byte, 1))
	return n == 1
}

func TestServe(t *testing.T) {
	for _, network := range []string{"unix", "unixpacket"} {
		path := filepath.Join(t.TempDir(), "ctl")
		s := serve(t, listen(t, network, path))
		if !served(t, network, path) {
			t.Errorf("%s: no answer", network)
		}
		s.stop()
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the socket is left: %v", network, err)
		}
		if _, err := Dial(t.Context(), network, path); !errors.Is(err, syscall.ENOENT) {
			t.Errorf("%s: without a server: %v", network, err)
		}
	}
}

// TestMode looks at a socket all the time while it is made again and again: whatever
// the umask, it is never open to others.
func TestMode(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	path := filepath.Join(t.TempDir(), "ctl")
	done, looked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		for {
			if info, err := os.Lstat(path); err == nil && info.Mode() != os.ModeSocket|0o600 {
				t.Errorf("the socket was %v", info.Mode())
				return
			}
			select {
			case <-done:
				return
			default:
			}
		}
	}()
	for range 2000 {
		l := listen(t, "unix", path)
		if info, err := os.Lstat(path); err != nil || info.Mode() != os.ModeSocket|0o600 {
			t.Errorf("the socket is %v, %v", info, err)
		}
		l.Close()
	}
	close(done)
	<-looked
}

// TestOtherUser has users be refused even where the mode of the file lets them in.
func TestOtherUser(t *testing.T) {
	path := filepath.Join(lab.OpenFolder(t), "ctl")
	s := serve(t, listen(t, "unix", path))
	lab.AsNobody(t, func() {
		if _, err := Dial(t.Context(), "unix", path); !errors.Is(err, os.ErrPermission) {
			t.Errorf("another user connects: %v", err)
		}
	})
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	lab.AsNobody(t, func() {
		if served(t, "unix", path) {
			t.Error("another user is served")
		}
	})
	if !strings.HasPrefix(s.logged(), "refused a client of user 65534, process ") {
		t.Errorf("the log is %q", s.logged())
	}
	if !served(t, "unix", path) {
		t.Error("root is not served")
	}
}

// left makes a socket that nobody answers at.
func left(t *testing.T, network, path string) {
	t.Helper()
	l, err := net.ListenUnix(network, &net.UnixAddr{Name: path, Net: network})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func TestStale(t *testing.T) {
	for _, network := range []string{"unix", "unixpacket"} {
		path := filepath.Join(t.TempDir(), "ctl")
		left(t, network, path)
		if _, err := Dial(t.Context(), network, path); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: at a stale socket: %v", network, err)
		}
		serve(t, listen(t, network, path))
		if !served(t, network, path) {
			t.Errorf("%s: no answer", network)
		}
	}
}

// TestRefused has what is not a stale socket stay as it is.
func TestRefused(t *testing.T) {
	at := func(name string) string { return filepath.Join(t.TempDir(), name) }
	file, link, folder, busy, packets := at("file"), at("link"), at("folder"), at("busy"), at("packets")
	stale := at("stale")
	left(t, "unix", stale)
	serve(t, listen(t, "unix", busy))
	serve(t, listen(t, "unixpacket", packets))
	if err := errors.Join(os.WriteFile(file, []byte("mine"), 0o600), os.Symlink(stale, link), os.Mkdir(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link, folder, busy, packets} {
		before, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Listen(t.Context(), "unix", path); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("in place of %s: %v", path, err)
		}
		if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
			t.Errorf("%s is another file now, %v", path, err)
		}
	}
	if _, err := os.Lstat(stale); err != nil {
		t.Error(err)
	}
	if !served(t, "unix", busy) {
		t.Error("the first server is gone")
	}
	long := at(strings.Repeat("x", 107))
	if _, err := Listen(t.Context(), "unix", long); !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Errorf("at a long path: %v", err)
	}
	if _, err := Dial(t.Context(), "unix", long); !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Errorf("at a long path: %v", err)
	}
}

// TestHandover has a server follow one that is about to end.
func TestHandover(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ctl")
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		conn, err := old.AcceptUnix() // Listen has found it alive
		if err == nil {
			conn.Close()
		}
		old.SetUnlinkOnClose(false)
		old.Close()
	}()
	serve(t, listen(t, "unix", path))
	if !served(t, "unix", path) {
		t.Error("no answer")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the starter is gone")
	cancel(gone)
	if _, err := Listen(ctx, "unix", path); !errors.Is(err, gone) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

// TestCloseLeaves has a server not remove the socket of its successor.
func TestCloseLeaves(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ctl")
	first := listen(t, "unix", path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	serve(t, listen(t, "unix", path))
	first.Close()
	if !served(t, "unix", path) {
		t.Error("no answer")
	}
}

// TestInherit has a socket stay while one server follows another.
func TestInherit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ctl")
	l := listen(t, "unix", path)
	for range 2 {
		f, err := l.File()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Inherit(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		s := serve(t, again)
		if !served(t, "unix", path) {
			t.Error("no answer")
		}
		s.stop()
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("the socket is gone: %v", err)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := Inherit(r); err == nil {
		t.Error("a pipe is inherited as a socket")
	}
}
