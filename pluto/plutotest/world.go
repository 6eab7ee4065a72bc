package plutotest

import "time"

// Actor is what has something to do at a time: a pluto.Negotiator, a Network.
type Actor interface {
	Next() (time.Time, bool)
	Tick()
}

// World moves the clock from one thing that is to be done to the next.
type World struct {
	Clock  *Clock
	Actors []Actor
}

// Run lets d pass. It returns how many things were done.
func (w *World) Run(d time.Duration) int {
	end := w.Clock.Now().Add(d)
	for steps := 0; ; steps++ {
		var first Actor
		var at time.Time
		for _, a := range w.Actors {
			if t, ok := a.Next(); ok && (first == nil || t.Before(at)) {
				first, at = a, t
			}
		}
		if first == nil || at.After(end) {
			w.Clock.to(end)
			return steps
		}
		w.Clock.to(at)
		first.Tick()
	}
}
