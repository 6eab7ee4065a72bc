package bench

import "testing"

// A line is one of the table: what is measured, on which rigs, and what is wanted.
type line struct {
	measurement
	ours, theirs string // rigs
	gate, goal   float64
	quick        bool
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
		{tcp, "gcm-udp", "wireguard", 1.7, 2.0, true},
		{tcp, "chacha-udp", "wireguard", 1.5, 1.7, true},
		{tcp, "gcm-raw", "wireguard", 1.15, 1.3, true},
		{pps, "gcm-udp", "wireguard", 2.5, 3.5, true},
		{rtt, "gcm-udp", "wireguard", 0.8, 0.5, true},
		{tcp, "cbc-udp", "libipsec-cbc", 4, 6, true},
		{tcp, "gcm-udp", "libipsec-gcm", 8, 11, true},
		{four, "gcm-udp", "wireguard", 1.7, 2.0, false},
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
