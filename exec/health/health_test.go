package health

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ipsec/conf"
)

func write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// entry makes one process of a /proc.
func entry(t *testing.T, proc, pid, exe, net, env string, words ...string) {
	t.Helper()
	dir := filepath.Join(proc, pid)
	if err := os.MkdirAll(dir+"/ns", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/cmdline", strings.Join(words, "\x00")+"\x00", 0o644)
	write(t, dir+"/environ", env+"\x00", 0o644)
	for name, target := range map[string]string{"exe": exe, "ns/net": net} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPlutos(t *testing.T) {
	proc := t.TempDir()
	ours, other := filepath.Join(proc, "ipsec"), filepath.Join(proc, "other")
	write(t, ours, "", 0o755)
	write(t, other, "", 0o755)
	const here = "net:[1]"
	const run = "/var/run/pluto"
	entry(t, proc, "self", ours, here, "", "ipsec", "setup", "status")
	entry(t, proc, "100", ours, here, "", "ipsec", "pluto", "--ctlbase", run+"/pluto", "--nofork")
	entry(t, proc, "101", ours, here, "", "ipsec", "pluto", "--ctlbase", run+"/pluto", "--nofork", "--worker")
	entry(t, proc, "102", ours, here, "", "ipsec", "pluto", "--nofork")
	entry(t, proc, "103", ours, here, "", "ipsec", "pluto") // starts one
	entry(t, proc, "104", ours, "net:[2]", "", "ipsec", "pluto", "--nofork")
	entry(t, proc, "105", other, here, "", "ipsec", "pluto", "--nofork")
	entry(t, proc, "106", ours, here, "A=b\x00IPSEC_RUNDIR=/run/b", "ipsec", "pluto", "--nofork")
	entry(t, proc, "107", ours, here, "", "ipsec", "klips", "--nofork")
	entry(t, proc, "108", ours, here, "", "vi", "pluto.go")
	write(t, filepath.Join(proc, "uptime"), "1 1\n", 0o644)
	if got := plutos(proc, conf.Paths{Run: run}); !slices.Equal(got, []int{100, 102}) {
		t.Errorf("found %v", got)
	}
	if got := plutos(proc, conf.Paths{Run: "/run/b"}); !slices.Equal(got, []int{106}) {
		t.Errorf("found %v", got)
	}
}

// A Pluto that does not match its lock file is illicit, and one without a lock
// file an orphan; see ipsec_setup(8).
func TestStrangePlutos(t *testing.T) {
	for _, tt := range []struct {
		h    Health
		want []string
	}{
		{Health{Pluto: true, PlutoPID: 7, PlutoFile: true, Plutos: []int{7}}, nil},
		{Health{Pluto: true, PlutoPID: 7, PlutoFile: true, Plutos: []int{7, 9}}, []string{"an illicit pluto is running (pid 9): it does not match /run/x/pluto.pid"}},
		{Health{PlutoFile: true, Plutos: []int{9}}, []string{"an illicit pluto is running (pid 9): it does not match /run/x/pluto.pid"}},
		{Health{Plutos: []int{9}}, []string{"an orphaned pluto is running (pid 9): there is no /run/x/pluto.pid"}},
		{Health{Pluto: true, PlutoFile: true, Plutos: []int{9}}, nil}, // who holds the lock is not to be seen
	} {
		tt.h.Paths.Run = "/run/x"
		if got := tt.h.strays(); !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %q, want %q", tt.h, got, tt.want)
		}
		tt.h.Setup, tt.h.Info, tt.h.WantPluto = true, true, true
		if _, strange := tt.h.Report(); strange != (tt.want != nil || !tt.h.Pluto) {
			t.Errorf("%+v: strange is %t", tt.h, strange)
		}
	}
}

// TestReport has the lines of ipsec setup status and its exit status.
func TestReport(t *testing.T) {
	paths := conf.Paths{Run: "/run/x"}
	running := Health{Paths: paths, Super: true, Setup: true, Info: true, Klips: true, WantKlips: true,
		Pluto: true, WantPluto: true, PlutoPID: 7, PlutoFile: true, Plutos: []int{7}, Tunnels: 2}
	for _, tt := range []struct {
		name    string
		h       Health
		change  func(*Health)
		strange bool
		want    []string
	}{
		{"running", running, func(*Health) {}, false, []string{"IPsec running", "pluto pid 7", "2 tunnels up"}},
		{"nobody asks", running, func(h *Health) { h.Super, h.Tunnels = false, -1 }, false,
			[]string{"IPsec running", "pluto pid 7", "tunnels up: only the superuser may ask"}},
		{"no Pluto wanted", running, func(h *Health) { h.Pluto, h.WantPluto, h.PlutoFile, h.Plutos = false, false, false, nil }, false,
			[]string{"IPsec running", "no pluto is wanted (pluto=no)", "2 tunnels up"}},
		{"no stack wanted", running, func(h *Health) { h.Klips, h.WantKlips, h.Tunnels = false, false, -1 }, false,
			[]string{"IPsec running", "pluto pid 7"}},
		{"KLIPS is dead", running, func(h *Health) { h.Klips = false }, true, []string{"IPsec running", "but...", "no KLIPS is running"}},
		{"KLIPS is silent", running, func(h *Health) { h.Tunnels, h.TunnelsErr = -1, errors.New("no answer") }, true,
			[]string{"IPsec running", "but...", "KLIPS does not answer: no answer"}},
		{"Pluto is dead", running, func(h *Health) { h.Pluto, h.PlutoPID, h.Plutos = false, 0, nil }, true,
			[]string{"IPsec running", "but...", "/run/x/pluto.pid is there, but no pluto is running"}},
		{"Pluto is not wanted", running, func(h *Health) { h.WantPluto = false }, true,
			[]string{"IPsec running", "but...", "pluto is running (pid 7), but pluto=no"}},
		{"a route is gone", running, func(h *Health) { h.Missing = []string{"the route to 10.0.2.0/24 over ipsec0 is gone"} }, true,
			[]string{"IPsec running", "but...", "the route to 10.0.2.0/24 over ipsec0 is gone"}},
		{"a rule looks at ESP", running, func(h *Health) { h.Watched = []Watched{{"wan", "rule 7"}} }, false,
			[]string{"IPsec running", "pluto pid 7", "2 tunnels up", "ESP on wan is kept from AF_XDP: rule 7 could look at it; AF_XDP would carry about 1.5 times as much"}},
		{"stopped", Health{Paths: paths, WantKlips: true, WantPluto: true, Tunnels: -1}, func(*Health) {}, false, []string{"IPsec stopped"}},
		{"left behind", Health{Paths: paths, Tunnels: -1}, func(h *Health) { h.Info, h.PlutoFile, h.Interfaces = true, true, []string{"ipsec0"} }, true,
			[]string{"IPsec stopped", "but...", "/run/x/pluto.pid is there", "/run/x/ipsec.info is there", "the interface ipsec0 is there"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.change(&tt.h)
			if got, strange := tt.h.Report(); !slices.Equal(got, tt.want) || strange != tt.strange {
				t.Errorf("%q, strange %t; want %q, %t", got, strange, tt.want, tt.strange)
			}
		})
	}
}
