package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ipsec/conf"
)

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
	paths := conf.Paths{Run: "/run/x"}
	for _, tt := range []struct {
		h    health
		want []string
	}{
		{health{pluto: true, plutoPID: 7, plutoFile: true, plutos: []int{7}}, nil},
		{health{pluto: true, plutoPID: 7, plutoFile: true, plutos: []int{7, 9}}, []string{"an illicit pluto is running (pid 9): it does not match /run/x/pluto.pid"}},
		{health{plutoFile: true, plutos: []int{9}}, []string{"an illicit pluto is running (pid 9): it does not match /run/x/pluto.pid"}},
		{health{plutos: []int{9}}, []string{"an orphaned pluto is running (pid 9): there is no /run/x/pluto.pid"}},
		{health{pluto: true, plutoFile: true, plutos: []int{9}}, nil}, // who holds the lock is not to be seen
	} {
		if got := tt.h.strays(paths); !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %q, want %q", tt.h, got, tt.want)
		}
		tt.h.lock, tt.h.info, tt.h.wantPluto = true, true, true
		if _, strange := tt.h.report(paths); strange != (tt.want != nil || !tt.h.pluto) {
			t.Errorf("%+v: strange is %t", tt.h, strange)
		}
	}
}
