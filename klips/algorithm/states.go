package algorithm

import "sync"

// States is for an algorithm whose implementation keeps something from call to
// call, so that each goroutine needs one of its own: it keeps those that nobody
// uses at the moment, and makes another where there is none. An SA so has as many
// as goroutines have ever worked on it at once, mostly one. It is for any number
// of goroutines.
type States[T any] struct {
	another func() T

	mu   sync.Mutex // guards what follows
	idle []T
}

// NewStates returns States with a first one. The function makes another, and must
// not fail.
func NewStates[T any](first T, another func() T) *States[T] {
	return &States[T]{another: another, idle: []T{first}}
}

// Get returns one for the caller alone, until Put.
func (s *States[T]) Get() T {
	s.mu.Lock()
	n := len(s.idle) - 1
	if n < 0 {
		s.mu.Unlock()
		return s.another()
	}
	t := s.idle[n]
	s.idle = s.idle[:n]
	s.mu.Unlock()
	return t
}

// Put gives back what Get returned.
func (s *States[T]) Put(t T) {
	s.mu.Lock()
	s.idle = append(s.idle, t)
	s.mu.Unlock()
}
