package daemon

import (
	"context"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ipsec/golden/lab"
	"ipsec/klips"
	"ipsec/pluto"
)

func sh(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("/bin/sh", "-ec", script).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s%s", err, script, out)
	}
}

func names(list []endpoint) (all []string) {
	for _, at := range list {
		all = append(all, at.String())
	}
	return all
}

// TestAddresses is about which addresses IKE is spoken on.
func TestAddresses(t *testing.T) {
	lab.NeedProgram(t, "ip")
	lab.Isolated(t, func(t *testing.T) {
		sh(t, `
ip link add eth0 type veth peer name far0
ip link add eth1 type veth peer name far1
ip link set eth0 up; ip link set far0 up
ip addr add 192.0.2.1/24 dev eth0; ip addr add 192.0.2.9/24 dev eth0
ip addr add 2001:db8::1/64 dev eth0 nodad
ip addr add 203.0.113.1/24 dev eth1`)
		attached := []klips.Attachment{{Virtual: "ipsec0", Physical: "eth0"}, {Virtual: "ipsec1", Physical: "eth9"}}
		list, err := addresses(attached, false)
		want := []string{"eth0 192.0.2.1:500", "eth0 192.0.2.9:500", "eth0 [2001:db8::1]:500"}
		if got := names(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("found %q, %v; want %q", got, err, want)
		}
		// Without KLIPS it is every interface that is up.
		list, err = addresses(nil, true)
		if got := names(list); err != nil || !slices.Contains(got, "lo 127.0.0.1:500") || slices.Contains(got, "eth1 203.0.113.1:500") {
			t.Errorf("without KLIPS: found %q, %v", got, err)
		}
	})
}

// TestEndpoints sends over sockets that follow the addresses.
func TestEndpoints(t *testing.T) {
	lab.NeedProgram(t, "ip")
	lab.Isolated(t, func(t *testing.T) {
		sh(t, "ip addr add 192.0.2.1/32 dev lo; ip addr add 192.0.2.2/32 dev lo")
		got := make(chan pluto.Datagram, 16)
		var mu sync.Mutex
		var log []string
		e := endpoints{
			deliver: func(d pluto.Datagram, _ <-chan struct{}) { got <- d },
			log:     func(line string) { mu.Lock(); defer mu.Unlock(); log = append(log, line) },
		}
		at := func(text string) endpoint { return endpoint{link: "lo", addr: netip.MustParseAddrPort(text)} }
		one, two, nat := at("192.0.2.1:500"), at("192.0.2.2:500"), at("192.0.2.2:4500")
		absent := at("198.51.100.1:500")
		for range 2 { // what cannot be bound is said once
			e.follow([]endpoint{one, two, nat, absent})
		}
		if len(e.sockets) != 3 || len(log) != 1 || !strings.Contains(log[0], "failed to listen for IKE on lo 198.51.100.1:500: cannot assign requested address") {
			t.Fatalf("%d sockets, log %q", len(e.sockets), log)
		}
		pass := func(from, to endpoint, payload, want string) {
			t.Helper()
			if err := e.Send(pluto.Datagram{Local: from.addr, Remote: to.addr, Payload: []byte(payload)}); err != nil {
				t.Fatal(err)
			}
			if want == "" {
				return
			}
			select {
			case d := <-got:
				if d.Local != to.addr || d.Remote != from.addr || string(d.Payload) != want {
					t.Errorf("received %v, want %q from %s at %s", d, want, from, to)
				}
			case <-time.After(5 * time.Second):
				t.Errorf("%q from %s did not come to %s", payload, from, to)
			}
		}
		pass(one, two, "on port 500", "on port 500")
		pass(nat, nat, "\xff", "")                   // a keepalive is nobody's message
		pass(nat, nat, "with marker", "with marker") // and what comes next is
		pass(one, nat, "\x00\x00\x00\x00added by hand", "added by hand")
		pass(one, nat, "ESP, not IKE", "")
		pass(two, one, "last", "last")

		e.follow([]endpoint{two})
		if err := e.Send(pluto.Datagram{Local: one.addr, Remote: two.addr}); err == nil {
			t.Error("an address that is gone can still be sent from")
		}
		e.close()
		if len(e.sockets) != 0 {
			t.Errorf("%d sockets are left", len(e.sockets))
		}
	})
}

// TestWatch is told of addresses that come and go.
func TestWatch(t *testing.T) {
	lab.NeedProgram(t, "ip")
	lab.Isolated(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		changed := make(chan struct{}, 1)
		var done sync.WaitGroup
		done.Go(func() {
			watch(ctx, func() {
				select {
				case changed <- struct{}{}:
				default:
				}
			}, func(line string) { t.Error(line) })
		})
		defer done.Wait()
		defer cancel()
		for i, script := range []string{"ip addr add 192.0.2.1/32 dev lo", "ip addr del 192.0.2.1/32 dev lo", "ip link set lo down"} {
			deadline := time.After(10 * time.Second)
			for told := false; !told; {
				sh(t, script)
				select {
				case <-changed:
					told = true
				case <-deadline:
					t.Fatalf("nothing was told of %q", script)
				case <-time.After(100 * time.Millisecond):
					// The watch may not have begun: do it again.
					if i == 0 {
						sh(t, "ip addr del 192.0.2.1/32 dev lo")
					}
				}
			}
		}
	})
}
