package lab

import (
	"errors"
	"testing"
	"time"
)

func TestPoll(t *testing.T) {
	calls := 0
	err := Poll(10*time.Second, func() error {
		if calls++; calls < 5 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil || calls != 5 {
		t.Errorf("%d calls, %v", calls, err)
	}
	never := errors.New("never")
	if err := Poll(5*time.Millisecond, func() error { return never }); err != never {
		t.Errorf("found %v, expected the last error", err)
	}
}

func TestMachineUntil(t *testing.T) {
	m := New(t, "m")
	m.Sh(t, "rm -f /run/there; (read x < /proc/sys/kernel/random/uuid; : > /run/there) &")
	m.Until(t, "test -e /run/there")
}
