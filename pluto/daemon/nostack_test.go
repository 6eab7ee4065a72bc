package daemon

import (
	"net/netip"
	"testing"

	"ipsec/pluto/connection"
	"ipsec/pluto/daemon/stack"
	"ipsec/pluto/plutotest"
)

// noStack is protostack=none.
func noStack(t *testing.T) *stack.Stack {
	t.Helper()
	s, err := stack.None(stack.Surroundings{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestNoStack routes a connection where there is no interface to lead packets into.
func TestNoStack(t *testing.T) {
	w := &worker{Worker: Worker{Options: Options{Dir: t.TempDir(), Secrets: "/dev/null"}, Stack: stack.None, Log: func(line string) { t.Log(line) }}}
	if err := w.build(); err != nil {
		t.Fatal(err)
	}
	w.table.Listen([]connection.Address{{Addr: netip.MustParseAddr("192.0.2.1")}})
	if err := w.table.Add(plutotest.Conn("net", "192.0.2.1", "10.1.0.0/16", "192.0.2.9", "10.2.0.0/16")); err != nil {
		t.Fatal(err)
	}
	if err := w.table.Route("net"); err != nil {
		t.Error(err)
	}
}
