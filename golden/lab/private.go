package lab

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// private gives the calling thread's new mount namespace its own folders, as the
// package comment says, and brings up loopback. With processes, there is a new
// process namespace, too, which /proc then shows.
func private(processes bool) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("failed to make mounts private: %w", err)
	}
	if processes {
		if err := mount("proc", "/proc", ""); err != nil {
			return err
		}
	}
	// So that /sys/class/net shows this network namespace.
	if err := mount("sysfs", "/sys", ""); err != nil {
		return err
	}
	for _, step := range []func() error{run, etc, dev, loopback} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func mount(kind, where, options string) error {
	if err := unix.Mount(kind, where, kind, unix.MS_NOSUID, options); err != nil {
		return fmt.Errorf("failed to mount %s on %s: %w", kind, where, err)
	}
	return nil
}

// run mounts an empty /run, and /var/run and /var/lock where they are not links into it.
func run() error {
	if err := mount("tmpfs", "/run", "mode=755"); err != nil {
		return err
	}
	if err := os.Mkdir("/run/lock", 0o755); err != nil {
		return err
	}
	for _, dir := range []string{"/var/run", "/var/lock"} {
		if real, err := filepath.EvalSymlinks(dir); err != nil || real == "/run" || real == "/run/lock" {
			continue
		}
		if err := mount("tmpfs", dir, "mode=755"); err != nil {
			return err
		}
	}
	return nil
}

// etc mounts a layer over /etc that takes what is written, and hides files of
// ours that may be there.
func etc() error {
	const layer = "/run/.lab"
	for _, dir := range []string{layer, layer + "/upper", layer + "/work"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	if err := mount("overlay", "/etc", "lowerdir=/etc,upperdir="+layer+"/upper,workdir="+layer+"/work"); err != nil {
		return err
	}
	for _, name := range []string{"ipsec.conf", "ipsec.secrets", "ipsec.d"} {
		if err := os.RemoveAll("/etc/" + name); err != nil {
			return err
		}
	}
	return nil
}

// dev mounts a /dev with the devices that a program may expect.
func dev() error {
	if err := mount("tmpfs", "/dev", "mode=755"); err != nil {
		return err
	}
	for _, dir := range []string{"/dev/net", "/dev/shm", "/dev/pts"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	for _, node := range []struct {
		path         string
		major, minor uint32
	}{
		{"/dev/null", 1, 3}, {"/dev/zero", 1, 5}, {"/dev/full", 1, 7}, {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9},
		{"/dev/tty", 5, 0}, {"/dev/net/tun", 10, 200},
	} {
		if err := unix.Mknod(node.path, unix.S_IFCHR|0o666, int(unix.Mkdev(node.major, node.minor))); err != nil {
			return fmt.Errorf("failed to make %s: %w", node.path, err)
		}
		if err := os.Chmod(node.path, 0o666); err != nil {
			return err
		}
	}
	for link, target := range map[string]string{"/dev/fd": "/proc/self/fd", "/dev/stdin": "fd/0", "/dev/stdout": "fd/1", "/dev/stderr": "fd/2"} {
		if err := os.Symlink(target, link); err != nil {
			return err
		}
	}
	return nil
}

func loopback() error {
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("failed to bring up loopback: %w", err)
	}
	return nil
}
