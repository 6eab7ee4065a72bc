package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A pairing is a tunnel between us and strongSwan. Zero fields mean the usual:
// shared keys, both sides' default algorithms, IPv4, tunnel mode.
type pairing struct {
	name string
	auth string // for the table; "" for PSK

	ours   string            // keywords of our conn, one a line
	secret string            // our ipsec.secrets; "" for the usual shared key
	files  map[string]string // of ours, below ipsec.d

	theirs theirs

	// ping names the hosts that ping each other; zero for the usual ones.
	from, to string
	// then is done once the tunnel is up, on top of the pings.
	then func(t *testing.T, s *session)
	// only is "initiator" or "responder" where the other role makes no sense.
	only string
}

// theirs is strongSwan's side.
type theirs struct {
	addr, ourAddr string // its own address and ours; "" for the usual
	conn          string // further lines of the connection
	local, remote string // the authentication sections; "" for PSK
	child         string // further lines of the child
	localTS       string
	remoteTS      string
	secrets       string
	files         map[string]string
}

func or(s, usual string) string {
	if s == "" {
		return usual
	}
	return s
}

// conf is swanctl.conf.
func (p *pairing) conf() string {
	x := p.theirs
	return fmt.Sprintf(`connections { t {
 version = 2
 mobike = no
 local_addrs = %s
 remote_addrs = %s
%s
 local {
 %s
 }
 remote {
 %s
 }
 children { c {
 local_ts = %s
 remote_ts = %s
%s
 } }
} }
secrets {
%s
}
`, or(x.addr, peerAddr), or(x.ourAddr, ourAddr), x.conn,
		or(x.local, "auth = psk\n id = peer.test"), or(x.remote, "auth = psk\n id = ours.test"),
		or(x.localTS, peerHost+"/32"), or(x.remoteTS, ourHost+"/32"), x.child,
		or(x.secrets, "ike-1 {\n secret = \"swordfish\"\n }"))
}

// session is both sides, while a case is at work.
type session struct {
	ours *gateway
	peer *strongswan
	p    *pairing
}

// bring loads both sides and brings the tunnel up, by us or by the peer.
func (s *session) bring(t *testing.T, initiator bool) {
	t.Helper()
	s.peer.load(t, s.p.conf(), s.p.theirs.files)
	s.ours.load(t, s.p.ours, or(s.p.secret, `: PSK "swordfish"`+"\n"), s.p.files)
	if initiator {
		out, err := s.ours.ipsec("auto", "--up", "t")
		if err != nil {
			t.Fatalf("ipsec auto --up t: %v\n%s", err, out)
		}
		return
	}
	if out, err := s.peer.initiate("c"); err != nil {
		t.Fatalf("swanctl --initiate: %v\n%s", err, out)
	}
}

// ping has packets answered, and both ends count what they encrypted.
func (s *session) ping(t *testing.T) {
	t.Helper()
	const count = 3
	before := s.counted(t)
	from, to := or(s.p.from, ourHost), or(s.p.to, peerHost)
	if out, err := s.ours.Try("ping", "-c", fmt.Sprint(count), "-i", "0.05", "-W", "2", "-I", from, to); err != nil {
		t.Errorf("ping from %s to %s: %v\n%s", from, to, err, out)
	}
	if out, err := s.peer.Try("ping", "-c", fmt.Sprint(count), "-i", "0.05", "-W", "2", "-s", "1000", "-I", to, from); err != nil {
		t.Errorf("ping from %s to %s: %v\n%s", to, from, err, out)
	}
	if after := s.counted(t); after < before+4*count {
		t.Errorf("the SAs carried %d packets, want %d at least", after-before, 4*count)
	}
}

// counted returns how many packets our SAs have carried so far.
func (s *session) counted(t *testing.T) int {
	t.Helper()
	total := uint64(0)
	for _, sa := range readStatus(t, s.ours).SAs {
		if sa.Child != nil {
			total += sa.Child.InPackets + sa.Child.OutPackets
		}
	}
	return int(total)
}

// down takes the tunnel down from our side, after which the peer has none.
func (s *session) down(t *testing.T) {
	t.Helper()
	if out, err := s.ours.ipsec("auto", "--down", "t"); err != nil {
		t.Errorf("ipsec auto --down t: %v\n%s", err, out)
	}
	for range 40 {
		out, err := s.peer.swanctl("--list-sas")
		if err == nil && strings.TrimSpace(out) == "" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	out, _ := s.peer.swanctl("--list-sas")
	t.Errorf("the peer still has SAs after ipsec auto --down:\n%s", out)
}
