package kernelpeer

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"ipsec/golden/guest/order"
)

// exchange sends traffic both ways, and compares what was counted.
func (pr pair) exchange(t *testing.T, p pairing, row *row) {
	t.Helper()
	before := pr.xfrmStat(t)
	some := []string{"-c 3 -i 0.01", "-c 1 -s 1000", "-c 1 " + p.pings}
	row.in = pr.pingUs(t, p, some...)
	for n := range 16 { // each length of a block's padding
		some = append(some, fmt.Sprintf("-c 1 -s %d", n))
	}
	row.out = pr.pingThem(t, p, some...)
	var spi, state string
	counted := func(lost int) {
		t.Helper()
		eventually(t, func() error { // what TCP still has to say may come between the two
			spi, state = pr.ipsec(t, "spi"), pr.guest.Sh(t, "ip -s xfrm state")
			return sameCounts(p, ourSAs(spi), theirSAs(state), 26, lost)
		})
	}
	counted(3)
	row.bulk = row.in && row.out && pr.bulk(t, p, 256<<10)
	counted(-1) // a busy machine loses packets on the way, however many, which TCP makes good
	if errors := rise(before, pr.xfrmStat(t)); len(errors) > 0 {
		t.Errorf("the kernel counted errors: %v", errors)
	}
	if t.Failed() {
		t.Logf("ours:\n%s\nthe kernel's:\n%s", spi, state)
	}
	row.clean = !t.Failed()
}

// pings is a script of one ping with each of the options. The first that fails
// ends it.
func pings(address string, options []string) string {
	var b strings.Builder
	for _, o := range options {
		ping := fmt.Sprintf("ping -n -W 2 %s %s", o, address)
		fmt.Fprintf(&b, "%s || %s || %s\n", ping, ping, ping) // one may be lost on a busy machine
	}
	return b.String()
}

// pingThem pings the kernel from us with each of the options.
func (pr pair) pingThem(t *testing.T, p pairing, options ...string) bool {
	t.Helper()
	_, theirs := p.ends()
	out, err := pr.Try("/bin/sh", "-ec", pings(theirs, options))
	if err != nil {
		t.Errorf("from us to the kernel: %v\n%s", err, out)
	}
	return err == nil
}

// pingUs is the same from the kernel.
func (pr pair) pingUs(t *testing.T, p pairing, options ...string) bool {
	t.Helper()
	ours, _ := p.ends()
	out, err := pr.guest.Try(pings(ours, options))
	if err != nil {
		t.Errorf("from the kernel to us: %v\n%s", err, out)
	}
	return err == nil
}

// bulk moves bytes both ways over TCP, and compares digests.
func (pr pair) bulk(t *testing.T, p pairing, size int64) bool {
	t.Helper()
	ours, _ := p.ends()
	var listener net.Listener
	err := pr.Do(func() (err error) {
		listener, err = net.Listen("tcp", net.JoinHostPort(ours, "0"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, way := range []string{"put", "get"} {
		result := make(chan string, 1)
		go func() { result <- serve(listener, way, size) }()
		out, err := pr.guest.Try(fmt.Sprintf("%s %s %s %d", pr.guest.Agent, way, listener.Addr(), size))
		if got := <-result; err != nil || got != strings.TrimSpace(out) {
			t.Errorf("bulk %s: the digest is %s here and %s there: %v", way, got, out, err)
			return false
		}
	}
	return true
}

// serve is the counterpart of "agent put" or "agent get": it returns the
// digest of what it received or sent, or an error in its place.
func serve(listener net.Listener, way string, size int64) string {
	const patience = 35 * time.Second
	listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	conn, err := listener.Accept()
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	digest := sha256.New()
	if way == "put" {
		_, err = io.Copy(digest, conn)
	} else {
		_, err = io.Copy(io.MultiWriter(conn, digest), order.Bulk(size))
	}
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", digest.Sum(nil))
}
