// Package whack is whack(8), the control of Pluto: the protocol over the control socket, and both its
// ends. What is asked for is a command line; see package cmdline.
package whack

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/whack/cmdline"
)

// Call is a request of a client. Its methods may be called from any goroutine,
// do not wait, and do nothing once the client has gone.
type Call struct {
	*cmdline.Request
	Words []string // the command line, which makes the same request again

	client *client
	more   bool          // the client may ask for something else afterwards
	gone   chan struct{} // closed when nobody waits for the end any more

	mu     sync.Mutex
	status int
	ended  bool
}

// Reply sends a line, with the number of its code before it but for pluto.RCRaw.
// A text of several lines is several lines of that code.
func (c *Call) Reply(code int, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.status = pluto.ExitStatus(c.status, code)
	for line := range strings.SplitSeq(text, "\n") {
		if code >= 0 {
			line = fmt.Sprintf("%03d %s", code, line)
		}
		for len(line) > maxLine {
			c.client.send(frameLine, line[:maxLine])
			line = line[maxLine:]
		}
		c.client.send(frameLine, line)
	}
}

// Done ends the call: whack exits by the codes of the replies.
func (c *Call) Done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.ended = true
		c.client.send(frameEnd, string([]byte{byte(c.status)}))
		if c.more {
			close(c.gone)
		} else {
			c.client.finish()
		}
	}
}

// leave says that the client has gone. It reports whether the call was done.
func (c *Call) leave() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	done := c.ended
	if !c.ended || !c.more {
		close(c.gone)
	}
	c.ended = true
	return done
}

func (c *Call) done() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// Gone is closed when the client has gone, by Ctrl-C or because the call is done.
func (c *Call) Gone() <-chan struct{} { return c.gone }

// client is a connection of the server: one goroutine reads, one writes.
type client struct {
	conn *net.UnixConn
	in   *bufio.Reader

	mu      sync.Mutex
	waiting []byte        // frames to write
	last    bool          // nothing comes after what waits
	wake    chan struct{} // holds one when there is something new
	cutOff  bool
}

func newClient(conn *net.UnixConn) *client {
	return &client{conn: conn, in: bufio.NewReader(conn), wake: make(chan struct{}, 1)}
}

// send queues a frame; a client that lets too much wait is cut off.
func (c *client) send(kind byte, body string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.last || c.cutOff:
		return
	case len(c.waiting)+len(body) > maxWaiting:
		c.cutOff = true
		c.waiting = nil
		c.conn.Close()
	default:
		c.waiting = appendFrame(c.waiting, kind, body)
	}
	c.notify()
}

// finish hangs up once what waits is written.
func (c *client) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = true
	c.notify()
}

func (c *client) notify() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// farewell is finish for a server that ends: a client that does not read by
// then is cut off. The timer has nothing to wait for, and is left alone.
func (c *client) farewell() {
	c.finish()
	time.AfterFunc(farewellTime, func() { c.conn.Close() })
}

// run reads requests, has them handled, and writes what is answered, until the
// last call is done or the client has gone.
func (c *client) run(s *Server) {
	var writer sync.WaitGroup
	writer.Go(c.write)
	_ = c.conn.SetReadDeadline(time.Now().Add(requestTime))
	for more := true; more; {
		call := c.request(s)
		if call == nil {
			break
		}
		_ = c.conn.SetReadDeadline(time.Time{})
		s.Handle(call)
		more = c.pause(s, call)
	}
	c.finish()
	writer.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cutOff {
		s.log(fmt.Sprintf("cut off a whack that does not read: more than %d bytes wait for it", maxWaiting))
	}
}

// pause waits until the client says something after a call, which is another
// request. Before the end of the call, and after the last one, a client says nothing
// more: that it hangs up is what ends this.
func (c *client) pause(s *Server, call *Call) (more bool) {
	var err error
	if call.more {
		_, err = c.in.Peek(1)
	} else {
		_, err = io.Copy(io.Discard, c.in)
	}
	if call.more && err == nil && call.done() {
		return true
	}
	if !call.leave() && call.more && err == nil {
		s.log("cut off a whack that does not wait for its answer")
	}
	return false
}

// request reads what the client wants. Nil is a client that has gone, or that
// has been told what is wrong.
func (c *client) request(s *Server) *Call {
	kind, body, err := readFrame(c.in, string([]byte{frameWords, frameMore}), maxWords)
	if err != nil {
		if err != io.EOF {
			s.log("cut off a whack: " + err.Error())
		}
		return nil
	}
	call := &Call{client: c, more: kind == frameMore, gone: make(chan struct{})}
	call.Words, err = splitWords(body)
	if err == nil {
		call.Request, err = cmdline.Parse(call.Words)
	}
	if err != nil {
		call.Reply(pluto.RCWhackProblem, "whack: "+err.Error())
		call.more = false
		call.Done()
		return nil
	}
	return call
}

// write writes what waits, until there is nothing more to come. It hangs up at
// the end, by which the reader ends too.
func (c *client) write() {
	defer c.conn.Close()
	for {
		c.mu.Lock()
		chunk, last, cutOff := c.waiting, c.last, c.cutOff
		c.waiting = nil
		c.mu.Unlock()
		if cutOff {
			return
		}
		for len(chunk) > 0 {
			n := min(len(chunk), 1<<16)
			_ = c.conn.SetWriteDeadline(time.Now().Add(writeTime))
			if _, err := c.conn.Write(chunk[:n]); err != nil {
				return
			}
			chunk = chunk[n:]
		}
		if last {
			return
		}
		<-c.wake
	}
}
