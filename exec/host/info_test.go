package host

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseInfo(t *testing.T) {
	for _, c := range []struct {
		name, text string
		lines      []string
		complaints []string // the lines that have one
	}{
		{"empty", "", []string{}, nil},
		{"plain", "a=1\nb=\nc=x=y z\n", []string{"a=1", "b=", "c=x=y z"}, nil},
		{"tab", "range=1\t2\n", []string{"range=1\t2"}, nil},
		{"cut short", "a=1\nhal", []string{"a=1"}, []string{":2:"}},
		{"last line without its end", "a=1", []string{"a=1"}, nil},
		{"no name", "=1\na=1\n", []string{"a=1"}, []string{":1:"}},
		{"controls", "a=\x1b[2J\nb=\x00\nc=\r\n\x7f=1\nok=\n", []string{"ok="}, []string{":1:", ":2:", ":3:", ":4:"}},
		{"not UTF-8", "a=\xff\nb=ü\n", []string{"b=ü"}, []string{":1:"}},
		{"C1 controls", "a=\u009b\n", []string{}, []string{":1:"}},
		{"empty lines", "\n\na=1\n", []string{"a=1"}, nil},
		{"shell", "a=$(rm -rf /)\n`x`=1\n", []string{"a=$(rm -rf /)", "`x`=1"}, nil}, // data, never sourced
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, complaints := parseInfo("info", []byte(c.text))
			if !reflect.DeepEqual(lines, c.lines) {
				t.Errorf("lines %q, want %q", lines, c.lines)
			}
			if len(complaints) != len(c.complaints) {
				t.Fatalf("complaints %q, want %q", complaints, c.complaints)
			}
			for i, want := range c.complaints {
				if !strings.HasPrefix(complaints[i], "info"+want) || !oneLine(complaints[i]) {
					t.Errorf("complaint %q, want one about %s", complaints[i], want)
				}
			}
		})
	}
}

func TestReadInfo(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	lines, complaints, err := ReadInfo(path("none"))
	if err != nil || len(lines)+len(complaints) != 0 {
		t.Errorf("absent: %q, %q, %v", lines, complaints, err)
	}
	if err := os.WriteFile(path("info"), []byte("a=1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if lines, _, err := ReadInfo(path("info")); err != nil || fmt.Sprint(lines) != "[a=1]" {
		t.Errorf("%q, %v", lines, err)
	}
	if err := os.Symlink("info", path("link")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(path("fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path("large"), make([]byte, maxInfo+1), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"link": "symbolic links", "fifo": "not a regular file", ".": "not a regular file", "large": "larger"} {
		if _, _, err := ReadInfo(path(name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", name, err, want)
		}
	}
}

func FuzzParseInfo(f *testing.F) {
	for _, s := range []string{"a=1\n", "=\n", "a=\x00", "x\n\n\ny=2"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		lines, complaints := parseInfo("info", text)
		for _, line := range lines {
			if strings.Index(line, "=") < 1 || !oneLine(line) {
				t.Fatalf("line %q", line)
			}
		}
		if most := strings.Count(string(text), "\n") + 1; len(lines)+len(complaints) > most {
			t.Fatalf("%d lines and %d complaints of %d lines", len(lines), len(complaints), most)
		}
	})
}
