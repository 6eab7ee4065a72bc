package lab

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// exists reports whether a link of that name is in the network namespace of
// the calling thread, as the kernel's settings show it.
func exists(link string) bool {
	_, err := os.Stat("/proc/sys/net/ipv4/conf/" + link)
	return err == nil
}

func TestIsolated(t *testing.T) {
	Isolated(t, func(t *testing.T) {
		if os.Getpid() != 1 {
			t.Errorf("process %d of its namespace, expected 1", os.Getpid())
		}
		if out, err := exec.Command("ip", "link", "add", "lab0", "type", "veth", "peer", "name", "lab1").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		seen := make(chan bool)
		go func() { seen <- exists("lab0") }()
		if !<-seen {
			t.Error("a goroutine is in another network namespace")
		}
		for _, path := range []string{"/etc/lab", "/var/run/lab", "/dev/log", "/var/lock/lab"} {
			if _, err := os.Stat(path); err == nil {
				t.Errorf("%s is there", path)
			}
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Error(err)
			}
		}
		if _, err := os.Stat("/etc/passwd"); err != nil {
			t.Error(err)
		}
		if file, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0); err != nil {
			t.Logf("no TUN: %v", err)
		} else {
			file.Close()
		}
	})
	if os.Getpid() == 1 { // the process within; all that follows is about the outside
		return
	}
	for _, path := range []string{"/etc/lab", "/var/run/lab", "/var/lock/lab"} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is there, outside", path)
		}
	}
	if exists("lab0") {
		t.Error("the link is there, outside")
	}
}

func TestMachines(t *testing.T) {
	NeedProgram(t, "ping")
	a, b := New(t, "a"), New(t, "b")
	Connect(t, a, "eth0", b, "eth1")
	a.Sh(t, "ip addr add 10.9.8.1/24 dev eth0; echo a > /etc/lab; test -d /sys/class/net/eth0")
	b.Sh(t, "ip addr add 10.9.8.2/24 dev eth1; test ! -e /etc/lab")
	a.Run(t, "ping", "-c", "1", "-W", "5", "10.9.8.2")
	err := a.Do(func() error {
		if !exists("eth0") || exists("eth1") {
			return errors.New("not in the machine")
		}
		listener, err := net.Listen("unix", "/dev/log")
		if err != nil {
			return err
		}
		return listener.Close()
	})
	if err != nil {
		t.Error(err)
	}
	if out, err := a.Try("/bin/sh", "-c", "echo no; exit 3"); err == nil || strings.TrimSpace(out) != "no" {
		t.Errorf("Try = %q, %v", out, err)
	}
}

// Processes that were left running in a machine end with it.
func TestMachineEnds(t *testing.T) {
	NeedRoot(t)
	cmd := exec.Command("sleep", "1000")
	t.Run("machine", func(t *testing.T) {
		if err := New(t, "a").Start(cmd); err != nil {
			t.Fatal(err)
		}
	})
	if cmd.Process == nil {
		t.Skip("no machine")
	}
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) {
		t.Errorf("sleep: %v", err)
	}
}
