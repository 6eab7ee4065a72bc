package engine_test

import (
	"bytes"
	"net/netip"

	"ipsec/klips"
	"ipsec/klips/said"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func key(n int, with byte) []byte  { return bytes.Repeat([]byte{with}, n) }

// A conn is a protected connection between two gateways.
type conn struct {
	src, dst       string // gateways
	srcNet, dstNet string // nets
	protos         []said.Proto
	sa             klips.SA // algorithms of ESP
	encap          bool
}

// gcm is the SA that the tests use.
func gcm() klips.SA {
	return klips.SA{Enc: "aesgcm16", EncKey: key(20, 1), ReplayWindow: 64}
}
