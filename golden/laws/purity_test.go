package laws

import (
	"fmt"
	"strings"
	"testing"
)

// TestPurity prints plans as root and as nobody, where there is next to
// nothing: the same bytes, and nothing changes.
func TestPurity(t *testing.T) {
	text := "version 2.0\n\nconfig setup\n\tforwardcontrol=yes\n" + tunnel + transport + tunnel6 + shunts + updown + negotiated
	for _, c := range []struct{ name, prepare, during string }{
		{"stopped", "", ""},
		{"running", bin + "/ipsec setup start >/dev/null", ""},
		{"after a crash", bin + "/ipsec setup start >/dev/null; kill -9 $(cat /var/run/pluto/pluto.pid) $(cat /var/run/pluto/klips.pid); flock /var/run/pluto/klips.pid true; flock /var/run/pluto/pluto.pid true", ""},
		{"bare", "", "rm -rf /dev/net /dev/random /dev/urandom /dev/shm /dev/tty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, text, crooked+c.prepare)
			// Nothing can be written to, and nobody listens to syslog.
			g.Sh(t, c.during+`
				for m in $(awk '{ print $2 }' /proc/mounts | sort -u); do
					case $m in /etc|/run|/dev|/tmp|/var/*) mount --bind "$m" "$m"; mount -o remount,ro,bind "$m" ;; esac
				done
				mount -o remount,ro,bind /
				! touch /var/run/x /etc/x /dev/x /tmp/x 2>/dev/null`)
			before, tables := g.state(), g.tables()
			for _, verb := range []string{"start", "stop", "restart"} {
				for _, format := range []string{"text", "sh", "json"} {
					args := []string{"setup", "--showonly", "--format", format, verb}
					root := g.ipsec(args...)
					anyone := g.as(nobody).ipsec(args...)
					what := fmt.Sprint(args)
					if root.status != 0 && c.name != "bare" || root.stdout == "" && root.stderr == "" {
						t.Errorf("%s: status %d\n%s", what, root.status, root.stderr)
					}
					if root != anyone {
						same(t, what+", of root and of nobody", fmt.Sprintf("%+v", root), fmt.Sprintf("%+v", anyone))
					}
				}
			}
			facts, anyones := g.ipsec("facts"), g.as(nobody).ipsec("facts")
			if facts != anyones || facts.status != 0 {
				same(t, "facts of root and of nobody", fmt.Sprintf("%+v", facts), fmt.Sprintf("%+v", anyones))
			}
			same(t, "before and after", before, g.state())
			same(t, "KLIPS before and after", tables, g.tables())
		})
	}
}

// TestPermission has nobody run verbs: nothing happens.
func TestPermission(t *testing.T) {
	t.Parallel()
	g := newGateway(t, setup+tunnel, "")
	log := g.syslog()
	before := g.state()
	for _, verb := range []string{"start", "stop", "restart"} {
		r := g.as(nobody).ipsec("setup", verb)
		if r.status != 1 || !strings.Contains(r.stdout, "permission denied (must be superuser)") {
			t.Errorf("%s: status %d\n%s%s", verb, r.status, r.stdout, r.stderr)
		}
	}
	log.take()
	same(t, "before and after", before, g.state())
}
