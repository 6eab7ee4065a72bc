package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Machine is a network namespace and a mount namespace. Its methods may be
// called by many goroutines.
type Machine struct {
	Name string
	net  *os.File
	mnt  *os.File
}

// New returns a new machine. It ends with the test, and every process in its
// network namespace is killed then.
func New(t testing.TB, name string) *Machine {
	t.Helper()
	NeedRoot(t)
	m := &Machine{Name: name}
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS); err != nil {
			return err
		}
		if err := private(false); err != nil {
			return err
		}
		var err error
		if m.net, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			return err
		}
		m.mnt, err = os.Open("/proc/thread-self/ns/mnt")
		return err
	})
	if err == unix.EPERM {
		Missing(t, "this test needs to make namespaces: %v", err)
	}
	if err != nil {
		t.Fatalf("failed to make machine %s: %v", name, err)
	}
	t.Cleanup(func() {
		if err := m.end(); err != nil {
			t.Errorf("failed to end machine %s: %v", name, err)
		}
	})
	return m
}

// onThread runs f on a thread of its own, which ends with f, so that no other
// goroutine runs in its namespaces.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock
		done <- f()
	}()
	return <-done
}

// Do runs f in the machine, with "/" as the working folder, and returns its
// error. Goroutines that f starts are not in the machine; processes are. f must
// not end its goroutine, as t.Fatal does.
func (m *Machine) Do(f func() error) error {
	return onThread(func() error {
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return fmt.Errorf("failed to enter %s: %w", m.Name, err)
		}
		if err := unix.Setns(int(m.mnt.Fd()), unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("failed to enter the mounts of %s: %w", m.Name, err)
		}
		if err := unix.Setns(int(m.net.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("failed to enter the network of %s: %w", m.Name, err)
		}
		return f()
	})
}

// Start starts a command in the machine. The caller waits for it.
func (m *Machine) Start(cmd *exec.Cmd) error { return m.Do(cmd.Start) }

// Try runs a command in the machine and returns what it printed, on stdout and
// on stderr.
func (m *Machine) Try(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := m.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	return out.String(), err
}

// Run is like Try, and fails the test where the command fails.
func (m *Machine) Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := m.Try(name, args...)
	if err != nil {
		t.Fatalf("%s: %s %q: %v\n%s", m.Name, name, args, err, out)
	}
	return out
}

// Sh runs a script for /bin/sh, which ends at the first command that fails, as Run
// does.
func (m *Machine) Sh(t testing.TB, script string) string {
	t.Helper()
	return m.Run(t, "/bin/sh", "-ec", script)
}

// Connect lays a cable between two machines, and brings up both its ends.
func Connect(t testing.TB, a *Machine, linkA string, b *Machine, linkB string) {
	t.Helper()
	err := a.Do(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = linkA
		cable := &netlink.Veth{LinkAttrs: attrs, PeerName: linkB, PeerNamespace: netlink.NsFd(b.net.Fd())}
		if err := netlink.LinkAdd(cable); err != nil {
			return err
		}
		return up(linkA)
	})
	if err == nil {
		err = b.Do(func() error { return errors.Join(up(linkB), carrier(linkB)) })
	}
	if err == nil {
		err = a.Do(func() error { return carrier(linkA) })
	}
	if err != nil {
		t.Fatalf("failed to connect %s of %s to %s of %s: %v", linkA, a.Name, linkB, b.Name, err)
	}
}

func up(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

// carrier waits until a link that is up at both ends is in operation: only then
// does the kernel add its IPv6 routes.
func carrier(name string) error {
	return Poll(5*time.Second, func() error {
		link, err := netlink.LinkByName(name)
		if err == nil && link.Attrs().OperState != netlink.OperUp {
			err = fmt.Errorf("link %s has no carrier", name)
		}
		return err
	})
}

// end kills what runs in the machine and closes its namespaces.
func (m *Machine) end() error {
	defer m.net.Close()
	defer m.mnt.Close()
	var mine unix.Stat_t
	if err := unix.Fstat(int(m.net.Fd()), &mine); err != nil {
		return err
	}
	spaces, err := filepath.Glob("/proc/[0-9]*/ns/net")
	if err != nil {
		return err
	}
	for _, space := range spaces {
		var its unix.Stat_t
		if unix.Stat(space, &its) != nil || its.Ino != mine.Ino || its.Dev != mine.Dev {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(space))))
		if err != nil || pid == os.Getpid() {
			continue
		}
		if err := unix.Kill(pid, unix.SIGKILL); err != nil && err != unix.ESRCH {
			return err
		}
	}
	return nil
}
