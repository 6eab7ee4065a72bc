package textfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestRead reads what may lie at the name of a configuration, and never waits.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"empty": "", "five": "12345", "six": "123456"} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(at("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", at("zero")); err != nil {
		t.Fatal(err)
	}
	const long = "it is longer than 5 bytes"
	for _, c := range []struct{ name, text, err, regular string }{
		{"empty", "", "", ""},
		{"five", "12345", "", ""},
		{"six", "", long, long},
		{"none", "", "no such file or directory", "no such file or directory"},
		{".", "", "is a directory", ErrIrregular.Error()},
		{"fifo", "", ErrNoWriter.Error(), ErrIrregular.Error()},
		{"zero", "", long, ErrIrregular.Error()},
	} {
		for which, read := range map[string]func(string, int64) ([]byte, fs.FileInfo, error){c.err: Read, c.regular: Regular} {
			text, _, err := read(at(c.name), 5)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if string(text) != c.text || got != which {
				t.Errorf("%s: %q, %q; expected %q, %q", c.name, text, got, c.text, which)
			}
		}
	}
	if _, _, err := Read(at("none"), 5); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

// TestReadPipe reads a pipe to its end, as of "--config <(…)" in a shell.
func TestReadPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	want := strings.Repeat("x", 1<<20)
	written := make(chan error, 1)
	go func() {
		_, err := w.WriteString(want)
		written <- errors.Join(err, w.Close())
	}()
	text, _, err := Read(fmt.Sprintf("/dev/fd/%d", r.Fd()), 1<<21)
	if err != nil || string(text) != want {
		t.Errorf("%d bytes, %v; expected %d", len(text), err, len(want))
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}
