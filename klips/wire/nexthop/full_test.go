package nexthop

import (
	"fmt"
	"net"
	"testing"
)

// TestFull has the kernel announce more than there is room for before anything is
// read: what it then has still to say is older than what it answers.
func TestFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.table.Close()
	err := w.machine.Do(func() error {
		link, err := net.InterfaceByName("eth0")
		if err == nil {
			w.table, err = newTable(link.Index)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.table.Close)
	near := w.mac(w.machine)
	const last = 0xfff
	w.machine.Sh(t, `for n in $(seq `+fmt.Sprint(last)+`); do
		printf 'neigh replace 192.0.2.2 lladdr 02:00:00:00:%02x:%02x dev eth0 nud permanent\n' $((n / 256)) $((n % 256))
	done | ip -batch -`)
	w.table.run()
	w.untilHeader("192.0.2.2", fmt.Sprintf("02000000%04x%x0800", last, near))
	// Once it knows of what came later it has heard all.
	w.machine.Sh(t, "ip neigh replace 192.0.2.3 lladdr 02:00:00:00:00:01 dev eth0 nud permanent")
	w.untilHeader("192.0.2.3", fmt.Sprintf("020000000001%x0800", near))
	w.untilHeader("192.0.2.2", fmt.Sprintf("02000000%04x%x0800", last, near))
}
