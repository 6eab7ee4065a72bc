package sadb

import (
	"net/netip"
	"time"

	"ipsec/klips/ah"
	"ipsec/klips/esp"
	"ipsec/klips/said"
)

// Open authenticates and decrypts an ESP packet in place, and returns its
// payload and the protocol of that. A packet that is no good does not move the
// replay window.
func (sa *SA) Open(w *esp.Scratch, packet []byte, now time.Time) (payload []byte, next uint8, state State, err error) {
	if !sa.is(said.ESP) {
		return nil, 0, Dead, ErrDead
	}
	seq, state, err := sa.arrive(esp.Seq(packet))
	if err != nil {
		return nil, 0, state, err
	}
	payload, next, err = sa.esp.Open(w, packet, uint32(seq>>32))
	if err != nil {
		sa.failed(err == esp.ErrAuth)
		return nil, 0, Alive, err
	}
	if state, err = sa.accept(seq, len(payload), now); err != nil {
		return nil, 0, state, err
	}
	return payload, next, state, nil
}

// Verify checks the AH of an IP packet, whose sequence number is seq, and
// returns the packet without it, in place.
func (sa *SA) Verify(packet []byte, seqLow uint32, now time.Time) ([]byte, State, error) {
	if !sa.is(said.AH) {
		return nil, Dead, ErrDead
	}
	seq, state, err := sa.arrive(seqLow)
	if err != nil {
		return nil, state, err
	}
	bare, err := sa.ah.Verify(packet, uint32(seq>>32))
	if err != nil {
		sa.failed(err == ah.ErrAuth)
		return nil, Alive, err
	}
	if state, err = sa.accept(seq, len(bare), now); err != nil {
		return nil, state, err
	}
	return bare, state, nil
}

// arrive returns the full sequence number of a packet whose ICV is still to be
// checked, or why it need not be. The guess of the high half holds however far the
// window moves meanwhile: it goes into the ICV, so that a packet is authentic
// only under the number that it was sent with.
func (sa *SA) arrive(low uint32) (uint64, State, error) {
	sa.mu.Lock()
	dead := sa.dead
	seq, fresh := sa.window.Check(low)
	if !dead && !fresh {
		sa.replayErrors++
	}
	sa.mu.Unlock() // no defer, which is felt where it is for each packet
	switch {
	case dead:
		return 0, Dead, ErrDead
	case !fresh:
		return 0, Alive, ErrReplay
	}
	return seq, Alive, nil
}

// accept marks the number of a packet that is authentic, and counts it. Since
// arrive another packet of the number may have come, or the SA's last.
func (sa *SA) accept(seq uint64, size int, now time.Time) (state State, err error) {
	sa.mu.Lock()
	switch {
	case sa.dead:
		state, err = Dead, ErrDead
	case !sa.window.Update(seq):
		sa.replayErrors++
		err = ErrReplay
	default:
		state = sa.count(One(size), now)
	}
	sa.mu.Unlock()
	return state, err
}

// Decompress appends to dst what the IPCOMP packet holds, within the capacity
// of dst, and returns it with its protocol.
func (sa *SA) Decompress(dst, packet []byte, now time.Time) ([]byte, uint8, State, error) {
	if sa.comp == nil {
		return nil, 0, Dead, ErrDead
	}
	payload, next, err := sa.comp.Decompress(dst, packet)
	if err != nil {
		sa.failed(false)
		return nil, 0, Alive, err
	}
	state := sa.Pass(len(payload), now)
	if state == Dead {
		return nil, 0, Dead, ErrDead
	}
	return payload, next, state, nil
}

func (sa *SA) failed(auth bool) {
	sa.mu.Lock()
	defer sa.mu.Unlock()
	if auth {
		sa.authErrors++
	} else {
		sa.usage.otherErrors++
	}
}

// PolicyError counts a packet that came out of the SA and should not have.
func (sa *SA) PolicyError() {
	sa.mu.Lock()
	sa.usage.policyErrors++
	sa.mu.Unlock()
}

// Moved notes where an authentic packet of ESP came from, and where the one before
// did, if that is known and was elsewhere.
func (sa *SA) Moved(from netip.AddrPort) (old netip.AddrPort, moved bool) {
	sa.mu.Lock()
	defer sa.mu.Unlock()
	if sa.peer != nil {
		old = *sa.peer
	} else {
		old = netip.AddrPortFrom(sa.Config.Src, sa.Config.Encap.SrcPort)
		sa.peer = new(netip.AddrPort)
	}
	*sa.peer = from
	known := old.IsValid() && !old.Addr().IsUnspecified()
	return old, known && old != from
}
