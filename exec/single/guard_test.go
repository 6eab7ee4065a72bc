package single

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

// One at a time has the guard of a folder; nobody waits for it for ever, and
// none is needed where the folder above is not there.
func TestGuard(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	release := guard(t.Context(), run)
	second := make(chan func())
	go func() { second <- guard(t.Context(), run) }()
	select {
	case <-second:
		t.Error("two have the guard")
	case <-time.After(50 * time.Millisecond):
	}
	release()
	release = <-second

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	guard(ctx, run)() // does without
	begin := time.Now()
	guard(t.Context(), run)()
	if took := time.Since(begin); took < patience {
		t.Errorf("it was waited for %v, expected %v", took, patience)
	}
	release()
	guard(t.Context(), filepath.Join(run, "none", "run"))()
}
