package logger

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// syslog is the connection to a syslogd. It gives up for good when it has
// waited as long as it may, or when connecting again did not help; or, for a
// daemon, until some time has passed.
type syslog struct {
	path     string
	patience time.Duration // what is left of it
	conn     net.Conn
	stream   bool
	gaveUp   bool
	again    time.Duration // after which it is tried anew; 0 for never
	since    time.Time     // when it was given up
}

// send sends one message. It returns an error when it gives up, and nil until
// it is tried anew.
func (s *syslog) send(message string) error {
	if s.gaveUp {
		if s.again == 0 || time.Since(s.since) < s.again {
			return nil
		}
		s.patience = Patience
	}
	fresh := s.conn == nil
	err := s.try(message)
	if err != nil && !fresh && !errors.Is(err, os.ErrDeadlineExceeded) {
		// A syslogd that was restarted has a new socket.
		err = s.try(message)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("it has not read for %v", Patience)
	}
	s.gaveUp, s.since = err != nil, time.Now()
	return err
}

// try sends one message, connecting first where needed. After an error there
// is no connection: part of a message may be on it.
func (s *syslog) try(message string) error {
	begin := time.Now()
	defer func() { s.patience -= time.Since(begin) }()
	if err := s.connect(); err != nil {
		return err
	}
	s.conn.SetWriteDeadline(begin.Add(s.patience))
	if s.stream {
		message += "\x00"
	}
	_, err := s.conn.Write([]byte(message))
	if err != nil {
		s.close()
	}
	return err
}

// connect connects by datagrams, or by a stream where the socket is one.
func (s *syslog) connect() error {
	if s.conn != nil {
		return nil
	}
	dialer := net.Dialer{Timeout: s.patience}
	conn, err := dialer.Dial("unixgram", s.path)
	s.stream = errors.Is(err, syscall.EPROTOTYPE)
	if s.stream {
		conn, err = dialer.Dial("unix", s.path)
	}
	if err != nil {
		return err
	}
	s.conn = conn
	return nil
}

func (s *syslog) close() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}
