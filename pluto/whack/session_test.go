package whack

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"ipsec/pluto"
)

// A session asks for one thing after the other, over one connection for as
// long as that lasts.
func TestSession(t *testing.T) {
	clients := map[*client]bool{}
	f := serve(t, func(c *Call) {
		clients[c.client] = true
		c.Reply(pluto.RCNotification, "about "+c.Name)
		c.Done()
		<-c.Gone() // which is so when it is done
	})
	s := Session{Path: f.path}
	defer s.Close()
	for i := range 10 {
		if i == 5 {
			s.Close()
		}
		var out bytes.Buffer
		status, err := s.Do(t.Context(), []string{"--name", fmt.Sprint("c", i), "--initiate"}, &out)
		if status != pluto.RCNotification || err != nil || out.String() != fmt.Sprintf("200 about c%d\n", i) {
			t.Errorf("request %d: %d, %v:\n%s", i, status, err, &out)
		}
	}
	if len(clients) != 2 {
		t.Errorf("there were %d connections", len(clients))
	}
	if _, err := s.Do(t.Context(), []string{"--dance"}, io.Discard); err == nil {
		t.Error("what is no request is asked for")
	}
}

// A connection that the server has ended since is made anew.
func TestSessionOfTwoServers(t *testing.T) {
	answer := func(c *Call) { c.Done() }
	first, second := serve(t, answer), serve(t, answer)
	s := Session{Path: first.path}
	defer s.Close()
	ask := func() error {
		_, err := s.Do(t.Context(), []string{"--status"}, io.Discard)
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	first.stop()
	s.Path = second.path
	if err := ask(); err != nil {
		t.Error(err)
	}
}

// That a session ends is seen by who answers its request; and it is ended where it
// does not wait for the answer.
func TestSessionGone(t *testing.T) {
	for name, more := range map[string]string{"hung up": "", "impatient": string(appendFrame(nil, frameMore, "--status\x00"))} {
		gone := make(chan struct{})
		f := serve(t, func(c *Call) {
			go func() {
				defer close(gone)
				<-c.Gone()
				c.Reply(pluto.RCLog, "nobody hears this")
				c.Done()
			}()
		})
		conn := f.dial(t)
		conn.Write(append(appendFrame(nil, frameMore, "--status\x00"), more...))
		if more == "" {
			conn.CloseWrite()
		}
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if text, err := io.ReadAll(conn); err != nil || len(text) > 0 {
			t.Errorf("%s: it reads %q, %v", name, text, err)
		}
		<-gone
		if cut := f.logged("does not wait for its answer"); cut != (more != "") {
			t.Errorf("%s: cut off: %v", name, cut)
		}
		f.stop()
	}
}
