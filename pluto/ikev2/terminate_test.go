package ikev2_test

import (
	"testing"
	"time"

	"ipsec/pluto"
)

// An IKE SA that is taken down while a request of ours is on its way leaves nothing at the
// peer, not even what that request has made there.
func TestTerminateDuringExchange(t *testing.T) {
	ask := map[string]func(*world){
		"rekey of the IKE SA":   func(w *world) { w.west.RekeyIKE(w.west.conns.All[0]) },
		"rekey of the Child SA": func(w *world) { w.west.Rekey(w.west.conns.Children[0]) },
		"rekeys of both ends": func(w *world) {
			w.west.RekeyIKE(w.west.conns.All[0])
			w.east.RekeyIKE(w.east.conns.All[0])
		},
	}
	for name, ask := range ask {
		for _, lost := range []string{"nothing", "request", "answer"} {
			for _, pause := range []time.Duration{0, 11 * time.Millisecond} {
				t.Run(name+", lost "+lost, func(t *testing.T) {
					w := newWorld(t, subnets())
					w.up()
					w.Run(10 * time.Second)
					first := true
					w.net.Watch = func(d *pluto.Datagram) bool {
						mine := d.Local.Addr() == w.west.addr
						if first && (lost == "request" && mine || lost == "answer" && !mine) {
							first = false
							return false
						}
						return true
					}
					ask(w)
					w.Run(pause)
					w.west.Terminate(w.west.conns.All[0])
					if len(w.west.conns.Children) != 0 {
						t.Errorf("west has %d Child SAs", len(w.west.conns.Children))
					}
					w.Run(2 * time.Minute)
					w.check(0)
					if n, m := len(w.west.States()), len(w.east.States()); n+m != 0 {
						t.Errorf("west has %d states, east %d\n%s", n, m, w.log())
					}
				})
			}
		}
	}
}
