package process

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestHold(t *testing.T) {
	pidfile := filepath.Join(t.TempDir(), "x.pid")
	checkAlive(t, pidfile, 0)
	if err := os.WriteFile(pidfile, []byte("1\nstale, and longer than a pid"), 0o600); err != nil {
		t.Fatal(err)
	}
	checkAlive(t, pidfile, 0) // process 1 lives, and does not hold it
	l, err := Hold(pidfile)
	if err != nil {
		t.Fatal(err)
	}
	checkAlive(t, pidfile, os.Getpid())
	if b, err := os.ReadFile(pidfile); string(b) != strconv.Itoa(os.Getpid())+"\n" {
		t.Errorf("the file is %q, %v", b, err)
	}
	if fi, err := os.Stat(pidfile); err != nil || fi.Mode() != 0o600 {
		t.Errorf("its mode is %v, %v", fi.Mode(), err)
	}
	var held *HeldError
	if _, err := Hold(pidfile); !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Errorf("held twice: %v", err)
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	checkAlive(t, pidfile, 0)
	if _, err := os.Lstat(pidfile); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is left: %v", err)
	}
}

// The number in the file proves nothing, when it is wrong either.
func TestHolderIsNotTheNumber(t *testing.T) {
	pidfile := filepath.Join(t.TempDir(), "x.pid")
	l, err := Hold(pidfile)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"1\n", "", "-1", "many words", strings.Repeat("9", 100)} {
		if err := os.WriteFile(pidfile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		checkAlive(t, pidfile, os.Getpid())
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

func TestReplaced(t *testing.T) {
	pidfile := filepath.Join(t.TempDir(), "x.pid")
	l, err := Hold(pidfile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(pidfile); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(); !errors.Is(err, ErrReplaced) {
		t.Errorf("after removal: %v", err)
	}
	other, err := Hold(pidfile)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); !errors.Is(err, ErrReplaced) {
		t.Errorf("after replacement: %v", err)
	}
	if err := other.Check(); err != nil { // the first has not removed what is another's
		t.Error(err)
	}
	if err := other.Release(); err != nil {
		t.Error(err)
	}
}

// One who looks does not keep Hold from its lock.
func TestLookers(t *testing.T) {
	pidfile := filepath.Join(t.TempDir(), "x.pid")
	if err := os.WriteFile(pidfile, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := open(pidfile)
	if err != nil {
		t.Fatal(err)
	}
	if err := flock(f, unix.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(20*time.Millisecond, func() { f.Close() })
	l, err := Hold(pidfile)
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
}

func TestOdd(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink("/etc/passwd", link); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Hold(link); err == nil {
		t.Error("a link is followed")
	}
	if _, alive, err := Alive(link); alive || err == nil {
		t.Errorf("a link is followed: %v, %v", alive, err)
	}
	if _, alive, err := Alive(fifo); alive || err != nil {
		t.Errorf("a FIFO: %v, %v", alive, err)
	}
	if _, err := Hold(filepath.Join(dir, "none", "x.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
}
