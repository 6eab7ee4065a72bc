package logger

import (
	"bytes"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// stamped is a fixed time and how RFC 3164 writes it.
var stamped = time.Date(2001, time.July, 3, 4, 5, 6, 0, time.Local)

const stamp = "Jul  3 04:05:06"

// datagrams is a syslogd that takes datagrams and keeps them.
type datagrams struct{ conn *net.UnixConn }

func newDatagrams(t *testing.T, path string) datagrams {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return datagrams{conn}
}

// read returns n messages.
func (d datagrams) read(t *testing.T, n int) []string {
	t.Helper()
	var out []string
	d.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 1<<16)
	for range n {
		n, err := d.conn.Read(buf)
		if err != nil {
			t.Fatalf("after %q: %v", out, err)
		}
		out = append(out, string(buf[:n]))
	}
	return out
}

func TestSay(t *testing.T) {
	for _, c := range []struct {
		name, text string
		lines      []string
	}{
		{"plain", "Starting", []string{"Starting"}},
		{"final newline", "Starting\n", []string{"Starting"}},
		{"empty", "", []string{""}},
		{"newline alone", "\n", []string{""}},
		{"two newlines", "\n\n", []string{"", ""}},
		{"two lines", "one\ntwo\n", []string{"one", "two"}},
		{"CR LF", "one\r\ntwo\r\n", []string{"one", "two"}},
		{"CR LF, unended", "one\r\ntwo\r", []string{"one", "two"}},
		{"CR within", "10%\r20%", []string{`10%\01520%`}},
		{"NUL", "a\x00b\x00", []string{`a\000b\000`}},
		{"controls", "\x1b[31mred\x7f\a\tend", []string{`\033[31mred\177\007` + "\tend"}},
		{"UTF-8", "Grüße", []string{"Grüße"}},
		{"not UTF-8", "a\xff\xfeb", []string{"a\xff\xfeb"}},
		{"percent", "100%d %s", []string{"100%d %s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "log")
			d := newDatagrams(t, socket)
			var stdout bytes.Buffer
			l := New(Options{Stdout: &stdout, Socket: socket, Now: func() time.Time { return stamped }})
			defer l.Close()
			l.Say(c.text)
			var wantOut string
			var wantLog []string
			for _, line := range c.lines {
				wantOut += "ipsec_setup: " + line + "\n"
				wantLog = append(wantLog, "<27>"+stamp+" ipsec_setup: "+line)
			}
			if got := stdout.String(); got != wantOut {
				t.Errorf("stdout %q, want %q", got, wantOut)
			}
			if got := d.read(t, len(c.lines)); !slices.Equal(got, wantLog) {
				t.Errorf("syslog %q, want %q", got, wantLog)
			}
		})
	}
}

func TestOnlyAndWith(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "log")
	d := newDatagrams(t, socket)
	var stdout bytes.Buffer
	l := New(Options{Stdout: &stdout, Socket: socket, Tag: "ipsec__plutorun", Now: func() time.Time { return stamped }})
	defer l.Close()
	info, err := ParsePriority("local0.info")
	if err != nil {
		t.Fatal(err)
	}
	l.With(info).Only("...Openswan IPsec started")
	l.Say("next")
	want := []string{"<134>" + stamp + " ipsec__plutorun: ...Openswan IPsec started", "<27>" + stamp + " ipsec__plutorun: next"}
	if got := d.read(t, 2); !slices.Equal(got, want) {
		t.Errorf("syslog %q, want %q", got, want)
	}
	if got := stdout.String(); got != "ipsec__plutorun: next\n" {
		t.Errorf("stdout %q", got)
	}
}

// A line of 1 MB is whole on stdout; syslog gets its beginning, and nothing
// longer than a message may be.
func TestLongLine(t *testing.T) {
	for _, c := range []struct {
		name, text string
		pieces     int
		missing    bool
	}{
		{"one message", strings.Repeat("x", 900), 1, false},
		{"two", strings.Repeat("x", 1100), 2, false},
		{"all but full", strings.Repeat("é", 3500), 8, false},
		{"1 MB", strings.Repeat("é", 1<<19), 8, true},
		{"1 MB, no UTF-8", strings.Repeat("\x80", 1<<20), 8, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "log")
			d := newDatagrams(t, socket)
			var stdout bytes.Buffer
			l := New(Options{Stdout: &stdout, Socket: socket, Now: func() time.Time { return stamped }})
			defer l.Close()
			w := l.Writer()
			fmt.Fprintf(w, "%s\nend\n", c.text)
			if want := "ipsec_setup: " + c.text + "\nipsec_setup: end\n"; stdout.String() != want {
				t.Errorf("stdout has %d bytes, want %d", stdout.Len(), len(want))
			}
			head := "<27>" + stamp + " ipsec_setup: "
			var joined string
			for _, message := range d.read(t, c.pieces) {
				body, ok := strings.CutPrefix(message, head)
				if len(message) > MaxMessage || !ok {
					t.Errorf("message of %d bytes: %.60q", len(message), message)
				}
				joined += body
			}
			if got := d.read(t, 1)[0]; got != head+"end" {
				t.Errorf("after the line: %.60q", got)
			}
			kept, note, missing := strings.Cut(joined, " [")
			if !strings.HasPrefix(c.text, kept) || missing != c.missing {
				t.Errorf("%d bytes kept, missing is %v, want %v", len(kept), missing, c.missing)
			}
			if want := fmt.Sprintf("%d bytes missing]", len(c.text)-len(kept)); missing && note != want {
				t.Errorf("note %q, want %q", note, want)
			}
			if !missing && kept != c.text {
				t.Errorf("%d of %d bytes", len(kept), len(c.text))
			}
		})
	}
}

func TestWriter(t *testing.T) {
	long := strings.Repeat("x", MaxLine)
	for _, c := range []struct {
		name   string
		writes []string
		want   []string
	}{
		{"pieces", []string{"a", "b\nc", "\n"}, []string{"ab", "c"}},
		{"unended", []string{"a\nb"}, []string{"a", "b"}},
		{"nothing", nil, nil},
		{"empty lines stay", []string{"\n", "\na\n"}, []string{"", "", "a"}},
		{"CR and LF apart", []string{"a\r", "\nb"}, []string{"a", "b"}},
		{"longest", []string{long, "\na"}, []string{long, "a"}},
		{"too long", []string{long + "yz\na"}, []string{long, "yz", "a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, warn bytes.Buffer
			l := New(Options{Stdout: &stdout, Warn: &warn, Socket: filepath.Join(t.TempDir(), "none")})
			w := l.Writer()
			for _, text := range c.writes {
				if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
					t.Fatalf("Write = %d, %v", n, err)
				}
			}
			w.Close()
			var want strings.Builder
			for _, line := range c.want {
				want.WriteString("ipsec_setup: " + line + "\n")
			}
			if stdout.String() != want.String() {
				t.Errorf("got %.80q, want %.80q", stdout.String(), want.String())
			}
		})
	}
}

// Lines of several goroutines come whole.
func TestConcurrent(t *testing.T) {
	var stdout, warn bytes.Buffer
	l := New(Options{Stdout: &stdout, Warn: &warn, Socket: filepath.Join(t.TempDir(), "none")})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			w := l.Writer()
			defer w.Close()
			for range 50 {
				fmt.Fprint(w, "ab")
				fmt.Fprint(w, "cd\n")
			}
		})
	}
	wg.Wait()
	if want := strings.Repeat("ipsec_setup: abcd\n", 200); stdout.String() != want {
		t.Errorf("lines mixed: %q", stdout.String())
	}
}
