package ikev2_test

import (
	"strings"
	"testing"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/ikev2/message"
)

// TestDeletedStaysDeleted: what a peer has ended answers no new request, however often the
// peer asks, says so once, and goes when its time is over.
func TestDeletedStaysDeleted(t *testing.T) {
	for name, end := range map[string]message.Payload{
		"delete":      &message.Delete{Protocol: message.ProtocolIKE},
		"auth failed": &message.Notify{MessageType: message.AuthenticationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRogue(t, ikev2.Config{})
			r.handshake()
			if got := names(r.authenticate(rogueSecret)); got != "IDr AUTH SA TSi TSr" {
				t.Fatal(got)
			}
			if _, ok := r.ask(message.Informational, end); !ok {
				t.Fatal("the request that ends the IKE SA is not answered")
			}
			before := len(r.east.reports)
			for range 20 {
				if _, ok := r.ask(message.Informational, end); ok {
					t.Fatal("an IKE SA that has ended answers a new request")
				}
				r.Run(30 * time.Second)
			}
			for _, line := range r.east.reports[before:] {
				if !strings.Contains(line, "for an IKE SA that is not there") {
					t.Errorf("it is spoken of again: %s", line)
				}
			}
			if n := r.east.Kept(); n != 0 {
				t.Errorf("%d IKE SAs are kept ten minutes later", n)
			}
		})
	}
}

// TestDeletedAreCounted: IKE SAs that have ended, and wait for a last question, are within the
// limit of those between two identities.
func TestDeletedAreCounted(t *testing.T) {
	r := newRogue(t, ikev2.Config{Limits: ikev2.Limits{Alike: 4}})
	for range 20 {
		if !r.handshake() {
			t.Fatal("IKE_SA_INIT is not answered")
		}
		if got := names(r.authenticate(rogueSecret)); got != "IDr AUTH SA TSi TSr" {
			t.Fatal(got)
		}
		r.ask(message.Informational, &message.Delete{Protocol: message.ProtocolIKE})
	}
	if n := r.east.Kept(); n > 4 {
		t.Errorf("%d IKE SAs are kept, expected at most 4", n)
	}
}

// TestReauthInTime: with reauth=yes a peer has to prove who it is within ikelifetime=, and gains
// no time by rekeying.
func TestReauthInTime(t *testing.T) {
	conn := subnets()
	conn.Reauth, conn.Rekey = true, true
	conn.IKELifetime, conn.RekeyMargin, conn.ChildLifetime = time.Hour, 5*time.Minute, 100*time.Hour
	w := newWorldOf(t, ikev2.Config{}, ikev2.Config{}, []*pluto.Connection{conn}, []*pluto.Connection{conn.Reversed()})
	w.east.conns.All[0].Reauth = false
	w.west.Initiate(w.west.conns.All[0], nil)
	proved := 0
	for range 20 {
		w.Run(30 * time.Minute)
		w.east.RekeyIKE(w.east.conns.All[0])
	}
	w.Run(time.Minute)
	for _, line := range w.west.reports {
		if strings.Contains(line, "authenticated by") {
			proved++
		}
	}
	if proved < 10 {
		t.Errorf("the peer has proved who it is %d times in 10 hours, expected once an hour", proved)
	}
	w.check(1)
}
