package engine_test

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
	"ipsec/klips"
	"ipsec/klips/engine"
	"ipsec/klips/linux"
	"ipsec/klips/offload"
	"ipsec/klips/packet"
	"ipsec/klips/said"
	"ipsec/klips/tun"
	"ipsec/klips/wire/ike"
	"ipsec/klips/wire/xdp"
)

const helperEnv = "IPSEC_TEST_GATEWAY"

// TestMain is also the gateway of TestNamespaces: a process in a network
// namespace of its own that takes orders on its standard input.
func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		os.Exit(helper(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

// An order is what a gateway process is told to do; one of its fields is set.
type order struct {
	Shell    string // run by sh -c
	Engine   *klips.Settings
	Attach   string
	Detach   string
	SA       *klips.SA
	Keys     [2][]byte // of SA
	Group    []said.SAID
	Eroute   *klips.Eroute
	IKE      *ike.Message
	Received bool // the IKE messages that came
	Sniff    string
	Sniffed  bool // the protocols that were seen, and how often
	Ours     bool
	Remove   string // as tun.Remove does
	Steal    string // the virtual interface that a user without privilege tries to read
	Drops    bool
	Without  offload.Set // of Engine
	XDP      bool        // of Engine: it has the program, where it is not without it
	Offloads bool        // what is said of those of the attachment
	DelSA    *said.SAID
	Occupy   string // the interface to put an XDP program on that has nothing to do with KLIPS
	Queues   int    // the same
	Serve    string // a network, to receive what Send sends on port 7
	Send     *bulk
	Got      bool // the digest of what came
	Forget   bool // of that
}

type answer struct {
	Output string
	Error  string
}

type process struct {
	engine *engine.Engine
	mu     sync.Mutex
	seen   map[string]int
	ike    []string
	got    received
	other  io.Closer // an XDP program on the interface, see occupy
}

func helper(in io.Reader, out io.Writer) int {
	p := &process{seen: map[string]int{}}
	orders, answers := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	for {
		var o order
		if orders.Decode(&o) != nil {
			return 0
		}
		output, err := p.do(&o)
		a := answer{Output: output}
		if err != nil {
			a.Error = err.Error()
		}
		if answers.Encode(a) != nil {
			return 1
		}
	}
}

func (p *process) do(o *order) (string, error) {
	switch {
	case o.Shell != "":
		out, err := exec.Command("sh", "-c", o.Shell).CombinedOutput()
		return string(out), err
	case o.Engine != nil:
		system := linux.System{Without: o.Without, Queues: o.Queues}
		if o.XDP && o.Without&offload.XDP == 0 {
			var err error
			if system.XDP, err = xdp.Load(); err != nil {
				return "", err
			}
		}
		p.engine = engine.New(engine.Options{Settings: *o.Engine, System: system, IKE: func(m ike.Message) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.ike = append(p.ike, fmt.Sprintf("%v %v %s", m.Remote, m.Local, m.Payload))
		}})
	case o.Offloads:
		list, err := p.engine.ListAttachments()
		if err != nil || len(list) != 1 {
			return "", fmt.Errorf("%d attachments: %w", len(list), err)
		}
		return list[0].Offloads, nil
	case o.DelSA != nil:
		return "", p.engine.DelSA(*o.DelSA)
	case o.Occupy != "":
		return "", p.occupy(o.Occupy)
	case o.Attach != "":
		return "", p.engine.Attach(klips.Attachment{Virtual: o.Attach, Physical: "eth0"})
	case o.Detach != "":
		return "", p.engine.Detach(o.Detach)
	case o.SA != nil:
		o.SA.EncKey, o.SA.AuthKey = o.Keys[0], o.Keys[1]
		return "", p.engine.AddSA(*o.SA)
	case o.Group != nil:
		return "", p.engine.GroupSAs(o.Group)
	case o.Eroute != nil:
		return "", p.engine.ReplaceEroute(*o.Eroute)
	case o.IKE != nil:
		return "", p.engine.SendIKE(*o.IKE)
	case o.Received:
		p.mu.Lock()
		defer p.mu.Unlock()
		return strings.Join(p.ike, "\n"), nil
	case o.Sniff != "":
		return "", p.sniff(o.Sniff)
	case o.Sniffed:
		p.mu.Lock()
		defer p.mu.Unlock()
		return strings.Join(slices.Sorted(maps.Keys(p.seen)), " "), nil
	case o.Ours:
		names, err := tun.Ours()
		return strings.Join(names, " "), err
	case o.Remove != "":
		return "", tun.Remove(o.Remove)
	case o.Steal != "":
		return "", steal(o.Steal)
	case o.Serve != "":
		return "", p.serve(o.Serve)
	case o.Send != nil:
		return o.Send.send()
	case o.Forget:
		p.got.mu.Lock()
		defer p.got.mu.Unlock()
		p.got.all, p.got.count, p.got.sum = nil, 0, [32]byte{}
	case o.Got:
		return p.digest(), nil
	case o.Drops:
		drops, err := p.engine.ListDrops()
		var list []string
		for _, d := range drops {
			list = append(list, fmt.Sprintf("%d %v", d.Packets, d.Reason))
		}
		return strings.Join(list, "; "), err
	}
	return "", nil
}

// steal opens a TUN device as another user, on a system where anyone may open
// /dev/net/tun, as on most.
func steal(name string) error {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	stolen := make(chan error)
	go func() {
		runtime.LockOSThread() // left locked, the thread ends with the goroutine
		_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, 65534, 65534, 65534)
		if errno == 0 {
			for _, kind := range []uint16{0, unix.IFF_MULTI_QUEUE} { // the other is not even looked at
				request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | kind)
				if got := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); got != unix.EINVAL {
					stolen <- got
					return
				}
			}
			stolen <- unix.EINVAL
		} else {
			stolen <- errno
		}
	}()
	err = <-stolen
	return errors.Join(err, unix.Close(fd))
}

// sniff notes the IP protocols of all packets on an interface.
func (p *process) sniff(name string) error {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	proto := int(binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL}))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return err
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(proto), Ifindex: link.Index}); err != nil {
		return err
	}
	go func() {
		buf := make([]byte, 70000)
		for {
			n, _, err := unix.Recvfrom(fd, buf, 0)
			if err != nil {
				return
			}
			h, err := packet.Parse(buf[:n])
			if err != nil || h.Proto == packet.ICMPv6 && h.TTL == 255 || h.Dst.IsMulticast() {
				continue // ARP; neighbour discovery
			}
			kind := fmt.Sprintf("ipv%d/%d", h.Version, h.Proto)
			if h.Proto == packet.UDP {
				kind += fmt.Sprintf("/%d", h.DstPort)
			}
			p.mu.Lock()
			p.seen[kind]++
			p.mu.Unlock()
		}
	}()
	return nil
}

// A namespace is a gateway process.
type namespace struct {
	t       *testing.T
	pid     int
	without offload.Set
	queues  int
	orders  *json.Encoder
	answers *json.Decoder
	stop    func()
	xdp     bool
}

func newNamespace(t *testing.T) *namespace {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	return startHelper(t, cmd)
}

// another starts a second process in the namespace.
func (n *namespace) another() *namespace {
	n.t.Helper()
	cmd := exec.Command("nsenter", "--net", "--target", strconv.Itoa(n.pid), os.Args[0])
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	return startHelper(n.t, cmd)
}

func startHelper(t *testing.T, cmd *exec.Cmd) *namespace {
	t.Helper()
	cmd.Env = append(os.Environ(), helperEnv+"=1")
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n := &namespace{t: t, pid: cmd.Process.Pid, orders: json.NewEncoder(in), answers: json.NewDecoder(out)}
	n.stop = sync.OnceFunc(func() {
		in.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	t.Cleanup(n.stop)
	return n
}

// try gives an order and returns its output.
func (n *namespace) try(o order) (string, error) {
	n.t.Helper()
	var a answer
	if err := errors.Join(n.orders.Encode(o), n.answers.Decode(&a)); err != nil {
		n.t.Fatal(err)
	}
	if a.Error != "" {
		return a.Output, errors.New(a.Error)
	}
	return a.Output, nil
}

func (n *namespace) do(o order) string {
	n.t.Helper()
	output, err := n.try(o)
	if err != nil {
		n.t.Fatalf("%+v: %v: %s", o, err, output)
	}
	return strings.TrimSpace(output)
}

func (n *namespace) sh(format string, args ...any) string {
	n.t.Helper()
	return n.do(order{Shell: fmt.Sprintf(format, args...)})
}

// gateways returns two namespaces, joined by a cable between their eth0, as
// 192.1.2.23 and .45, with 10.1.0.1 and 10.2.0.1 behind them, each attached
// and with routes to the other's net by ipsec0.
func gateways(t *testing.T) (west, east *namespace) { return gatewaysWith(t, 0, 0) }

// gatewaysWith is gateways that do without some offloads, and have as many queues.
func gatewaysWith(t *testing.T, without offload.Set, queues int) (west, east *namespace) {
	return gatewaysOf(t, without, queues, false)
}

func gatewaysOf(t *testing.T, without offload.Set, queues int, xdp bool) (west, east *namespace) {
	lab.NeedTUN(t)
	west, east = newNamespace(t), newNamespace(t)
	west.xdp, east.xdp = xdp, xdp
	west.without, east.without, west.queues, east.queues = without, without, queues, queues
	// Made in a namespace of the test's own, not in the machine's.
	west.sh("ip link add eth0 type veth peer name peer0 && ip link set peer0 netns %d name eth0", east.pid)
	west.gateway(1, "192.1.2.23", "2001:db8:1::23", "192.1.2.45", "2001:db8:1::45")
	east.gateway(2, "192.1.2.45", "2001:db8:1::45", "192.1.2.23", "2001:db8:1::23")
	return west, east
}

// routed is like gateways with a router between, which has an MTU of 1300 to
// the east; the gateways are 192.1.2.23 and 192.1.3.45.
func routed(t *testing.T) (west, router, east *namespace) {
	lab.NeedTUN(t)
	west, router, east = newNamespace(t), newNamespace(t), newNamespace(t)
	router.sh("ip link add eth0 type veth peer name peer0 && ip link set peer0 netns %d name eth0", west.pid)
	router.sh("ip link add eth1 type veth peer name peer1 && ip link set peer1 netns %d name eth0", east.pid)
	for i, from := range []string{"2", "3"} {
		router.sh("ip addr add 192.1.%s.1/24 dev eth%d && ip addr add 2001:db8:%s::1/64 dev eth%d nodad && ip link set eth%d up", from, i, from, i, i)
	}
	router.sh("ip link set eth1 mtu 1300 && echo 1 > /proc/sys/net/ipv4/ip_forward && echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")
	west.gateway(1, "192.1.2.23", "2001:db8:2::23", "192.1.2.1", "2001:db8:2::1")
	east.sh("ip link set eth0 mtu 1300")
	east.gateway(2, "192.1.3.45", "2001:db8:3::45", "192.1.3.1", "2001:db8:3::1")
	return west, router, east
}

// gateway makes the namespace the gateway of net number own, 1 or 2.
func (n *namespace) gateway(own int, four, six, via4, via6 string) {
	n.t.Helper()
	n.sh("ip link set lo up && ip addr add 10.%d.0.1/16 dev lo && ip addr add fd0%d::1/16 dev lo nodad", own, own)
	n.sh("ip addr add %s/24 dev eth0 && ip addr add %s/64 dev eth0 nodad && ip link set eth0 up", four, six)
	n.sh("ip route add default via %s dev eth0 && ip route add default via %s dev eth0", via4, via6)
	n.do(order{Engine: &klips.Settings{FragICMP: true}, Without: n.without, XDP: n.xdp, Queues: n.queues})
	n.do(order{Attach: "ipsec0"})
	n.sh("echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/ipsec0/rp_filter")
	n.sh("ip addr add %s/32 dev ipsec0 && ip addr add %s/128 dev ipsec0 nodad && ip link set ipsec0 up", four, six)
	n.sh("ip route add 10.%d.0.0/16 dev ipsec0 src 10.%d.0.1", 3-own, own)
	n.sh("ip route add fd0%d::/16 dev ipsec0 src fd0%d::1", 3-own, own)
	n.do(order{Sniff: "eth0"})
}
