package interop

import "testing"

// peer is another implementation of IKE.
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
	// packets returns how many packets its SAs have carried, both ways.
	packets(t testing.TB) int
	// terminate takes its tunnels down, and tells us.
	terminate() (string, error)
	// start starts the daemon; kill ends it by SIGKILL.
	start(t testing.TB)
	kill(t testing.TB)
	// log returns what it has logged.
	log() string
}
