package interop

import (
	"fmt"
	"testing"
)

// shapes are tunnels of other forms, addresses and selectors than the usual.
func shapes() []pairing {
	return []pairing{
		{name: "defaults of both"},
		{name: "no ESN", ours: "esp=aes128-sha256-noesn", swan: swan{child: " esp_proposals = aes128-sha256-noesn"}},
		{name: "PFS", ours: "esp=aes128gcm16\npfsgroup=ecp256", swan: swan{child: " esp_proposals = aes128gcm16-ecp256"}},
		{name: "IPv6 in IPv4", ours: "leftsubnet=2001:db8:a::1/128\nrightsubnet=2001:db8:b::1/128", from: ourHost6, to: peerHost6,
			swan: swan{localTS: peerHost6 + "/128", remoteTS: ourHost6 + "/128"}},
		{name: "IPv4 in IPv6", ours: outer6, swan: swan{addr: peerAddr6, ourAddr: ourAddr6}},
		{name: "IPv6 in IPv6", ours: outer6 + "\nleftsubnet=2001:db8:a::1/128\nrightsubnet=2001:db8:b::1/128", from: ourHost6, to: peerHost6,
			swan: swan{addr: peerAddr6, ourAddr: ourAddr6, localTS: peerHost6 + "/128", remoteTS: ourHost6 + "/128"}},
		{name: "narrowing of ours by the peer", only: "initiator", ours: "leftsubnet=10.0.1.0/24\nrightsubnet=10.0.2.0/24", then: narrowed},
		{name: "narrowing of the peer's by us", only: "responder", swan: swan{localTS: "10.0.2.0/24", remoteTS: "10.0.1.0/24"}, then: narrowed},
		{name: "selectors with protocol and port", ours: "leftprotoport=icmp\nrightprotoport=icmp", swan: swan{localTS: peerHost + "/32[icmp]", remoteTS: ourHost + "/32[icmp]"}},
		{name: "several selectors in a list", ours: "leftsubnet=10.0.1.1/32,10.0.1.129/32\nrightsubnet=10.0.2.0/24",
			swan: swan{remoteTS: "10.0.1.1/32,10.0.1.129/32", localTS: "10.0.2.0/24"}, then: bothHosts},
		{name: "a Child SA for each pair of leftsubnets", only: "initiator", ours: "leftsubnets={10.0.1.1/32 10.0.1.129/32}\nrightsubnet=10.0.2.0/24",
			swan: swan{remoteTS: "10.0.1.1/32,10.0.1.129/32", localTS: "10.0.2.0/24"}, then: eachPair},
		{name: "several Child SAs", ours: "", more: "conn second\n\talso=t\n\tleftsubnet=10.0.1.129/32\n\trightsubnet=10.0.2.129/32\n",
			swan: swan{children: " d {\n local_ts = 10.0.2.129/32\n remote_ts = 10.0.1.129/32\n }"}, then: secondChild},
	}
}

// kernelShapes need a kernel with ESP of its own at the other end.
func kernelShapes() []pairing {
	transport := func(p pairing) pairing {
		p.ours += "\ntype=transport"
		p.from, p.to = or(p.from, ourAddr), or(p.to, peerAddr)
		p.swan.child += "\n mode = transport"
		p.swan.localTS, p.swan.remoteTS = "dynamic", "dynamic"
		return p
	}
	return []pairing{
		{name: "ESP in UDP, by us", ours: "forceencaps=yes", udp: true},
		{name: "ESP in UDP, by the peer", swan: swan{conn: " encap = yes"}, udp: true},
		transport(pairing{name: "transport mode", ours: "leftsubnet=\nrightsubnet="}),
		transport(pairing{name: "transport mode, IPv6", ours: outer6 + "\nleftsubnet=\nrightsubnet=", from: ourAddr6, to: peerAddr6, swan: swan{addr: peerAddr6, ourAddr: ourAddr6}}),
		transport(pairing{name: "transport mode in UDP", ours: "leftsubnet=\nrightsubnet=\nforceencaps=yes", udp: true}),
		{name: "ESN", ours: "esp=aes128gcm16-esn", swan: swan{child: " esp_proposals = aes128gcm16-esn"}, then: extended},
		{name: "IPCOMP", ours: "compress=yes", swan: swan{child: " ipcomp = yes"}, then: compressed},
		{name: "AH", ours: "phase2=ah\nah=sha2_256", swan: swan{child: " ah_proposals = sha256"}, esp: "ah", plain: true},
	}
}

const outer6 = "left=2001:db8:1::1\nright=2001:db8:1::2"

// narrowed checks that the Child SA is for what both ends allow.
func narrowed(t *testing.T, s *session) {
	t.Helper()
	for _, sa := range s.ours.status(t).SAs {
		if sa.Child == nil {
			continue
		}
		if flows := fmt.Sprint(sa.Child.Flows); flows != "[{10.0.1.1/32 10.0.2.1/32 0 0 0}]" {
			t.Errorf("the flows are %s", flows)
		}
	}
}

// compressed checks that IPCOMP was agreed on.
func compressed(t *testing.T, s *session) {
	t.Helper()
	for _, sa := range s.ours.status(t).SAs {
		if sa.Child != nil && !sa.Child.Compression {
			t.Errorf("#%d does not compress", sa.Serial)
		}
	}
}

// extended checks that extended sequence numbers were agreed on.
func extended(t *testing.T, s *session) {
	t.Helper()
	for _, sa := range s.ours.status(t).SAs {
		if sa.Child != nil && !sa.Child.ESN {
			t.Errorf("#%d has no ESN", sa.Serial)
		}
	}
}

// bothHosts checks that a second host of ours reaches the peer's, by the same SA.
func bothHosts(t *testing.T, s *session) {
	t.Helper()
	s.pingBetween(t, ourHostB, peerHostB)
	if n := len(s.states(t, "child")); n != 1 {
		t.Errorf("%d Child SAs, want 1", n)
	}
}

// eachPair checks that there are SAs for either of our hosts.
func eachPair(t *testing.T, s *session) {
	t.Helper()
	s.pingBetween(t, ourHostB, peerHostB)
	if n := len(s.states(t, "child")); n != 2 {
		t.Errorf("%d Child SAs, want 2", n)
	}
}

// secondChild brings up another Child SA of the same IKE SA.
func secondChild(t *testing.T, s *session) {
	t.Helper()
	if s.initiator {
		if out, err := s.ours.ipsec("auto", "--up", "second"); err != nil {
			t.Fatalf("ipsec auto --up second: %v\n%s", err, out)
		}
	} else if out, err := s.peer.initiate("d"); err != nil {
		t.Fatalf("the second child: %v\n%s", err, out)
	}
	s.pingBetween(t, ourHostB, peerHostB)
	s.ping(t)
	if ike, child := len(s.states(t, "ike")), len(s.states(t, "child")); ike != 1 || child != 2 {
		t.Errorf("%d IKE SAs and %d Child SAs, want 1 and 2", ike, child)
	}
	if s.initiator {
		s.ours.try("auto", "--down", "second")
	}
}
