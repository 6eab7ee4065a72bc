package xdp

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A ring is one of the four queues that a socket shares with the kernel: a number
// of entries, a power of two, which one side puts in and the other takes out. It
// is for one goroutine at a time.
type ring[T any] struct {
	producer, consumer *uint32 // the kernel's, which never stop counting
	flags              *uint32
	entries            []T
	mask               uint32

	next  uint32 // of the entries, for us to put in or take out
	known uint32 // how far the other side was when we last looked
	area  []byte
}

// mapRing maps a ring of the socket.
func mapRing[T any](fd int, offset int64, o unix.XDPRingOffset, count int) (ring[T], error) {
	var entry T
	size := int(o.Desc) + count*int(unsafe.Sizeof(entry))
	area, err := unix.Mmap(fd, offset, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return ring[T]{}, err
	}
	word := func(at uint64) *uint32 { return (*uint32)(unsafe.Pointer(&area[at])) }
	return ring[T]{
		producer: word(o.Producer),
		consumer: word(o.Consumer),
		flags:    word(o.Flags),
		entries:  unsafe.Slice((*T)(unsafe.Pointer(&area[o.Desc])), count),
		mask:     uint32(count - 1),
		area:     area,
	}, nil
}

func (r *ring[T]) unmap() {
	if r.area != nil {
		_ = unix.Munmap(r.area) // it is a mapping of ours
		r.area = nil
	}
}

// filled returns how many entries there are to take, of a ring that the kernel
// puts in, up to most.
func (r *ring[T]) filled(most int) int {
	if r.known-r.next < uint32(most) {
		r.known = atomic.LoadUint32(r.producer)
	}
	return min(most, int(r.known-r.next))
}

// take returns the next entry; there must be one.
func (r *ring[T]) take() T {
	e := r.entries[r.next&r.mask]
	r.next++
	return e
}

// taken gives the room of what was taken back to the kernel.
func (r *ring[T]) taken() { atomic.StoreUint32(r.consumer, r.next) }

// room returns how many entries may be put in, of a ring that the kernel takes
// out of, up to most.
func (r *ring[T]) room(most int) int {
	size := uint32(len(r.entries))
	if size-(r.next-r.known) < uint32(most) {
		r.known = atomic.LoadUint32(r.consumer)
	}
	return min(most, int(size-(r.next-r.known)))
}

// put puts an entry in; there must be room.
func (r *ring[T]) put(e T) {
	r.entries[r.next&r.mask] = e
	r.next++
}

// submit shows what was put in to the kernel.
func (r *ring[T]) submit() { atomic.StoreUint32(r.producer, r.next) }

// left returns how many entries the kernel has not taken out yet.
func (r *ring[T]) left() int {
	r.known = atomic.LoadUint32(r.consumer)
	return int(r.next - r.known)
}

// wants reports whether the kernel has to be told of what was put in.
func (r *ring[T]) wants() bool { return atomic.LoadUint32(r.flags)&unix.XDP_RING_NEED_WAKEUP != 0 }
