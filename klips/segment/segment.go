// Package segment does for TUN devices what an interface with offloads does for
// a host: it cuts the TCP segment or the UDP datagrams that the host sends in
// one piece into packets, and joins packets into one such piece for the host
// to receive. It computes the checksums that the host leaves out, and vouches
// for those that it lets the host skip: what is joined has been verified.
//
// Nothing here allocates for a packet, or waits, or knows of a device.
package segment

import (
	"encoding/binary"

	"ipsec/klips/packet"
)

// The flags of TCP that matter, of the byte at flagsAt.
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
	urg
	ece
	cwr
)

// Offsets into the headers of TCP and UDP.
const (
	seqAt   = 4
	dataAt  = 12 // how long the TCP header is
	flagsAt = 13
	sumAt   = 16 // of TCP
	sumUDP  = 6
	lenUDP  = 4

	tcpLen = 20 // at least
)

// maxHead is how long the headers of IP and TCP may be together, in bytes.
const maxHead = 256

// tcpHead returns how long the TCP header at b[at:] is, or 0 where there is none.
func tcpHead(b []byte, at int) int {
	if len(b) < at+tcpLen {
		return 0
	}
	n := int(b[at+dataAt]>>4) * 4
	if n < tcpLen || len(b) < at+n {
		return 0
	}
	return n
}

// Complete computes the checksum of a packet whose sender has put the sum of the
// pseudo header in its place, at offset at; it covers what follows offset start.
// It is false where those are not within p.
func Complete(p []byte, start, at int) bool {
	if start < 0 || start > len(p) || at < start || at+2 > len(p) {
		return false
	}
	sum := ^packet.Sum(p[start:], 0) // the pseudo header is in it
	if sum == 0 {
		sum = 0xffff // for UDP, where 0 means none; for TCP it is as good
	}
	binary.BigEndian.PutUint16(p[at:], sum)
	return true
}
