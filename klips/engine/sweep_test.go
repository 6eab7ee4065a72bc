package engine

import (
	"runtime"
	"testing"

	"ipsec/klips"
	"ipsec/klips/sadb"
	"ipsec/klips/said"
)

// TestEachGivesWay changes the tables while many SAs are gone through, which would
// hold up packets if it had to wait until the last.
func TestEachGivesWay(t *testing.T) {
	const count = 10 * eachLimit
	e := New(Options{System: quiet{}, Now: (&clock{}).Now})
	defer e.Close()
	sa := klips.SA{Src: addr("192.1.2.45"), Enc: "aesgcm16", EncKey: key(20, 1)}
	for i := range uint32(count) {
		sa.ID = said.SAID{Dst: addr("192.1.2.23"), SPI: 0x1000 + i, Proto: said.ESP}
		if err := e.AddSA(sa); err != nil {
			t.Fatal(err)
		}
	}
	added := make(chan error, 1)
	n, seen := 0, map[*sadb.SA]bool{}
	e.each(e.sas.All(), func(other *sadb.SA) {
		if n++; n == 1 {
			sa.ID.SPI = 0x100
			go func() { added <- e.AddSA(sa) }()
			for e.mu.TryRLock() { // until it waits
				e.mu.RUnlock()
				runtime.Gosched()
			}
		}
		if n == eachLimit+1 {
			if e.sas.Lookup(sa.ID) == nil {
				t.Errorf("an SA could not be added while %d others were gone through", count)
			}
		}
		seen[other] = true
	})
	if err := <-added; err != nil {
		t.Fatal(err)
	}
	if len(seen) < count || n > count+1 || n != len(seen) {
		t.Errorf("%d SAs in %d steps, want the %d that were there", len(seen), n, count)
	}
}
