package sadb

import (
	"errors"
	"net/netip"
	"time"

	"ipsec/klips"
	"ipsec/klips/ah"
	"ipsec/klips/esp"
	"ipsec/klips/said"
)

// ErrReplay refuses a packet that has come before, or is too old to tell.
var ErrReplay = errors.New("sequence number seen before or too old")

// ErrDead refuses a packet of an SA whose hard lifetime is over, or that has no keys.
var ErrDead = errors.New("SA is past its lifetime")

// seqMargin is how many sequence numbers are left when an SA without ESN asks
// to be replaced, since they never come round.
const seqMargin = 1 << 28

// Seal encrypts payload, of protocol next, behind dst as esp.Transform.Seal
// does, under the next sequence number.
func (sa *SA) Seal(dst, payload []byte, next uint8, now time.Time) ([]byte, State, error) {
	sa.mu.Lock()
	defer sa.mu.Unlock()
	if sa.dead || sa.esp == nil {
		return nil, Dead, ErrDead
	}
	sa.seq++
	packet, err := sa.esp.Seal(dst, payload, next, sa.seq)
	if err != nil {
		state := sa.worn(err == esp.ErrSequence || err == esp.ErrExhausted)
		return nil, state, err
	}
	return packet, sa.count(len(payload), now), nil
}

// Protect puts an AH into the IP packet at buf[at:] as ah.Transform.Protect
// does, under the next sequence number.
func (sa *SA) Protect(buf []byte, at int, now time.Time) ([]byte, State, error) {
	sa.mu.Lock()
	defer sa.mu.Unlock()
	if sa.dead || sa.ah == nil {
		return nil, Dead, ErrDead
	}
	sa.seq++
	size := len(buf) - at
	packet, err := sa.ah.Protect(buf, at, sa.seq)
	if err != nil {
		return nil, sa.worn(err == ah.ErrSequence), err
	}
	return packet, sa.count(size, now), nil
}

// worn gives a sequence number back, unless none was left: then the SA ends.
func (sa *SA) worn(out bool) State {
	sa.seq--
	if !out {
		sa.usage.OtherErrors++
		return Alive
	}
	sa.dead = true
	return Hard
}

// Open authenticates and decrypts an ESP packet in place, and returns its
// payload and the protocol of that. A packet that is no good does not move the
// replay window.
func (sa *SA) Open(packet []byte, now time.Time) (payload []byte, next uint8, state State, err error) {
	sa.mu.Lock()
	defer sa.mu.Unlock()
	if sa.dead || sa.esp == nil {
		return nil, 0, Dead, ErrDead
	}
	seq, ok := sa.window.Check(esp.Seq(packet))
	if !ok {
		sa.usage.ReplayErrors++
		return nil, 0, Alive, ErrReplay
	}
	payload, next, err = sa.esp.Open(packet, uint32(seq>>32))
	if err != nil {
		sa.failed(err == esp.ErrAuth)
		return nil, 0, Alive, err
	}
	if !sa.window.Update(seq) {
		sa.usage.ReplayErrors++
		return nil, 0, Alive, ErrReplay
	}
	return payload, next, sa.count(len(payload), now), nil
}

// Verify checks the AH of an IP packet, whose sequence number is seq, and
// returns the packet without it, in place.
func (sa *SA) Verify(packet []byte, seqLow uint32, now time.Time) ([]byte, State, error) {
	sa.mu.Lock()
	defer sa.mu.Unlock()
	if sa.dead || sa.ah == nil {
		return nil, Dead, ErrDead
	}
	seq, ok := sa.window.Check(seqLow)
	if !ok {
		sa.usage.ReplayErrors++
		return nil, Alive, ErrReplay
	}
	bare, err := sa.ah.Verify(packet, uint32(seq>>32))
	if err != nil {
		sa.failed(err == ah.ErrAuth)
		return nil, Alive, err
	}
	if !sa.window.Update(seq) {
		sa.usage.ReplayErrors++
		return nil, Alive, ErrReplay
	}
	return bare, sa.count(len(bare), now), nil
}

// Compress appends the IPCOMP form of payload to dst; false means that the
// payload goes as it is.
func (sa *SA) Compress(dst, payload []byte, next uint8, now time.Time) ([]byte, State, bool) {
	sa.mu.Lock()
	defer sa.mu.Unlock()
	if sa.dead || sa.comp == nil {
		return nil, Dead, false
	}
	packet, ok := sa.comp.Compress(dst, payload, next)
	return packet, sa.count(len(payload), now), ok
}

// Decompress appends to dst what the IPCOMP packet holds, within the capacity
// of dst, and returns it with its protocol.
func (sa *SA) Decompress(dst, packet []byte, now time.Time) ([]byte, uint8, State, error) {
	sa.mu.Lock()
	defer sa.mu.Unlock()
	if sa.dead || sa.comp == nil {
		return nil, 0, Dead, ErrDead
	}
	payload, next, err := sa.comp.Decompress(dst, packet)
	if err != nil {
		sa.failed(false)
		return nil, 0, Alive, err
	}
	return payload, next, sa.count(len(payload), now), nil
}

// Pass counts a packet of size bytes through an SA that has no transform: a tunnel.
func (sa *SA) Pass(size int, now time.Time) State {
	sa.mu.Lock()
	defer sa.mu.Unlock()
	if sa.dead {
		return Dead
	}
	return sa.count(size, now)
}

// PolicyError counts a packet that came out of the SA and should not have.
func (sa *SA) PolicyError() {
	sa.mu.Lock()
	sa.usage.PolicyErrors++
	sa.mu.Unlock()
}

// Moved notes where an authentic packet came from, and where the one before
// did, if that is known and was elsewhere.
func (sa *SA) Moved(from netip.AddrPort) (old netip.AddrPort, moved bool) {
	sa.mu.Lock()
	defer sa.mu.Unlock()
	old = sa.peer
	if !old.IsValid() {
		old = netip.AddrPortFrom(sa.Config.Src, sa.Config.Encap.SrcPort)
	}
	sa.peer = from
	known := old.IsValid() && !old.Addr().IsUnspecified()
	return old, known && old != from
}

// Room returns how long a payload may be for what the SA makes of it to fit room
// bytes in a packet of IPv4 or IPv6; it is negative where none fits.
func (sa *SA) Room(room int, ipv6 bool) int {
	switch sa.Config.ID.Proto {
	case said.ESP:
		if sa.esp != nil {
			return sa.esp.MaxPayload(room)
		}
	case said.AH:
		if sa.ah != nil {
			return room - sa.ah.HeaderLen(ipv6)
		}
	}
	return room
}

// HeaderLen returns how far before a payload the ESP packet starts, in bytes.
func (sa *SA) HeaderLen() int {
	if sa.esp == nil {
		return 0
	}
	return sa.esp.HeaderLen()
}

// Len returns how long the ESP packet of a payload of n bytes is; the SA must be one of ESP.
func (sa *SA) Len(n int) int { return sa.esp.Len(n) }

func (sa *SA) failed(auth bool) {
	if auth {
		sa.usage.AuthErrors++
	} else {
		sa.usage.OtherErrors++
	}
}

func (sa *SA) count(size int, now time.Time) State {
	sa.usage.Packets++
	sa.usage.Bytes += uint64(size)
	if sa.usage.FirstUse.IsZero() {
		sa.usage.FirstUse = now
	}
	sa.usage.Last = now
	return sa.state(now)
}

// Check returns what time has made of the SA.
func (sa *SA) Check(now time.Time) State {
	sa.mu.Lock()
	defer sa.mu.Unlock()
	if sa.dead {
		return Dead
	}
	return sa.state(now)
}

func (sa *SA) state(now time.Time) State {
	switch {
	case sa.reached(&sa.Config.Hard, now):
		sa.dead = true
		return Hard
	case sa.soft:
	case sa.reached(&sa.Config.Soft, now), !sa.Config.ESN && sa.seq > 1<<32-seqMargin:
		sa.soft = true
		return Soft
	}
	return Alive
}

func (sa *SA) reached(l *klips.Lifetime, now time.Time) bool {
	u := &sa.usage
	return l.Packets != 0 && u.Packets >= l.Packets ||
		l.Bytes != 0 && u.Bytes >= l.Bytes ||
		l.Allocations != 0 && u.Packets >= uint64(l.Allocations) ||
		l.AddTime != 0 && now.Sub(u.Added) >= l.AddTime ||
		l.UseTime != 0 && !u.FirstUse.IsZero() && now.Sub(u.FirstUse) >= l.UseTime
}
