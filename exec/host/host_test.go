package host

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestHasNetkey(t *testing.T) {
	var system unix.Utsname
	if err := unix.Uname(&system); err != nil {
		t.Fatal(err)
	}
	const xfrm = "proc/sys/net/core/xfrm_acq_expires"
	modules := "lib/modules/" + unix.ByteSliceToString(system.Release[:])
	for _, c := range []struct {
		name  string
		files map[string]string
		want  bool
	}{
		{"nothing", nil, false},
		{"XFRM without ESP", map[string]string{xfrm: "", modules + "/modules.dep": "kernel/net/ipv6/esp6.ko:\n"}, false},
		{"loaded", map[string]string{xfrm: "", "sys/module/esp4/refcnt": ""}, true},
		{"built in", map[string]string{xfrm: "", modules + "/modules.builtin": "kernel/net/ipv4/esp4.ko\n"}, true},
		{"to be loaded", map[string]string{xfrm: "", modules + "/modules.dep": "kernel/net/ipv4/esp4.ko.xz: kernel/net/xfrm/xfrm_algo.ko.xz\n"}, true},
		{"of another kernel", map[string]string{xfrm: "", "lib/modules/0.0/modules.dep": "kernel/net/ipv4/esp4.ko:\n"}, false},
		{"no XFRM", map[string]string{"sys/module/esp4/refcnt": ""}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			for name, text := range c.files {
				path := filepath.Join(root, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got := hasNetkey(root + "/"); got != c.want {
				t.Errorf("hasNetkey = %v, want %v", got, c.want)
			}
		})
	}
}
