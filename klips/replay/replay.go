// Package replay remembers which sequence numbers of an inbound SA have come:
// the anti-replay window of RFC 4303, section 3.4.3, kept as RFC 6479 does it,
// in a ring of words where moving forward clears words instead of shifting
// bits; and, for extended sequence numbers, the guess of their high half,
// RFC 4303, appendix A.
//
// A packet goes through twice. Check, on arrival, says what its full sequence
// number must be and turns away what has been seen; Update, after its ICV was
// found right, looks again and marks it. Nothing but Update moves the window.
package replay

import "fmt"

// The sizes of a window, in packets. Zero is allowed too and turns it off.
const (
	MinSize = 32
	MaxSize = 4096
)

const wordBits = 64

// A Window is the state of one SA. The zero value checks nothing, for 32-bit
// sequence numbers. It has no lock of its own: the caller holds one across
// each call, not across the decryption between Check and Update.
type Window struct {
	size uint16
	esn  bool
	top  uint64   // the highest sequence number marked
	ring []uint64 // a bit for each number: one word more than the window, RFC 6479, section 2
}

// Init makes w the window of a new SA that remembers size sequence numbers.
// Size is 0, for none, or from MinSize to MaxSize.
func (w *Window) Init(size int, esn bool) error {
	if size != 0 && (size < MinSize || size > MaxSize) {
		return fmt.Errorf("replay window of %d, expected 0 or %d to %d", size, MinSize, MaxSize)
	}
	*w = Window{size: uint16(size), esn: esn}
	if size > 0 {
		w.ring = make([]uint64, (size+wordBits-1)/wordBits+1)
	}
	return nil
}

// Top returns the highest sequence number that was marked, 0 at first.
func (w *Window) Top() uint64 { return w.top }

// Check returns the full sequence number of a packet that carries the low half
// low, and whether it is neither old nor seen. Number zero is never sent. With
// ESN the number is the one that low can stand for in the 2³² numbers that
// start at the lower end of the window. Without a window there is no lower
// end, and it is the one nearest to the top.
func (w *Window) Check(low uint32) (seq uint64, ok bool) {
	seq = uint64(low)
	if w.esn {
		reach := uint64(1) << 31
		if w.size > 0 {
			reach = uint64(w.size) - 1
		}
		bottom := w.top - min(reach, w.top)
		seq = bottom + uint64(low-uint32(bottom))
		if seq < bottom {
			return seq, false // past 2⁶⁴-1
		}
	}
	return seq, w.fresh(seq)
}

// Update marks seq, which Check returned for a packet whose ICV was right
// since, and reports whether it still is neither old nor seen: another packet
// of the same number may have come between. Where it is, the packet is good.
func (w *Window) Update(seq uint64) bool {
	if !w.fresh(seq) {
		return false
	}
	if seq > w.top {
		last := w.top / wordBits
		for n := min(seq/wordBits-last, uint64(len(w.ring))); n > 0; n-- {
			last++
			w.ring[last%uint64(len(w.ring))] = 0
		}
		w.top = seq
	}
	if w.size > 0 {
		word, bit := w.at(seq)
		*word |= bit
	}
	return true
}

func (w *Window) fresh(seq uint64) bool {
	if seq == 0 && (w.size > 0 || w.esn) {
		return false
	}
	if w.size == 0 || seq > w.top {
		return true
	}
	if w.top-seq >= uint64(w.size) {
		return false
	}
	word, bit := w.at(seq)
	return *word&bit == 0
}

func (w *Window) at(seq uint64) (word *uint64, bit uint64) {
	return &w.ring[seq/wordBits%uint64(len(w.ring))], 1 << (seq % wordBits)
}
