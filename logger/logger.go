// Package logger says lines on stdout and in syslog, as "logger -s" does:
// with a tag, a facility and a priority, one message a line.
//
// # Lines
//
// Whatever is said is cut into lines at LF and at CR LF; the end of the text
// ends its last line, so that text with or without a final newline is the same
// line, and no newline is ever added (ipsec_setup(8), BUGS). Empty text is one
// empty line. A control character other than a tab is written as a backslash
// and three octal digits, a NUL as \000, so that no text can forge a
// line or steer a terminal; bytes that are no control characters pass as they
// are.
//
// A line is whole on stdout up to [MaxLine] bytes; what a foreign program
// writes beyond that continues on another line. Syslog gets it in messages of at most
// [MaxMessage] bytes, and of a line that needs more than [MaxPieces] of them
// the beginning, and how many bytes are missing.
//
// # Syslog
//
// Messages are in the local form of RFC 3164 that syslog(3) writes: priority,
// time stamp, tag, text, without a host name. The socket may take datagrams or
// be a stream, where a NUL ends each message. A syslog that is not there, goes
// away or does not read costs at most [Patience] in all and one warning; the
// lines go to stdout all the same.
package logger

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Limits of what is said.
const (
	MaxLine    = 1 << 20         // bytes of a line on stdout
	MaxMessage = 1024            // bytes of a message, RFC 3164, section 4.1
	MaxPieces  = 8               // messages for a line
	Patience   = 1 * time.Second // spent waiting for syslog, over a Logger's life
)

// DefaultSocket is where syslogd(8) listens.
const DefaultSocket = "/dev/log"

// DefaultTag is the tag of ipsec setup.
const DefaultTag = "ipsec_setup"

// Options say where a Logger's lines go. Zero fields have defaults.
type Options struct {
	Stdout   io.Writer        // nil: lines go to syslog alone
	Warn     io.Writer        // gets the warning about syslog; nil: Stdout
	Socket   string           // DefaultSocket
	Tag      string           // DefaultTag
	Priority Priority         // zero is kern.emerg, which nobody means: Default
	Now      func() time.Time // time.Now
	Again    time.Duration    // how long after syslog was given up it is tried again, for a daemon; 0: never
}

// Logger says lines. Its methods may be called by many goroutines; lines
// never mix. A Logger never fails: what happens is more important than what
// is said of it.
type Logger struct {
	out      *output
	priority Priority
}

// output is what the loggers of all priorities share.
type output struct {
	mu     sync.Mutex
	stdout io.Writer
	warn   io.Writer
	tag    string
	now    func() time.Time
	syslog syslog
}

// New returns a Logger. It connects to syslog when the first line is said.
func New(o Options) *Logger {
	if o.Socket == "" {
		o.Socket = DefaultSocket
	}
	if o.Tag == "" {
		o.Tag = DefaultTag
	}
	if o.Priority == 0 {
		o.Priority = Default
	}
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	if o.Warn == nil {
		o.Warn = o.Stdout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Logger{
		out: &output{
			stdout: o.Stdout, warn: o.Warn, tag: o.Tag, now: o.Now,
			syslog: syslog{path: o.Socket, patience: Patience, again: o.Again},
		},
		priority: o.Priority,
	}
}

// With returns a Logger of another priority that shares everything else with
// l. Closing either closes both.
func (l *Logger) With(p Priority) *Logger { return &Logger{l.out, p} }

// Priority returns that of the messages in syslog.
func (l *Logger) Priority() Priority { return l.priority }

// Say says text on stdout and in syslog: logger -s -t TAG -p PRIORITY TEXT.
func (l *Logger) Say(text string) { l.say(text, true) }

// Only says text in syslog alone: logger -t TAG -p PRIORITY TEXT.
func (l *Logger) Only(text string) { l.say(text, false) }

// Close lets go of syslog. A line said after that connects again.
func (l *Logger) Close() {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	l.out.syslog.close()
}

func (l *Logger) say(text string, stdout bool) {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	text = strings.TrimSuffix(text, "\n")
	for more := true; more; {
		var line string
		line, text, more = strings.Cut(text, "\n")
		l.out.line(l.priority, printable(strings.TrimSuffix(line, "\r")), stdout)
	}
}

// line says a single line that needs no further treatment.
func (o *output) line(p Priority, line string, stdout bool) {
	if stdout {
		// One write a line, so that lines of several processes do not mix.
		io.WriteString(o.stdout, o.tag+": "+line+"\n")
	}
	head := fmt.Sprintf("<%d>%s %s: ", p, o.now().Format(time.Stamp), o.tag)
	for _, piece := range pieces(line, MaxMessage-len(head)) {
		if err := o.syslog.send(head + piece); err != nil {
			fmt.Fprintf(o.warn, "%s: warning: syslog at %s does not take what is said here, so it goes to standard output alone: %v\n",
				o.tag, o.syslog.path, err)
		}
	}
}
