package interop

import (
	"testing"
)

// A pairing is a tunnel between us and a peer. Zero fields mean the usual:
// shared keys, both sides' default algorithms, IPv4 in IPv4, tunnel mode.
type pairing struct {
	name string
	auth string // for the table; "" for PSK

	ours   string            // keywords of our conn, one a line
	more   string            // further conns, which are loaded too
	secret string            // our ipsec.secrets; "" for the usual shared key
	files  map[string]string // of ours, below ipsec.d

	swan swan // the peer's side, where it is strongSwan
	// and where it is Libreswan, which is left: keywords of its conn, further
	// conns and its ipsec.secrets
	libre, libreMore, libreSecret string

	// from and to are the hosts that ping each other: ours, and the peer's.
	from, to string
	plain    bool   // ESP that does not encrypt
	udp      bool   // something asks for ESP in UDP
	esp      string // "ah" where it is not ESP at all, "" otherwise
	// ready is called once both sides are loaded, and undo when the case ends.
	ready, undo func(t *testing.T, s *session)
	// up brings the tunnel up in another way than by asking for it.
	up func(t *testing.T, s *session)
	// then is called once packets have passed; they must pass after it, too.
	then func(t *testing.T, s *session)
	// only is "initiator" or "responder" where the other role makes no sense.
	only string
	// refused is what the one message on our side must say where no tunnel
	// comes up: a pattern for each role. With only one it is for both.
	refused []string
	// leftover says that no tunnel is left that could be taken down.
	leftover bool
}

// roles returns the roles in which a pairing is tried.
func (p *pairing) roles() []string {
	if p.only != "" {
		return []string{p.only}
	}
	return []string{"initiator", "responder"}
}

const (
	usualSecret = `: PSK "swordfish"` + "\n"
	// pings is how many are sent each way.
	pings = 3
)
