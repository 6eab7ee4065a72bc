package xdp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	bpflink "github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
	"ipsec/klips/packet"
	"ipsec/klips/process/confine"
)

// programOn returns the number of the XDP program on "wan" of a machine, 0 for none.
func programOn(t testing.TB, m *lab.Machine) (id uint32) {
	t.Helper()
	err := m.Do(func() error {
		found, err := netlink.LinkByName("wan")
		if err == nil && found.Attrs().Xdp != nil && found.Attrs().Xdp.Attached {
			id = found.Attrs().Xdp.ProgId
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestClose sees that nothing is left of a link that is closed, and another in its place.
func TestClose(t *testing.T) {
	c := newCable(t)
	for range 3 {
		l := c.attach(t, c.east, east4)
		if programOn(t, c.east) == 0 {
			t.Fatal("there is no program on the interface")
		}
		if err := c.east.Do(func() error {
			_, err := c.program.Attach("wan")
			return err
		}); !errors.Is(err, unix.EBUSY) {
			t.Errorf("attached twice: %v, want EBUSY", err)
		}
		left := make(chan error)
		go func() {
			_, err := l.Inlets()[0].ReadBatch(packet.NewBuffers(1, 0))
			left <- err
		}()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-left; !errors.Is(err, os.ErrClosed) {
			t.Errorf("a reader got %v, want closed", err)
		}
		if id := programOn(t, c.east); id != 0 {
			t.Errorf("program %d is still on the interface", id)
		}
		var key local
		if c.program.locals.Iterate().Next(&key, new(span)) {
			t.Errorf("%v is still taken", key)
		}
		if c.program.slots != ([slotLimit]bool{}) {
			t.Errorf("slots are still in use: %v", c.program.slots)
		}
		if err := l.SetLocal(nil); !errors.Is(err, os.ErrClosed) {
			t.Errorf("SetLocal of a closed link: %v", err)
		}
	}
}

// TestQueues attaches to an interface of several queues.
func TestQueues(t *testing.T) {
	c := newCable(t)
	for _, x := range []struct{ queues, inlets, receive int }{{1, 1, 4096}, {2, 2, 2048}, {3, 3, 1024}, {20, 16, 1024}} {
		c.east.Sh(t, fmt.Sprintf("ip link del wan; ip link add wan numrxqueues %d numtxqueues %d type veth; ip link set wan up", x.queues, x.queues))
		l := c.attach(t, c.east, east4)
		if len(l.inlets) != x.inlets || int(l.slots.count) != x.inlets {
			t.Errorf("%d queues: %d inlets, %d slots, want %d", x.queues, len(l.inlets), l.slots.count, x.inlets)
		}
		for i, in := range l.inlets {
			if got := len(in.socket.fill.entries); got != x.receive {
				t.Errorf("%d queues: %d chunks for queue %d, want %d", x.queues, got, i, x.receive)
			}
		}
		end(t, l)
	}
}

// TestGone takes the interface away.
func TestGone(t *testing.T) {
	c := newCable(t)
	l := c.attach(t, c.east, east4)
	c.east.Sh(t, "ip link del wan")
	b := packet.NewBuffer(100)
	b.Set(whole(packet.Outer{Src: east4, Dst: west4, Proto: packet.ESP}, marked(0, 64)))
	if n, err := l.Send(c.header(unix.ETH_P_IP), []*packet.Buffer{b}); err == nil {
		t.Errorf("sent %d by an interface that is gone", n)
	}
	end(t, l)
}

// TestBusy puts another program on the interface first, in every way that there is.
func TestBusy(t *testing.T) {
	c := newCable(t)
	other, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.XDP, License: "MIT", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for name, flags := range map[string]bpflink.XDPAttachFlags{"generic": bpflink.XDPGenericMode, "native": bpflink.XDPDriverMode} {
		for _, way := range []string{"link", "netlink"} {
			t.Run(name+" by "+way, func(t *testing.T) {
				found, link := netlink.Link(nil), bpflink.Link(nil)
				set := func(fd int) error { return netlink.LinkSetXdpFdWithFlags(found, fd, int(flags)) }
				err := c.east.Do(func() (err error) {
					if found, err = netlink.LinkByName("wan"); err != nil {
						return err
					}
					if way == "netlink" {
						return set(other.FD())
					}
					link, err = bpflink.AttachXDP(bpflink.XDPOptions{Program: other, Interface: found.Attrs().Index, Flags: flags})
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				before := programOn(t, c.east)
				err = c.east.Do(func() error {
					_, err := c.program.Attach("wan")
					return err
				})
				if !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "another XDP program is on wan") {
					t.Errorf("%v, want EBUSY", err)
				}
				// Also where it has come since we looked.
				err = c.east.Do(func() error {
					l := &Link{program: c.program, index: found.Attrs().Index}
					defer func() {
						l.Close()
						l.abandon()
					}()
					return l.open("wan", 1500, bpflink.XDPGenericMode)
				})
				if !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "another XDP program") {
					t.Errorf("%v, want EBUSY", err)
				}
				if after := programOn(t, c.east); before == 0 || after != before {
					t.Errorf("program %d is on the interface, want %d", after, before)
				}
				if link != nil {
					link.Close()
				} else if err := c.east.Do(func() error { return set(-1) }); err != nil {
					t.Fatal(err)
				}
				c.attach(t, c.east).Close()
			})
		}
	}
}

// TestRefused tries interfaces that cannot do.
func TestRefused(t *testing.T) {
	c := newCable(t)
	lab.NeedTUN(t)
	c.east.Sh(t, "ip link set wan mtu 9000; ip tuntap add tun9 mode tun")
	for _, x := range []struct {
		name, text string
		want       error
	}{
		{"wan", "AF_XDP takes an MTU of up to 3762, and wan has 9000", unix.EMSGSIZE},
		{"tun9", "AF_XDP needs Ethernet, and tun9 has none", unix.EPFNOSUPPORT},
		{"nothing", "failed to look for nothing", nil},
	} {
		err := c.east.Do(func() error {
			_, err := c.program.Attach(x.name)
			return err
		})
		if err == nil || x.want != nil && !errors.Is(err, x.want) || !strings.Contains(err.Error(), x.text) {
			t.Errorf("%s: %v, want %v, %q", x.name, err, x.want, x.text)
		}
	}
}

// childEnv is set in the process that TestKilled kills.
const childEnv = "XDP_TEST_CHILD"

// TestKilled kills a process with a program on an interface, which it has put
// there without the privilege to load one.
func TestKilled(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		child()
	}
	c := newCable(t)
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe() // the child ends with us
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := c.east.Start(cmd); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	id := programOn(t, c.east)
	if killed := cmd.Process.Kill(); killed != nil {
		t.Fatal(killed)
	}
	cmd.Wait()
	if line != "attached\n" || err != nil {
		t.Fatalf("the child said %q, %v", line, err)
	}
	if id == 0 {
		t.Error("there was no program on the interface")
	}
	lab.Until(t, "the program has gone with its process", func() bool { return programOn(t, c.east) == 0 })
	c.attach(t, c.east)
}

// child attaches with the capabilities that KLIPS goes on with.
func child() {
	runtime.LockOSThread()
	err := func() error {
		p, err := Load()
		if err != nil {
			return err
		}
		const kept = uint32(confine.Klips)
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		data := [2]unix.CapUserData{{Effective: kept, Permitted: kept}}
		if _, _, errno := unix.Syscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0); errno != 0 {
			return errno
		}
		if _, err := Load(); !errors.Is(err, unix.EPERM) {
			return fmt.Errorf("loaded without the privilege: %v", err)
		}
		l, err := p.Attach("wan")
		if err != nil {
			return err
		}
		return l.SetLocal([]netip.Addr{east4})
	}()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("attached")
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}
