package info

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSplit(t *testing.T) {
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
			lines, complaints := split("info", []byte(c.text))
			if !reflect.DeepEqual(lines, c.lines) {
				t.Errorf("lines %q, want %q", lines, c.lines)
			}
			if len(complaints) != len(c.complaints) {
				t.Fatalf("complaints %q, want %q", complaints, c.complaints)
			}
			for i, want := range c.complaints {
				if !strings.HasPrefix(complaints[i], "info"+want) || !isText(complaints[i]) {
					t.Errorf("complaint %q, want one about %s", complaints[i], want)
				}
			}
		})
	}
}

// places are names in a folder of what is no ipsec.info, with what is said of it.
func places(t *testing.T) (path func(string) string, refused map[string]string) {
	dir := t.TempDir()
	path = func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		os.WriteFile(path("info"), []byte("a=1\n"), 0o644),
		os.Symlink("info", path("link")),
		unix.Mkfifo(path("fifo"), 0o644),
		os.WriteFile(path("large"), make([]byte, MaxSize+1), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return path, map[string]string{"link": "symbolic link", "fifo": "not a regular file", ".": "not a regular file"}
}

func TestRead(t *testing.T) {
	path, refused := places(t)
	lines, complaints, err := Read(path("none"))
	if err != nil || len(lines)+len(complaints) != 0 {
		t.Errorf("absent: %q, %q, %v", lines, complaints, err)
	}
	if lines, _, err := Read(path("info")); err != nil || fmt.Sprint(lines) != "[a=1]" {
		t.Errorf("%q, %v", lines, err)
	}
	for name, want := range refused {
		if _, _, err := Read(path(name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", name, err, want)
		}
	}
	if _, _, err := Read(path("large")); !errors.Is(err, ErrTooLarge) {
		t.Errorf("large: %v", err)
	}
}

func TestAppend(t *testing.T) {
	path, refused := places(t)
	route := Route{Dst: netip.MustParsePrefix("10.0.2.0/24"), Link: "ipsec0"}
	for name, want := range refused {
		if err := (Appender{Path: path(name)}).Append(route); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", name, err, want)
		}
	}
	file := Appender{Path: path("new"), Limit: 100}
	if err := file.Append(route); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	file.Create = true
	works := func(lines ...Line) {
		t.Helper()
		if err := file.Append(lines...); err != nil {
			t.Fatal(err)
		}
	}
	works(Klips, Setting{Path: "/proc/sys/net/ipv4/conf/a=b/rp_filter", Value: "1\t2"})
	works(route)
	want := "klips=started\n/proc/sys/net/ipv4/conf/a=b/rp_filter=1\t2\nroute=ipsec0 10.0.2.0/24\n"
	if text, _ := os.ReadFile(file.Path); string(text) != want {
		t.Errorf("found %q, expected %q", text, want)
	}
	if err := os.WriteFile(file.Path, []byte("half a li"), 0o644); err != nil { // a power cut
		t.Fatal(err)
	}
	works(Unroute(route))
	if text, _ := os.ReadFile(file.Path); string(text) != "half a li\nunroute=ipsec0 10.0.2.0/24\n" {
		t.Errorf("found %q", text)
	}
	works(Config("/etc/" + strings.Repeat("x", 100)))
	if err := file.Append(Pluto); !errors.Is(err, ErrTooLarge) {
		t.Errorf("beyond the limit: %v", err)
	}
}

// TestAppendRefuses has no value become another line, or several.
func TestAppendRefuses(t *testing.T) {
	file := Appender{Path: filepath.Join(t.TempDir(), "info"), Create: true}
	for _, l := range []Line{
		Config("/etc/x\nklips=started"), Subsys("\x1b"), Started("eth0"), Interface{Virtual: "ipsec0", Physical: ""}, Interface{Virtual: "ipsec0", Physical: "a b"},
		Address{Link: "ipsec0"}, Route{Link: "ipsec0"}, Route{Dst: netip.MustParsePrefix("10.0.0.0/8"), Link: "ipsec0", Metric: -1},
		DefaultRoute{Of: "mac", Value: "x"}, Setting{Path: "/proc/x", Value: "a=b"}, Setting{Path: "proc/x", Value: "1"}, Setting{Path: "/proc/x", Value: "1\n2"},
		Hook{Conn: "net", Command: "/etc/up"}, Hook{Conn: "net", Suffix: "-host", Command: "/etc/up", Env: []string{"LD_PRELOAD=x"}},
		Hook{Conn: "net", Suffix: "-host", Command: "/etc/up", Env: []string{"PLUTO_PEER_ID=x\nroute=ipsec0 0.0.0.0/0"}},
	} {
		if err := file.Append(l); err == nil || !strings.Contains(err.Error(), "malformed line") {
			t.Errorf("%#v: %v", l, err)
		}
	}
	if _, err := os.Stat(file.Path); err == nil {
		t.Error("a refused line made the file")
	}
}

// FuzzRead has any bytes be read without harm, and what is read of them be the same
// once it is written again.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"a=1\n", "=\n", "a=\x00", "x\n\n\ny=2", today, today[:len(today)/2], "/a=b=c\n/a=b=d",
		"route=ipsec0 10.0.0.0/8 +7\nunroute=ipsec0\t10.0.0.0/8 7", "hook=a  b c%2520 PLUTO_X=%\nunhook=a b c%20 PLUTO_X=%25", "/proc/sys/net/../../../etc/shadow=x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		lines, complaints := split("info", text)
		if most := strings.Count(string(text), "\n") + 1; len(lines)+len(complaints) > most {
			t.Fatalf("%d lines and %d complaints of %d lines", len(lines), len(complaints), most)
		}
		var written []string
		for _, line := range lines {
			if !Valid(line) {
				t.Fatalf("line %q", line)
			}
			l, ok := Parse(line)
			if !ok {
				continue
			}
			again, ok := Parse(l.String())
			if !ok || !reflect.DeepEqual(again, l) {
				t.Errorf("%q is read as %#v, and written and read again as %#v", line, l, again)
			}
			written = append(written, l.String())
		}
		if a, b := StandingOf(lines).Lines(), StandingOf(written).Lines(); !reflect.DeepEqual(a, b) {
			t.Errorf("stands %q, and after writing %q", a, b)
		}
	})
}
