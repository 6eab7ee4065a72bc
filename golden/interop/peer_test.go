package interop

import "testing"

// peer is a foreign daemon of IKE.
type peer interface {
	host
	// name is what the table calls it.
	name() string
	// esp is how its packets travel when nothing asks for UDP: "raw" or "udp".
	esp() string
	// load makes its side of a pairing its whole configuration.
	load(t testing.TB, p *pairing)
	// initiate brings the child of that name up; the first is "c".
	initiate(child string) (string, error)
	// rekey negotiates anew: "ike" or "child".
	rekey(what string) (string, error)
	// sas shows the SAs that it has; "" for none.
	sas() string
	// packets is how many its SAs have carried, both ways.
	packets(t testing.TB) int
	// terminate takes its tunnels down, and tells us.
	terminate() (string, error)
	// start brings the daemon up, kill ends it without a word to anybody.
	start(t testing.TB)
	kill(t testing.TB)
	// log is what it has logged.
	log() string
}
