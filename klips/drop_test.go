package klips

import "testing"

// TestDropReasons has words for each reason, by which it is found again.
func TestDropReasons(t *testing.T) {
	for r := range DropReasons {
		if got, ok := ParseDropReason(r.String()); r.String() == "" || got != r || !ok {
			t.Errorf("%d: %q is %d, %v", r, r, got, ok)
		}
	}
	if r, ok := ParseDropReason("for no reason"); ok {
		t.Errorf("unknown words are %v", r)
	}
}
