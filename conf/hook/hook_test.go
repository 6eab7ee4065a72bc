package hook

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func sample() Environment {
	return Environment{
		Connection: "net", Interface: "ipsec0", Me: netip.MustParseAddr("192.0.2.1"), Peer: netip.MustParseAddr("192.0.2.9"),
		MyID: "@a", PeerID: "C=DE, O=x y", MyClient: netip.MustParsePrefix("10.1.0.0/16"), PeerClient: netip.MustParsePrefix("10.2.0.0/17"),
		Protocol: 6, MyPort: 80, PeerPort: 0, MySourceIP: netip.MustParseAddr("10.1.0.1"), PeerCA: "CN=ca", MTU: 1400, Metric: 5,
	}
}

func TestVariables(t *testing.T) {
	want := []string{
		"PLUTO_VERSION=1.1", "PLUTO_CONNECTION=net", "PLUTO_NEXT_HOP=192.0.2.9", "PLUTO_INTERFACE=ipsec0",
		"PLUTO_ME=192.0.2.1", "PLUTO_MY_ID=@a", "PLUTO_MY_CLIENT=10.1.0.0/16", "PLUTO_MY_CLIENT_NET=10.1.0.0", "PLUTO_MY_CLIENT_MASK=255.255.0.0",
		"PLUTO_MY_PROTOCOL=6", "PLUTO_MY_PORT=80", "PLUTO_MY_SOURCEIP=10.1.0.1",
		"PLUTO_PEER=192.0.2.9", "PLUTO_PEER_ID=C=DE, O=x y", "PLUTO_PEER_CLIENT=10.2.0.0/17", "PLUTO_PEER_CLIENT_NET=10.2.0.0", "PLUTO_PEER_CLIENT_MASK=255.255.128.0",
		"PLUTO_PEER_PROTOCOL=6", "PLUTO_PEER_PORT=0", "PLUTO_PEER_CA=CN=ca", "PLUTO_MTU=1400", "PLUTO_METRIC=5",
	}
	if got := sample().Variables(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	six := Environment{Host: true, PeerClient: netip.MustParsePrefix("2001:db8::/48")}
	if got := six.Suffix(); got != "-host-v6" {
		t.Errorf("suffix %q", got)
	}
}

func TestRead(t *testing.T) {
	env := map[string]string{"PLUTO_VERB": "up-client"}
	for _, v := range sample().Variables() {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	got, err := Read(func(name string) string { return env[name] })
	want := sample()
	want.NextHop, want.Protocol, want.MyPort = want.Peer, 0, 0 // which a default updown does not need
	if err != nil || got != want {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	if _, err := Read(func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "PLUTO_INTERFACE is not set") {
		t.Errorf("without variables: %v", err)
	}
}
