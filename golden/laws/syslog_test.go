package laws

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"
)

// syslogd is a reader of /dev/log.
type syslogd struct {
	g    *gateway
	conn *net.UnixConn
	done chan struct{}

	mu    sync.Mutex
	more  *sync.Cond
	lines []string
	syncs int
}

// syslog starts a reader of /dev/log, which ends with the test.
func (g *gateway) syslog() *syslogd {
	g.t.Helper()
	s := &syslogd{g: g, done: make(chan struct{})}
	s.more = sync.NewCond(&s.mu)
	err := g.Do(func() (err error) {
		s.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "/dev/log", Net: "unixgram"})
		return err
	})
	if err != nil {
		g.t.Fatal(err)
	}
	go s.read()
	g.t.Cleanup(func() {
		s.conn.Close()
		<-s.done
	})
	return s
}

func (s *syslogd) read() {
	defer close(s.done)
	buf := make([]byte, 64<<10)
	for {
		n, err := s.conn.Read(buf)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.lines = append(s.lines, string(buf[:n]))
		s.more.Broadcast()
		s.mu.Unlock()
	}
}

// stamp is the time of a message.
var stamp = regexp.MustCompile(`^(<\d+>)\w{3} [ \d]\d \d\d:\d\d:\d\d `)

// take returns the messages so far, without their times, and forgets them.
func (s *syslogd) take() []string {
	s.g.t.Helper()
	s.mu.Lock()
	s.syncs++
	mark := fmt.Sprintf("mark %d", s.syncs)
	s.mu.Unlock()
	err := s.g.Do(func() error {
		conn, err := net.Dial("unixgram", "/dev/log")
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Write([]byte(mark))
		return err
	})
	if err != nil {
		s.g.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.lines) == 0 || s.lines[len(s.lines)-1] != mark {
		s.more.Wait()
	}
	var lines []string
	for _, line := range s.lines[:len(s.lines)-1] {
		lines = append(lines, strings.TrimRight(stamp.ReplaceAllString(line, "$1"), "\n"))
	}
	s.lines = nil
	return lines
}
