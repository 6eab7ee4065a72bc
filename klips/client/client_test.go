package client

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipsec/klips/pfkey"
)

// daemon answers each request by what reply returns, nil for not at all, and
// ends the connection when that is empty.
func daemon(t *testing.T, reply func(*pfkey.Message) [][]byte) (path string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "klips") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, "klips.ctl")
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.AcceptUnix()
			if err != nil {
				return
			}
			serve(conn, reply)
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return path
}

func serve(conn *net.UnixConn, reply func(*pfkey.Message) [][]byte) {
	defer conn.Close()
	buf := make([]byte, pfkey.MaxMessage)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		m, err := pfkey.Decode(buf[:n])
		if err != nil {
			return
		}
		answers := reply(m)
		if answers != nil && len(answers) == 0 {
			return
		}
		for _, b := range answers {
			conn.Write(b)
		}
	}
}

func encode(m *pfkey.Message) []byte {
	b, err := pfkey.Encode(m)
	if err != nil {
		panic(err)
	}
	return b
}

func dialed(t *testing.T, path string) *Client {
	t.Helper()
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A daemon that stalls does not hang who asks it.
func TestStalled(t *testing.T) {
	c := dialed(t, daemon(t, func(*pfkey.Message) [][]byte { return nil }))
	c.timeout = 10 * time.Millisecond
	c.drop() // the next connection has it
	if err := c.ClearSAs(); !errors.Is(err, syscall.ETIMEDOUT) || !strings.Contains(err.Error(), "has not answered") {
		t.Errorf("the request fails with %v", err)
	}
	if _, err := c.ListSAs(); !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("the next one fails with %v", err)
	}
	if _, err := c.Register(t.Context()); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("registering fails with %v", err)
	}
}

// Whatever is wrong with one answer, the next request gets its own.
func TestRecovers(t *testing.T) {
	answers := map[string]func(*pfkey.Message) [][]byte{
		"another number":       func(m *pfkey.Message) [][]byte { m.Seq++; return [][]byte{encode(m.Reply())} },
		"another type":         func(m *pfkey.Message) [][]byte { m.Type++; return [][]byte{encode(m.Reply())} },
		"garbage":              func(m *pfkey.Message) [][]byte { return [][]byte{{1, 2, 3}, encode(m.Reply())} },
		"the end":              func(m *pfkey.Message) [][]byte { return [][]byte{} },
		"an entry of no sense": func(m *pfkey.Message) [][]byte { return [][]byte{encode(m.Reply(pfkey.SPIRange{})), encode(m.Reply())} },
		"an error": func(m *pfkey.Message) [][]byte {
			return [][]byte{encode(m.Failure(syscall.EPERM))}
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			n := 0
			c := dialed(t, daemon(t, func(m *pfkey.Message) [][]byte {
				if n++; n == 1 {
					return answer(m)
				}
				return [][]byte{encode(m.Reply())}
			}))
			if _, err := c.ListSAs(); err == nil {
				t.Error("the request does not fail")
			}
			if _, err := c.ListEroutes(); err != nil {
				t.Errorf("the next one fails with %v", err)
			}
		})
	}
}
