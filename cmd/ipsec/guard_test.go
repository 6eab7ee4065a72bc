package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

// One at a time has the guard of a folder; nobody waits for it for ever, and
// none is needed where the folder above is not there.
func TestGuardFolder(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	release := guardFolder(t.Context(), run)
	second := make(chan func())
	go func() { second <- guardFolder(t.Context(), run) }()
	select {
	case <-second:
		t.Error("two have the guard")
	case <-time.After(50 * time.Millisecond):
	}
	release()
	release = <-second

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	guardFolder(ctx, run)() // does without
	begin := time.Now()
	guardFolder(t.Context(), run)()
	if took := time.Since(begin); took < guardPatience {
		t.Errorf("it was waited for %v, expected %v", took, guardPatience)
	}
	release()
	guardFolder(t.Context(), filepath.Join(run, "none", "run"))()
}
