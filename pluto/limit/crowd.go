package limit

import (
	"container/heap"
	"container/list"
	"net/netip"
)

// Neighbourhood returns the addresses that count as one, since one sender may well have any of
// them: the address itself, or in IPv6 its /64.
func Neighbourhood(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits)
	return p
}

// Crowd is what strangers have made us keep, with its size in bytes. There is one bound for all
// of it, and whoever goes beyond it makes room at the cost of the neighbourhood that has most: there,
// the oldest goes. So many who send little are not driven out by few who send much.
type Crowd[T any] struct {
	most, size, members int
	groups              map[netip.Prefix]*group[T]
	largest             largest[T]
}

// A Member is something that is kept.
type Member[T any] struct {
	Value T
	size  int
	of    *group[T]
	place *list.Element
}

// group is the members of one neighbourhood, the oldest first.
type group[T any] struct {
	from  netip.Prefix
	size  int
	list  list.List // of *Member[T]
	index int       // in largest
}

// NewCrowd returns an empty Crowd of at most so many bytes.
func NewCrowd[T any](most int) *Crowd[T] {
	return &Crowd[T]{most: most, groups: map[netip.Prefix]*group[T]{}}
}

// Size returns how many bytes all members have.
func (c *Crowd[T]) Size() int { return c.size }

// Len returns how many members there are.
func (c *Crowd[T]) Len() int { return c.members }

// Count returns how many are from the neighbourhood of an address.
func (c *Crowd[T]) Count(a netip.Addr) int {
	if g := c.groups[Neighbourhood(a)]; g != nil {
		return g.list.Len()
	}
	return 0
}

// Add takes a member in. Excess tells who has to go for it.
func (c *Crowd[T]) Add(from netip.Addr, v T, size int) *Member[T] {
	p := Neighbourhood(from)
	g := c.groups[p]
	if g == nil {
		g = &group[T]{from: p}
		c.groups[p] = g
		heap.Push(&c.largest, g)
	}
	m := &Member[T]{Value: v, of: g}
	m.place = g.list.PushBack(m)
	c.members++
	c.Resize(m, size)
	return m
}

// Resize says how many bytes a member has now.
func (c *Crowd[T]) Resize(m *Member[T], size int) {
	if m.of == nil {
		return
	}
	c.size += size - m.size
	m.of.size += size - m.size
	m.size = size
	heap.Fix(&c.largest, m.of.index)
}

// Remove lets a member go. Nothing is kept of a neighbourhood without any.
func (c *Crowd[T]) Remove(m *Member[T]) {
	g := m.of
	if g == nil {
		return
	}
	c.Resize(m, 0)
	m.of = nil
	c.members--
	if g.list.Remove(m.place); g.list.Len() == 0 {
		heap.Remove(&c.largest, g.index)
		delete(c.groups, g.from)
	}
}

// Excess returns who has to go, as long as there is more than may be.
func (c *Crowd[T]) Excess() (*Member[T], bool) {
	if c.size <= c.most || c.members == 0 {
		return nil, false
	}
	return c.largest[0].list.Front().Value.(*Member[T]), true
}

// largest is a heap of the neighbourhoods, the one with most bytes first.
type largest[T any] []*group[T]

func (l largest[T]) Len() int           { return len(l) }
func (l largest[T]) Less(i, j int) bool { return l[i].size > l[j].size }
func (l largest[T]) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].index, l[j].index = i, j
}

func (l *largest[T]) Push(x any) {
	g := x.(*group[T])
	g.index = len(*l)
	*l = append(*l, g)
}

func (l *largest[T]) Pop() any {
	last := len(*l) - 1
	g := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	return g
}
