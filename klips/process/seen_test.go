package process

import (
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
)

// TestSeenOnItsFileSystem has two files of one inode number on two file systems,
// of which one is locked: who may not open them must tell them apart.
func TestSeenOnItsFileSystem(t *testing.T) {
	lab.Isolated(t, func(t *testing.T) {
		inode := make(map[string]uint64)
		for _, dir := range []string{"/run/a", "/run/b"} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dir+"/klips.pid", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			fi, err := os.Stat(dir + "/klips.pid")
			if err != nil {
				t.Fatal(err)
			}
			inode[dir] = fi.Sys().(*syscall.Stat_t).Ino
		}
		if inode["/run/a"] != inode["/run/b"] {
			t.Fatalf("the inodes are %v, expected the same number", inode)
		}
		lock, err := Hold("/run/a/klips.pid")
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Release()
		for file, want := range map[string]bool{"/run/a/klips.pid": true, "/run/b/klips.pid": false} {
			if _, alive, err := seen(file); alive != want || err != nil {
				t.Errorf("%s is seen to be locked: %v, %v; want %v", file, alive, err, want)
			}
		}
	})
}
