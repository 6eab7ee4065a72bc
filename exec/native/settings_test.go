package native

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipsec/plan"
)

func TestSaveRestore(t *testing.T) {
	b := newBench(t, "")
	forward, ports, empty := b.settings+"ipv4/ip_forward", b.settings+"ipv4/ip_local_port_range", b.settings+"ipv4/reserved"
	write(t, forward, "0\n")
	write(t, ports, "32768\t60999\n")
	write(t, empty, "\n")
	write(t, b.paths.Info(), "defaultroutephys=eth0\n")
	all := []string{forward, b.settings + "ipv4/none", ports, empty}
	works(t, b.Save(t.Context(), plan.Save{Paths: all}))
	want := "defaultroutephys=eth0\n" + forward + "=0\n" + ports + "=32768\t60999\n" + empty + "=\n"
	if got := contents(t, b.paths.Info()); got != want {
		t.Errorf("info %q, want %q", got, want)
	}
	write(t, forward, "1\n")
	write(t, ports, "1\t2\n")
	works(t, b.Save(t.Context(), plan.Save{Paths: append(all, forward)})) // what was saved first stays
	if got := contents(t, b.paths.Info()); got != want {
		t.Errorf("info %q, want %q", got, want)
	}
	works(t, os.Remove(ports))
	works(t, b.Restore(t.Context(), plan.Restore{Paths: append(all, b.settings+"ipv4/never_saved")}))
	if got := contents(t, forward); got != "0\n" {
		t.Errorf("restored %q", got)
	}
	if _, err := os.Stat(ports); err == nil {
		t.Error("a setting that was gone was made")
	}
}

func TestSaveWithoutInfo(t *testing.T) {
	b := newBench(t, "")
	setting := b.settings + "ipv4/ip_forward"
	works(t, b.Restore(t.Context(), plan.Restore{Paths: []string{setting}}))
	works(t, b.Save(t.Context(), plan.Save{Paths: []string{setting}}))
	if _, err := os.Stat(b.paths.Info()); err == nil {
		t.Error("nothing to save made an ipsec.info")
	}
	write(t, setting, "1\n")
	works(t, b.Save(t.Context(), plan.Save{Paths: []string{setting}}))
	if got := contents(t, b.paths.Info()); got != setting+"=1\n" {
		t.Errorf("info %q", got)
	}
}

// Garbled lines are passed over with one warning each, and spoil nothing.
func TestGarbledInfo(t *testing.T) {
	b := newBench(t, "")
	one, two := b.settings+"one", b.settings+"two"
	write(t, one, "new\n")
	write(t, two, "new\n")
	write(t, b.paths.Info(), "\x00\x01\nno equals sign\n=value\n\n"+one+"=first\n"+one+"=second\nbad\x1b=x\nhalf a li")
	works(t, b.Save(t.Context(), plan.Save{Paths: []string{one, two}}))
	works(t, b.Restore(t.Context(), plan.Restore{Paths: []string{one, two}}))
	if a, b := contents(t, one), contents(t, two); a != "first\n" || b != "new\n" {
		t.Errorf("restored %q and %q", a, b)
	}
	if got := contents(t, b.paths.Info()); !strings.HasSuffix(got, "half a li\n"+two+"=new\n") {
		t.Errorf("info ends in %q", got)
	}
	if got := strings.Count(b.lines(), "warning: "+b.paths.Info()+":"); got != 5 || strings.Count(b.lines(), "\n") != 5 {
		t.Errorf("%d warnings: %s", got, b.lines())
	}
}

// Whoever can write to ipsec.info cannot make root write elsewhere.
func TestHostileSettings(t *testing.T) {
	b := newBench(t, "")
	victim := b.path("victim")
	write(t, victim, "safe\n")
	write(t, b.settings+"link/x", "")
	if err := os.Symlink(victim, b.settings+"symlink"); err != nil {
		t.Fatal(err)
	}
	paths := []string{victim, b.settings + "../victim", b.settings, b.settings + "link/", "relative", "", b.settings + "/x"}
	var info string
	for _, path := range append(paths, b.settings+"symlink") {
		info += path + "=evil\n"
	}
	write(t, b.paths.Info(), info)
	for _, path := range paths {
		fails(t, b.Save(t.Context(), plan.Save{Paths: []string{path}}), "is not a kernel setting")
		fails(t, b.Restore(t.Context(), plan.Restore{Paths: []string{path}}), "is not a kernel setting")
	}
	fails(t, b.Restore(t.Context(), plan.Restore{Paths: []string{b.settings + "symlink"}}), "symbolic link")
	if got := contents(t, victim); got != "safe\n" {
		t.Errorf("victim %q", got)
	}
	works(t, os.Remove(b.paths.Info()))
	if err := os.Symlink(victim, b.paths.Info()); err != nil {
		t.Fatal(err)
	}
	fails(t, b.Save(t.Context(), plan.Save{Paths: []string{b.settings + "link/x"}}), b.paths.Info())
}

func TestRestoreGoesOn(t *testing.T) {
	b := newBench(t, "")
	dir, good := b.settings+"dir", b.settings+"good"
	write(t, dir+"/x", "")
	write(t, good, "new\n")
	write(t, b.paths.Info(), dir+"=1\n"+good+"=old\n")
	fails(t, b.Restore(t.Context(), plan.Restore{Paths: []string{dir, good}}), dir)
	if got := contents(t, good); got != "old\n" {
		t.Errorf("restored %q", got)
	}
}

// The filter in force on a link is the larger of all and its own: on the links
// named it becomes the value, on all others it stays.
func TestRPFilter(t *testing.T) {
	type values map[string]string
	for _, c := range []struct {
		name   string
		before values
		value  string
		after  values
	}{
		{"nothing enforced", values{"all": "0", "default": "0", "eth0": "0", "eth1": "1", "ipsec0": "0"}, "0",
			values{"all": "0", "default": "0", "eth0": "0", "eth1": "1", "ipsec0": "0"}},
		{"all strict", values{"all": "1", "default": "0", "eth0": "0", "eth1": "2", "ipsec0": "1"}, "0",
			values{"all": "0", "default": "1", "eth0": "0", "eth1": "2", "ipsec0": "0"}},
		{"a link whose name has =", values{"all": "1", "default": "0", "a=b": "0", "eth0": "0", "ipsec0": "0"}, "0",
			values{"all": "0", "default": "1", "a=b": "1", "eth0": "0", "ipsec0": "0"}},
		{"all loose, wanted strict", values{"all": "2", "default": "1", "eth0": "0", "eth1": "1", "ipsec0": "0"}, "1",
			values{"all": "1", "default": "2", "eth0": "1", "eth1": "2", "ipsec0": "1"}},
		{"all less than wanted", values{"all": "0", "default": "0", "eth0": "0", "eth1": "0", "ipsec0": "0"}, "2",
			values{"all": "0", "default": "0", "eth0": "2", "eth1": "0", "ipsec0": "2"}},
		{"own larger", values{"all": "0", "default": "1", "eth0": "2", "eth1": "1", "ipsec0": "1"}, "0",
			values{"all": "0", "default": "1", "eth0": "0", "eth1": "1", "ipsec0": "0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, "")
			for link, value := range c.before {
				write(t, b.settings+"ipv4/conf/"+link+"/rp_filter", value+"\n")
			}
			works(t, b.RPFilter(t.Context(), plan.RPFilter{Value: c.value, Links: []string{"eth0", "ipsec0"}}))
			var changed []string
			for link, want := range c.after {
				path := b.settings + "ipv4/conf/" + link + "/rp_filter"
				if got := contents(t, path); got != want+"\n" {
					t.Errorf("%s is %q, want %s", link, got, want)
				}
				changed = append(changed, path)
			}
			works(t, b.Restore(t.Context(), plan.Restore{Paths: changed}))
			for link, want := range c.before {
				if got := contents(t, b.settings+"ipv4/conf/"+link+"/rp_filter"); got != want+"\n" {
					t.Errorf("restored %s to %q, want %s", link, got, want)
				}
			}
		})
	}
}

func TestRPFilterRefuses(t *testing.T) {
	b := newBench(t, "")
	setting := b.settings + "ipv4/conf/all/rp_filter"
	fails(t, b.RPFilter(t.Context(), plan.RPFilter{Value: "0", Links: []string{"eth0"}}), "reverse path filter", setting)
	write(t, setting, "1\n")
	fails(t, b.RPFilter(t.Context(), plan.RPFilter{Value: "3", Links: nil}), `"3"`)
	fails(t, b.RPFilter(t.Context(), plan.RPFilter{Value: "0", Links: []string{"../../../x"}}), "not a kernel setting")
	fails(t, b.RPFilter(t.Context(), plan.RPFilter{Value: "0", Links: []string{"eth9"}}), filepath.Dir(b.settings+"ipv4/conf/eth9/rp_filter"))
}
