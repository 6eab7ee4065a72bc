package whack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/klips/process/rootonly"
	"ipsec/pluto"
	"ipsec/pluto/whack/cmdline"
)

// NotRunning is the error of Do where nobody answers the control socket.
type NotRunning struct{ Path string }

func (e NotRunning) Error() string { return fmt.Sprintf("Pluto is not running (no %q)", e.Path) }

// abandoned is the error of Do when its context has ended.
type abandoned struct{ cause error }

func (abandoned) Error() string   { return "no longer waiting for Pluto" }
func (e abandoned) Unwrap() error { return e.cause }

// Do sends the words of a command line to the Pluto whose control socket is
// path, writes the lines of its answer to out as they come, and returns the
// exit status. What is wrong with the words, or with the way to Pluto, is the
// error, and the status then pluto.RCWhackProblem. The end of ctx hangs up,
// by which a Pluto that waits on our behalf no longer does; what it has begun
// goes on.
func Do(ctx context.Context, path string, words []string, out io.Writer) (int, error) {
	s := Session{Path: path}
	defer s.Close()
	return s.ask(ctx, frameWords, words, out)
}

// A Session asks for many things, one after the other, over one connection. It is
// not for concurrent use.
type Session struct {
	Path string // of the control socket

	conn net.Conn // nil while there is none
	in   *bufio.Reader
}

// Do is like the function Do.
func (s *Session) Do(ctx context.Context, words []string, out io.Writer) (int, error) {
	return s.ask(ctx, frameMore, words, out)
}

// Close hangs up. A session that has been closed may be used again.
func (s *Session) Close() error {
	if s.conn == nil {
		return nil
	}
	conn := s.conn
	s.conn, s.in = nil, nil
	return conn.Close()
}

func (s *Session) ask(ctx context.Context, kind byte, words []string, out io.Writer) (int, error) {
	if _, err := cmdline.Parse(words); err != nil {
		return pluto.RCWhackProblem, err
	}
	body, err := joinWords(words)
	if err != nil {
		return pluto.RCWhackProblem, err
	}
	status, heard, err := s.exchange(ctx, kind, body, out)
	if err != nil && !heard && ctx.Err() == nil { // the Pluto of an earlier request has gone since: there may be another
		status, _, err = s.exchange(ctx, kind, body, out)
	}
	if ctx.Err() != nil {
		err = abandoned{ctx.Err()}
	}
	if err != nil {
		s.Close()
		return pluto.RCWhackProblem, err
	}
	return status, nil
}

// exchange sends a request and reads its answer. Not heard is an error of an
// older connection that came before anything of the answer, or of the request, did.
func (s *Session) exchange(ctx context.Context, kind byte, body string, out io.Writer) (status int, heard bool, err error) {
	old := s.conn != nil
	if !old {
		if err := s.connect(ctx); err != nil {
			return 0, true, err
		}
	}
	conn := s.conn
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := s.conn.Write(appendFrame(nil, kind, body)); err != nil {
		s.Close()
		return 0, !old, fmt.Errorf("failed to speak to Pluto: %w", err)
	}
	for {
		kind, body, err := readFrame(s.in, string([]byte{frameLine, frameEnd}), maxLine)
		switch {
		case err == io.EOF:
			return 0, true, errors.New("no end of the answer: Pluto hung up")
		case err != nil:
			return 0, true, fmt.Errorf("failed to hear Pluto: %w", err)
		case kind == frameEnd && len(body) == 1:
			return int(body[0]), true, nil
		case kind == frameEnd:
			return 0, true, errors.New("malformed end of Pluto's answer")
		}
		if _, err := out.Write(append(body, '\n')); err != nil {
			return 0, true, err
		}
	}
}

func (s *Session) connect(ctx context.Context) error {
	conn, err := rootonly.Dial(ctx, "unix", s.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return NotRunning{s.Path}
	case errors.Is(err, fs.ErrPermission):
		return errors.New("permission denied (must be superuser)")
	case err != nil:
		return fmt.Errorf("failed to reach Pluto: %w", err)
	}
	s.conn, s.in = conn, bufio.NewReaderSize(conn, 1<<13)
	return nil
}
