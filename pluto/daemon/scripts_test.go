package daemon

import (
	"testing"
	"time"
)

// TestScriptThatHangs has a worker go while its updown command does not end.
func TestScriptThatHangs(t *testing.T) {
	s := newScripts(func(string) bool { return true }, func(outcome) {})
	s.start(script{Command: "exec sleep 60", Timeout: 10 * time.Second})
	s.start(script{Command: "exec sleep 60", Timeout: 10 * time.Second})
	began := time.Now()
	s.wait()
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the supervisor waited for %v", took)
	}
}
