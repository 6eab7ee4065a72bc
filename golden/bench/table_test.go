package bench

import (
	"fmt"
	"testing"

	"ipsec/golden/lab"
)

// A line is one of the table: what is measured, on which rigs, and what is wanted.
type line struct {
	measurement
	ours, theirs string // rigs
	gate, goal   float64
	quick        bool
	beside       *measurement // what is measured of theirs, where it is something else
}

// peer returns what is measured of theirs.
func (l line) peer() measurement {
	if l.beside != nil {
		return *l.beside
	}
	return l.measurement
}

type finished struct {
	line
	outcome
}

func table() []line {
	tcp := measurement{"one TCP flow", "Gbit/s", false, stream(1)}
	four := measurement{"four TCP flows", "Gbit/s", false, stream(4)}
	pps := measurement{"UDP packets of 64 bytes", "thousand a second", false, small}
	rtt := measurement{"round trip of a ping", "µs", true, roundTrip}
	return []line{
		{tcp, "gcm-udp", "wireguard", 1.7, 2.0, true, nil},
		{tcp, "chacha-udp", "wireguard", 1.5, 1.7, true, nil},
		{tcp, "gcm-raw", "wireguard", 1.15, 1.3, true, nil},
		{pps, "gcm-udp", "wireguard", 2.5, 3.5, true, nil},
		{rtt, "gcm-udp", "wireguard", 0.8, 0.5, true, nil},
		{tcp, "cbc-udp", "libipsec-cbc", 4, 6, true, nil},
		{tcp, "gcm-udp", "libipsec-gcm", 8, 11, true, nil},
		{four, "gcm-udp", "gcm-udp", 1.0, 1.1, false, &tcp},
		{tcp, "many-udp", "gcm-udp", 0.95, 1.0, false, nil},
		{tcp, "gcm-raw", "gcm-seen", 1.2, 1.4, false, nil},
	}
}

// A lineup makes rigs when they are wanted, and keeps them.
type lineup struct {
	t         testing.TB
	rigs      map[string]*rig
	bin, peer string
	lines     []finished
}

func (l *lineup) rig(name string) *rig {
	if r := l.rigs[name]; r != nil {
		return r
	}
	if l.bin == "" {
		l.bin = build(l.t)
	}
	var r *rig
	switch name {
	case "wireguard":
		if l.peer == "" {
			l.peer = buildWireGuard(l.t)
		}
		r = newWireGuard(l.t, l.peer)
	case "libipsec-gcm":
		r = newLibipsec(l.t, "aes128gcm16")
	case "libipsec-cbc":
		r = newLibipsec(l.t, "aes128-sha256")
	case "gcm-udp":
		r = newKLIPS(l.t, l.bin, transform{"aes128gcm16", 20, 0, true})
	case "gcm-raw":
		r = newKLIPS(l.t, l.bin, transform{"aes128gcm16", 20, 0, false})
	case "gcm-seen":
		r = newKLIPS(l.t, l.bin, transform{"aes128gcm16", 20, 0, false})
		r.name += " that a rule of netfilter counts"
		for _, m := range []*lab.Machine{r.west, r.east} {
			for _, hook := range []string{"input", "output"} {
				m.Sh(l.t, fmt.Sprintf("nft 'add table inet f; add chain inet f %[1]s { type filter hook %[1]s priority 0; }; add rule inet f %[1]s meta l4proto esp counter'", hook))
			}
			m.Until(l.t, l.bin+" verify | grep 'could look at it'")
		}
	case "many-udp":
		r = newKLIPS(l.t, l.bin, transform{"aes128gcm16", 20, 0, true})
		r.name += ", 10,000 eroutes and SAs"
		r.fill(l.t, 10000)
	case "chacha-udp":
		r = newKLIPS(l.t, l.bin, transform{"chacha20poly1305", 36, 0, true})
	case "cbc-udp":
		r = newKLIPS(l.t, l.bin, transform{"aes128-sha2_256", 16, 32, true})
	default:
		l.t.Fatalf("there is no rig %q", name)
	}
	l.rigs[name] = r
	return r
}
