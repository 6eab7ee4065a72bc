package alarm_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ipsec/pluto/alarm"
)

var start = time.Unix(1000, 0)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// TestRing has the alarm with the earliest deadline ring all that is due of it, and of two with
// the same the one with the lower serial number.
func TestRing(t *testing.T) {
	var q alarm.Queue[string]
	if _, any := q.Next(); any {
		t.Error("an empty queue awaits something")
	}
	a := &alarm.Alarm[string]{Owner: "a", Serial: 1}
	b := &alarm.Alarm[string]{Owner: "b", Serial: 2}
	q.Set(b, 0, at(5))
	q.Set(a, 3, at(5))
	q.Set(a, 1, at(5))
	q.Set(b, 2, at(1))
	q.Set(b, 4, at(9))
	q.Set(a, 0, at(2))
	q.Set(a, 0, time.Time{}) // taken back
	if next, _ := q.Next(); !next.Equal(at(1)) {
		t.Errorf("next %v, expected %v", next, at(1))
	}
	var rang []string
	q.Ring(at(5), func(owner string, kind uint8) { rang = append(rang, fmt.Sprint(owner, kind)) })
	if want := []string{"b0", "b2", "a1", "a3"}; !slices.Equal(rang, want) {
		t.Errorf("%v, expected %v", rang, want)
	}
	if when := b.When(4); !when.Equal(at(9)) {
		t.Errorf("b4 at %v, expected %v", when, at(9))
	}
	if when := a.When(1); !when.IsZero() {
		t.Errorf("a1, which has rung, is at %v", when)
	}
	q.Clear(b)
	if _, any := q.Next(); any {
		t.Error("a queue whose alarms are cleared awaits something")
	}
}

// TestRingChanges has the owner set and take back deadlines while they ring.
func TestRingChanges(t *testing.T) {
	var q alarm.Queue[string]
	a := &alarm.Alarm[string]{Owner: "a"}
	q.Set(a, 0, at(1))
	q.Set(a, 1, at(1))
	var rang []string
	q.Ring(at(3), func(owner string, kind uint8) {
		rang = append(rang, fmt.Sprint(owner, kind))
		switch kind {
		case 0:
			q.Set(a, 1, time.Time{})
			q.Set(a, 2, at(2)) // due as well
			q.Set(a, 3, at(4)) // not yet
		}
	})
	if want := []string{"a0", "a2"}; !slices.Equal(rang, want) {
		t.Errorf("%v, expected %v", rang, want)
	}
}

// TestRandom compares the queue with a list that is sorted each time.
func TestRandom(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		var q alarm.Queue[int]
		alarms := make([]*alarm.Alarm[int], 20)
		for i := range alarms {
			alarms[i] = &alarm.Alarm[int]{Owner: i, Serial: i}
		}
		for range 500 {
			q.Set(alarms[r.IntN(len(alarms))], uint8(r.IntN(alarm.Kinds)), at(r.IntN(100)))
			if r.IntN(10) == 0 {
				q.Clear(alarms[r.IntN(len(alarms))])
			}
			var earliest time.Time
			for _, a := range alarms {
				for kind := range uint8(alarm.Kinds) {
					if w := a.When(kind); !w.IsZero() && (earliest.IsZero() || w.Before(earliest)) {
						earliest = w
					}
				}
			}
			if next, any := q.Next(); any != !earliest.IsZero() || any && !next.Equal(earliest) {
				t.Fatalf("seed %d: next %v, expected %v", seed, next, earliest)
			}
		}
	}
}
