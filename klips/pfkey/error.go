package pfkey

import (
	"errors"
	"strings"
	"syscall"
)

// Error is a request that was refused. It wraps its errno, so that
// errors.Is(err, syscall.EEXIST) holds.
type Error struct {
	Errno syscall.Errno
	Why   string // the words of who refused; "" when there were none
}

// Error returns the words, or what the errno means.
func (e *Error) Error() string {
	if e.Why != "" {
		return e.Why
	}
	return e.Errno.Error()
}

// Unwrap returns the errno.
func (e *Error) Unwrap() error { return e.Errno }

// Err returns the error of a reply, an *Error; nil when there is none.
func (m *Message) Err() error {
	if m.Errno == 0 {
		return nil
	}
	return &Error{m.Errno, m.Why()}
}

func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	if errors.As(err, &errno) && errno > 0 && errno < 256 {
		return errno
	}
	return syscall.EIO
}

// clean makes s fit a Text: no NUL, no more than that many bytes.
func clean(s string, most int) string {
	s = strings.ReplaceAll(s, "\x00", "")
	return strings.ToValidUTF8(s[:min(len(s), most)], "")
}
