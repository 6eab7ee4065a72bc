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

	"ipsec/pluto"
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
	if _, err := Parse(words); err != nil {
		return pluto.RCWhackProblem, err
	}
	status, err := do(ctx, path, words, out)
	if ctx.Err() != nil {
		err = abandoned{ctx.Err()}
	}
	if err != nil {
		return pluto.RCWhackProblem, err
	}
	return status, nil
}

func do(ctx context.Context, path string, words []string, out io.Writer) (int, error) {
	body, err := joinWords(words)
	if err != nil {
		return 0, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return 0, NotRunning{path}
	case errors.Is(err, fs.ErrPermission):
		return 0, errors.New("permission denied (must be superuser)")
	case err != nil:
		return 0, fmt.Errorf("failed to reach Pluto: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(appendFrame(nil, frameWords, body)); err != nil {
		return 0, fmt.Errorf("failed to speak to Pluto: %w", err)
	}
	in := bufio.NewReaderSize(conn, 1<<13)
	for {
		kind, body, err := readFrame(in, string([]byte{frameLine, frameEnd}), maxLine)
		switch {
		case err == io.EOF:
			return 0, errors.New("no end of the answer: Pluto hung up")
		case err != nil:
			return 0, fmt.Errorf("failed to hear Pluto: %w", err)
		case kind == frameEnd && len(body) == 1:
			return int(body[0]), nil
		case kind == frameEnd:
			return 0, errors.New("malformed end of Pluto's answer")
		}
		if _, err := out.Write(append(body, '\n')); err != nil {
			return 0, err
		}
	}
}
