package laws

import (
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// marker is in each probe.
const marker = "this is in the clear"

// probe is a socket of a machine that sends markers, and counts them.
type probe struct {
	name     string
	conn     *net.UDPConn
	to       *net.UDPAddr
	received atomic.Int64
	missing  atomic.Int64 // of those that should have come before the last that did
}

// startProbes has probes send every 10 ms, until the test ends; sent counts how often.
func startProbes(t *testing.T, list []*probe, sent *atomic.Int64) {
	t.Helper()
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for _, p := range list {
		wait.Go(func() {
			buf, last := make([]byte, 2048), int64(0)
			for {
				n, err := p.conn.Read(buf)
				if ne, ok := err.(*net.OpError); err != nil && (!ok || ne.Err == net.ErrClosed || strings.Contains(err.Error(), "closed")) {
					return
				}
				if tail, ok := strings.CutPrefix(string(buf[:n]), marker); ok {
					number, _ := strconv.ParseInt(tail, 10, 64)
					if p.received.Add(1); number > last {
						p.missing.Add(number - last - 1)
						last = number
					} else if number > 0 { // it was overtaken
						p.missing.Add(-1)
					}
				}
			}
		})
	}
	wait.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for number := 1; ; number++ {
			select {
			case <-stop:
				return
			case <-tick.C:
				for _, p := range list {
					p.conn.WriteToUDP([]byte(marker+strconv.Itoa(number)), p.to) // what cannot be sent does not leak
				}
				sent.Add(1)
			}
		}
	})
	t.Cleanup(func() {
		close(stop)
		for _, p := range list {
			p.conn.Close()
		}
		wait.Wait()
	})
}

// newProbe opens a probe on a machine.
func newProbe(t *testing.T, m *lab.Machine, from, to string) *probe {
	t.Helper()
	p := &probe{name: m.Name + " " + from + " > " + to, to: &net.UDPAddr{IP: net.ParseIP(to), Port: 4242}}
	err := m.Do(func() (err error) {
		p.conn, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(from), Port: 4242})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
