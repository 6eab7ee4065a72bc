package laws

import (
	"strings"
	"testing"
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
