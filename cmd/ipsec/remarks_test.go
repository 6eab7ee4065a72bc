package main

import (
	"net/netip"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/plan"
)

// TestCutOff warns who has come by SSH, and nobody else.
func TestCutOff(t *testing.T) {
	prefix := netip.MustParsePrefix
	facts := plan.Facts{
		Version: plan.FactsVersion, TUN: true, IPv6: true, Stacks: []string{"klips"}, RunDir: true,
		Links: []plan.Link{
			{Name: "wan", MTU: 1500, Up: true, Addrs: []plan.Addr{{Prefix: prefix("192.0.2.1/24")}}},
			{Name: "lan", MTU: 1500, Up: true, Addrs: []plan.Addr{{Prefix: prefix("10.0.1.1/24")}}},
		},
		Routes: []plan.Route{
			{Dst: prefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("192.0.2.254"), Link: "wan"}, {Dst: prefix("192.0.2.0/24"), Link: "wan"}, {Dst: prefix("10.0.1.0/24"), Link: "lan"},
		},
	}
	const head = "config setup\n\tinterfaces=ipsec0=wan\nconn everything\n\tleft=192.0.2.1\n\tleftsubnet=10.0.1.0/24\n\tright=198.51.100.2\n\trightsubnet=0.0.0.0/0\n\tauthby=secret\n"
	const pass = "conn admin\n\tleft=192.0.2.1\n\tright=203.0.113.7\n\ttype=passthrough\n\tauto=route\n"
	for _, tt := range []struct {
		name, text, session string
		verb                plan.Verb
		warned              bool
	}{
		{"from anywhere", head + "\tauto=route\n", "203.0.113.7 50000 192.0.2.1 22", plan.Start, true},
		{"restart", head + "\tauto=start\n", "203.0.113.7 50000 192.0.2.1 22", plan.Restart, true},
		{"mapped", head + "\tauto=start\n", "::ffff:203.0.113.7 50000 ::ffff:192.0.2.1 22", plan.Start, true},
		{"stop", head + "\tauto=route\n", "203.0.113.7 50000 192.0.2.1 22", plan.Stop, false},
		{"not routed", head + "\tauto=add\n", "203.0.113.7 50000 192.0.2.1 22", plan.Start, false},
		{"a neighbour", head + "\tauto=route\n", "10.0.1.9 50000 10.0.1.1 22", plan.Start, false},
		{"of the other family", head + "\tauto=route\n", "2001:db8::7 50000 2001:db8::1 22", plan.Start, false},
		{"passed", head + "\tauto=route\n" + pass, "203.0.113.7 50000 192.0.2.1 22", plan.Start, false},
		{"no session", head + "\tauto=route\n", "", plan.Start, false},
		{"rubbish", head + "\tauto=route\n", "a b c d", plan.Start, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config, err := conf.Parse("f", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			text := cutOff(tt.session, tt.verb, config, facts, conf.DefaultPaths())
			if (text != "") != tt.warned || tt.warned && !strings.Contains(text, `from 203.0.113.7, and conn "everything" takes all packets to 128.0.0.0/1`) {
				t.Errorf("found %q", text)
			}
		})
	}
}
