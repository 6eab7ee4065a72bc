package laws

import (
	"os"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// TestConfirmRefused: where there is no way back, or nothing to go back to, nothing is done.
func TestConfirmRefused(t *testing.T) {
	for _, c := range []struct{ name, happens, verb, says string }{
		{"nothing waits", "", "revert", "there is nothing to go back to"},
		{"what runs is not kept", "rm /var/run/pluto/ipsec.kept", "reload --confirm 1", "the configuration that runs is not kept"},
		{"another key", "sed -i s/0x0ddba110_/0x0ddba11f_/ /etc/ipsec.conf", "reload --confirm 1", "espauthkey of conn \"tunnel\", as it runs, is kept nowhere"},
		{"another name", "sed -i 's/conn tunnel/conn renamed/' /etc/ipsec.conf", "restart --confirm 1", "espauthkey of conn \"tunnel\", as it runs, is kept nowhere"},
		{"a folder that is read only", "mount -o bind /etc /etc && mount -o remount,ro,bind /etc", "reload --confirm 1", "read-only file system"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g, _ := confirming(t)
			if c.happens != "" {
				g.Sh(t, c.happens)
			}
			before := g.world()
			if r := g.ipsec(append([]string{"setup"}, strings.Fields(c.verb)...)...); r.status != 1 || !strings.Contains(r.stdout, c.says) {
				t.Errorf("%s: %d\n%s", c.verb, r.status, r.stdout)
			}
			same(t, c.verb, before, g.world())
			if text := g.must(0, "setup", "status"); strings.Contains(text, "confirm") {
				t.Errorf("something waits:\n%s", text)
			}
		})
	}
}

// TestConfirmIncluded: a file that includes all of ipsec.d does not include what was confirmed last.
func TestConfirmIncluded(t *testing.T) {
	t.Parallel()
	g, before := confirming(t)
	g.write("/etc/ipsec.conf", confirmTo+"include /etc/ipsec.d/*.conf\n")
	g.must(0, "setup", "reload", "--confirm", "300")
	g.must(0, "setup", "diff")
	g.must(0, "setup", "revert")
	g.back("after a revert", before)
	g.must(2, "setup", "diff")
	g.must(0, "setup", "reload")
	g.must(0, "setup", "diff")
	g.must(0, "setup", "stop")
}

// TestConfirmLate: a change that is confirmed, or stopped, is not taken back any more, though that has begun; and
// so is one where somebody has taken away what was confirmed last.
func TestConfirmLate(t *testing.T) {
	for _, c := range []struct{ name, happens, verb, status string }{
		{"confirmed", "", "confirm --force", "IPsec running"},
		{"stopped", "", "stop", "IPsec stopped"},
		{"the file is gone", "rm -r /etc/ipsec.d", "status", "IPsec running"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g, _ := confirming(t)
			g.must(0, "setup", "reload", "--confirm", "300")
			holder := strings.TrimSpace(g.Sh(t, "cat /var/run/pluto/confirm.pid"))
			busy := g.command("flock", "/var/run/pluto", "sleep", "2")
			if err := g.Start(busy); err != nil {
				t.Fatal(err)
			}
			lab.Until(t, "another setup is at work", func() bool {
				return g.do("flock", "-n", "/var/run/pluto", "true").status != 0
			})
			g.Sh(t, "kill -9 "+holder)
			if c.happens != "" {
				g.Sh(t, c.happens)
			} else {
				lab.Until(t, "the companion has the place of the process", func() bool {
					return !strings.HasPrefix(g.do("cat", "/var/run/pluto/confirm.pid").stdout, holder)
				})
				if r := g.do("setsid", "-w", bin+"/ipsec", "_disarm", "new"); r.status != 1 || !strings.Contains(r.stderr, "too late") {
					t.Errorf("a confirmation that comes late: %d\n%s%s", r.status, r.stdout, r.stderr)
				}
			}
			busy.Wait()
			lab.Until(t, c.verb, func() bool {
				return g.ipsec(append([]string{"setup"}, strings.Fields(c.verb)...)...).status == 0
			})
			lab.UntilWithin(t, 30*time.Second, "nothing waits", func() bool {
				return !g.holding()
			})
			if text := g.ipsec("setup", "status").stdout; !strings.HasPrefix(text, c.status) || strings.HasPrefix(c.status, "IPsec running") && !strings.Contains(g.ipsec("whack", "--status").stdout, `"other"`) {
				t.Errorf("it is taken back:\n%s", text)
			}
			g.ipsec("setup", "stop")
		})
	}
}

// holding reports whether a process of the gateway holds the way back.
func (g *gateway) holding() bool {
	for _, pid := range g.pids() {
		if text, err := os.ReadFile("/proc/" + pid + "/cmdline"); err == nil && strings.Contains(string(text), "\x00_hold\x00") {
			return true
		}
	}
	return false
}
