package lab

import (
	"strings"
	"testing"
	"time"
)

// What has settled has its routes, and a link that never settles is not waited for.
func TestSettle(t *testing.T) {
	NeedProgram(t, "ip")
	m := New(t, "settled")
	for range 2 {
		out := m.Sh(t, `
			ip link add v0 type veth peer name v1
			ip addr add 2001:db8::1/64 dev v0
			ip addr add 2001:db8::2/64 dev v1 nodad
			ip link set v0 up; ip link set v1 up
			`+Settle+`
			ip link; ip -6 route show table local
			ip link del v0`)
		for _, want := range []string{"local 2001:db8::1 dev v0 ", "local 2001:db8::2 dev v1 "} {
			if !strings.Contains(out, want) || strings.Contains(out, "NO-CARRIER") {
				t.Fatalf("want %q and a carrier:\n%s", want, out)
			}
		}
	}
	begin := time.Now()
	m.Sh(t, `
		ip link add v0 type veth peer name v1
		ip addr add 2001:db8::1/64 dev v0
		ip link set v0 up
		`+Settle)
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("without a carrier it took %v", took)
	}
}
