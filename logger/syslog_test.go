package logger

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// numbered says n lines and checks that stdout has them all, with as many
// warnings as wanted among them.
func numbered(t *testing.T, l *Logger, stdout *bytes.Buffer, n, warnings int) {
	t.Helper()
	stdout.Reset()
	for i := range n {
		l.Say(fmt.Sprint("line ", i))
	}
	var said, warned int
	for line := range strings.Lines(stdout.String()) {
		switch {
		case line == fmt.Sprintf("ipsec_setup: line %d\n", said):
			said++
		case strings.HasPrefix(line, "ipsec_setup: warning: syslog at "):
			warned++
		default:
			t.Errorf("unexpected %q", line)
		}
	}
	if said != n || warned != warnings {
		t.Errorf("%d of %d lines and %d of %d warnings", said, n, warned, warnings)
	}
}

func TestNoSyslog(t *testing.T) {
	var stdout bytes.Buffer
	l := New(Options{Stdout: &stdout, Socket: filepath.Join(t.TempDir(), "log")})
	numbered(t, l, &stdout, 100, 1)
	l.Only("unheard") // no second warning
	numbered(t, l, &stdout, 3, 0)
}

// A syslogd whose queue is full and that reads nothing costs Patience once.
func TestStalledReader(t *testing.T) {
	for _, network := range []string{"unixgram", "unix"} {
		t.Run(network, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "log")
			if network == "unixgram" {
				newDatagrams(t, socket)
			} else {
				listener, err := net.Listen("unix", socket)
				if err != nil {
					t.Fatal(err)
				}
				defer listener.Close()
			}
			var stdout bytes.Buffer
			l := New(Options{Stdout: &stdout, Socket: socket})
			defer l.Close()
			begin := time.Now()
			numbered(t, l, &stdout, 20_000, 1)
			if took := time.Since(begin); took > Patience+5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// A syslogd that is restarted gets the lines from then on.
func TestRestartedSyslog(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "log")
	first := newDatagrams(t, socket)
	var stdout bytes.Buffer
	l := New(Options{Stdout: &stdout, Socket: socket, Now: func() time.Time { return stamped }})
	defer l.Close()
	l.Say("one")
	first.read(t, 1)
	first.conn.Close()
	os.Remove(socket)
	second := newDatagrams(t, socket)
	numbered(t, l, &stdout, 1, 0)
	if got := second.read(t, 1)[0]; got != "<27>"+stamp+" ipsec_setup: line 0" {
		t.Errorf("got %q", got)
	}
	second.conn.Close()
	os.Remove(socket)
	numbered(t, l, &stdout, 5, 1)
}

// On a stream a NUL ends each message, and none is within one.
func TestStream(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "log")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	l := New(Options{Socket: socket, Now: func() time.Time { return stamped }})
	l.Say("one\x00\ntwo")
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	l.Close()
	var got bytes.Buffer
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := got.ReadFrom(conn); err != nil {
		t.Fatal(err)
	}
	head := "<27>" + stamp + " ipsec_setup: "
	if want := head + `one\000` + "\x00" + head + "two\x00"; got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}

func TestPriority(t *testing.T) {
	for text, want := range map[string]Priority{
		"": 27, "daemon.error": 27, "daemon.err": 27, "Daemon.ERROR": 27, "kern.emerg": 0, "kern.panic": 0,
		"auth.info": 38, "security.info": 38, "authpriv.debug": 87, "local7.warn": 188, "ftp.notice": 93, "mail.crit": 18, "cron.alert": 73,
	} {
		if got, err := ParsePriority(text); err != nil || got != want {
			t.Errorf("ParsePriority(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for text, why := range map[string]string{
		"daemon": "FACILITY.PRIORITY", "daemon.": "priority \"\"", ".error": "facility \"\"", "demon.error": "unknown facility",
		"daemon.eror": "expected one of emerg", "daemon.error.x": "unknown priority", "daemon error": "FACILITY.PRIORITY", "daemon.error\n": "unknown priority",
	} {
		if got, err := ParsePriority(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("ParsePriority(%q) = %d, %v; want an error with %q", text, got, err, why)
		}
	}
	for _, f := range facilities {
		for _, s := range severities {
			p := f.number<<3 | s.number
			if got, err := ParsePriority(p.String()); err != nil || got != p {
				t.Errorf("%d is %q, which is %d, %v", p, p.String(), got, err)
			}
		}
	}
	if got := Priority(255).String(); got != "255" {
		t.Errorf("String of no name: %q", got)
	}
}

func FuzzSay(f *testing.F) {
	for _, s := range []string{"", "a\r\nb", "\x00", strings.Repeat("é", 5000), "\x80\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var stdout, warn bytes.Buffer
		l := New(Options{Stdout: &stdout, Warn: &warn, Socket: "/nonexistent/log"})
		l.Say(text)
		for line := range strings.Lines(stdout.String()) {
			body, ok := strings.CutPrefix(line, "ipsec_setup: ")
			body, ended := strings.CutSuffix(body, "\n")
			if !ok || !ended || strings.IndexFunc(body, isControl) >= 0 {
				t.Fatalf("line %q", line)
			}
			for _, piece := range pieces(body, 900) {
				if len(piece) > 900 {
					t.Fatalf("piece of %d bytes", len(piece))
				}
			}
		}
		if got, want := strings.Count(stdout.String(), "\n"), strings.Count(strings.TrimSuffix(text, "\n"), "\n")+1; got != want {
			t.Fatalf("%d lines, want %d", got, want)
		}
	})
}

// A daemon that is up before syslogd is heard later on.
func TestAgain(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "log")
	var stdout bytes.Buffer
	l := New(Options{Stdout: &stdout, Socket: socket, Again: time.Millisecond})
	defer l.Close()
	numbered(t, l, &stdout, 1, 1)
	syslogd := newDatagrams(t, socket)
	for deadline := time.Now().Add(5 * time.Second); l.out.syslog.conn == nil; {
		if time.Now().After(deadline) {
			t.Fatal("it is not tried again")
		}
		l.Only("up")
	}
	syslogd.read(t, 1)
}
