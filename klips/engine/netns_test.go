package engine

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/said"
	"ipsec/klips/tun"
	"ipsec/klips/wire/ike"
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
	Drops    bool
}

type answer struct {
	Output string
	Error  string
}

type process struct {
	engine *Engine
	mu     sync.Mutex
	seen   map[string]int
	ike    []string
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
		p.engine = New(Options{Settings: *o.Engine, IKE: func(m ike.Message) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.ike = append(p.ike, fmt.Sprintf("%v %v %s", m.Remote, m.Local, m.Payload))
		}})
	case o.Attach != "":
		return "", p.engine.Attach(o.Attach, "eth0")
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
		var list []string
		for _, kind := range slices.Sorted(maps.Keys(p.seen)) {
			list = append(list, kind)
		}
		return strings.Join(list, " "), nil
	case o.Ours:
		names, err := tun.Ours()
		return strings.Join(names, " "), err
	case o.Drops:
		var list []string
		for r := range reasons {
			list = append(list, fmt.Sprintf("%d %v", p.engine.stats.get(r), r))
		}
		return strings.Join(list, ", "), nil
	}
	return "", nil
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

// skip is for a test that cannot run here.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// A namespace is a gateway process.
type namespace struct {
	t       *testing.T
	pid     int
	orders  *json.Encoder
	answers *json.Decoder
	stop    func()
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
func gateways(t *testing.T) (west, east *namespace) {
	if os.Geteuid() != 0 {
		skip(t, "network namespaces need root")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		skip(t, "there is no TUN device: "+err.Error())
	}
	west, east = newNamespace(t), newNamespace(t)
	// Made in a namespace of the test's own, not in the machine's.
	west.sh("ip link add eth0 type veth peer name peer0 && ip link set peer0 netns %d name eth0", east.pid)
	for i, n := range []*namespace{west, east} {
		own := []int{23, 45}[i]
		n.sh("ip link set lo up && ip addr add 10.%d.0.1/16 dev lo && ip addr add fd0%d::1/16 dev lo nodad", i+1, i+1)
		n.sh("ip addr add 192.1.2.%d/24 dev eth0 && ip addr add 2001:db8:1::%d/64 dev eth0 nodad && ip link set eth0 up", own, own)
		n.sh("ip route add default via 192.1.2.%d dev eth0", 68-own)
		n.do(order{Engine: &klips.Settings{FragICMP: true}})
		n.do(order{Attach: "ipsec0"})
		n.sh("echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/ipsec0/rp_filter")
		n.sh("ip addr add 192.1.2.%d/32 dev ipsec0 && ip addr add 2001:db8:1::%d/128 dev ipsec0 nodad && ip link set ipsec0 up", own, own)
		n.sh("ip route add 10.%d.0.0/16 dev ipsec0 src 10.%d.0.1", 2-i, i+1)
		n.sh("ip route add fd0%d::/16 dev ipsec0 src fd0%d::1", 2-i, i+1)
		n.do(order{Sniff: "eth0"})
	}
	return west, east
}

// both sets c up in both directions.
func (c conn) both(west, east *namespace) {
	back := c
	back.src, back.dst, back.srcNet, back.dstNet = c.dst, c.src, c.dstNet, c.srcNet
	for _, d := range []struct {
		conn
		from, to *namespace
		spi      uint32
	}{{c, west, east, 0x1001}, {back, east, west, 0x2001}} {
		var ids []said.SAID
		for _, p := range d.protos {
			sa := klips.SA{ID: said.SAID{Dst: addr(d.dst), SPI: d.spi, Proto: p}, Src: addr(d.src), ReplayWindow: 64}
			var keys [2][]byte
			switch p {
			case said.IPIP:
				sa.TunnelSrc, sa.TunnelDst = sa.Src, sa.ID.Dst
			case said.ESP:
				sa.Enc, keys[0] = d.sa.Enc, d.sa.EncKey
				if d.encap {
					sa.Encap = klips.Encap{SrcPort: 4500, DstPort: 4500}
				}
			case said.AH:
				sa.Auth, keys[1] = "sha1-96", key(20, 9)
			}
			d.from.do(order{SA: &sa, Keys: keys})
			if p == d.protos[0] {
				sa.Inflow = []klips.Selector{{Src: prefix(d.srcNet), Dst: prefix(d.dstNet)}}
			}
			d.to.do(order{SA: &sa, Keys: keys})
			ids = append(ids, sa.ID)
		}
		if len(ids) > 1 {
			d.from.do(order{Group: ids})
			d.to.do(order{Group: ids})
		}
		d.from.do(order{Eroute: &klips.Eroute{Selector: klips.Selector{Src: prefix(d.srcNet), Dst: prefix(d.dstNet)}, SAID: ids[0]}})
	}
}

// TestNamespaces pings through gateways of the real system, and sees that
// nothing but the protection passes between them.
func TestNamespaces(t *testing.T) {
	for _, c := range []struct {
		name           string
		src, dst       string
		srcNet, dstNet string
		from, to       string
		protos         []said.Proto
		encap          bool
		route          string // on west and east, besides those to the nets
		want           string
	}{
		{"tunnel 4 in 4", "192.1.2.23", "192.1.2.45", "10.1.0.0/16", "10.2.0.0/16", "10.1.0.1", "10.2.0.1", []said.Proto{said.IPIP, said.ESP}, false, "", "ipv4/50"},
		{"tunnel 4 in 6", "2001:db8:1::23", "2001:db8:1::45", "10.1.0.0/16", "10.2.0.0/16", "10.1.0.1", "10.2.0.1", []said.Proto{said.IPIP, said.ESP}, false, "", "ipv6/50"},
		{"tunnel 6 in 4", "192.1.2.23", "192.1.2.45", "fd01::/16", "fd02::/16", "fd01::1", "fd02::1", []said.Proto{said.IPIP, said.ESP}, false, "", "ipv4/50"},
		{"tunnel 6 in 6", "2001:db8:1::23", "2001:db8:1::45", "fd01::/16", "fd02::/16", "fd01::1", "fd02::1", []said.Proto{said.IPIP, said.ESP}, false, "", "ipv6/50"},
		{"tunnel with AH", "192.1.2.23", "192.1.2.45", "10.1.0.0/16", "10.2.0.0/16", "10.1.0.1", "10.2.0.1", []said.Proto{said.IPIP, said.ESP, said.AH}, false, "", "ipv4/51"},
		{"tunnel with AH over 6", "2001:db8:1::23", "2001:db8:1::45", "10.1.0.0/16", "10.2.0.0/16", "10.1.0.1", "10.2.0.1", []said.Proto{said.IPIP, said.AH}, false, "", "ipv6/51"},
		{"tunnel in UDP", "192.1.2.23", "192.1.2.45", "10.1.0.0/16", "10.2.0.0/16", "10.1.0.1", "10.2.0.1", []said.Proto{said.IPIP, said.ESP}, true, "", "ipv4/17/4500"},
		{"tunnel in UDP over 6", "2001:db8:1::23", "2001:db8:1::45", "10.1.0.0/16", "10.2.0.0/16", "10.1.0.1", "10.2.0.1", []said.Proto{said.IPIP, said.ESP}, true, "", "ipv6/17/4500"},
		{"transport, peer routed into ipsec0", "192.1.2.23", "192.1.2.45", "192.1.2.23/32", "192.1.2.45/32", "192.1.2.23", "192.1.2.45", []said.Proto{said.ESP}, false, "192.1.2.%d/32", "ipv4/50"},
		{"transport 6, peer routed into ipsec0", "2001:db8:1::23", "2001:db8:1::45", "2001:db8:1::23/128", "2001:db8:1::45/128", "2001:db8:1::23", "2001:db8:1::45", []said.Proto{said.ESP}, false, "2001:db8:1::%d/128", "ipv6/50"},
		{"transport AH", "192.1.2.23", "192.1.2.45", "192.1.2.23/32", "192.1.2.45/32", "192.1.2.23", "192.1.2.45", []said.Proto{said.AH}, false, "192.1.2.%d/32", "ipv4/51"},
		{"transport in UDP", "192.1.2.23", "192.1.2.45", "192.1.2.23/32", "192.1.2.45/32", "192.1.2.23", "192.1.2.45", []said.Proto{said.ESP}, true, "192.1.2.%d/32", "ipv4/17/4500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			west, east := gateways(t)
			conn{src: c.src, dst: c.dst, srcNet: c.srcNet, dstNet: c.dstNet, protos: c.protos, sa: gcm(), encap: c.encap}.both(west, east)
			if c.route != "" {
				west.sh("ip route add "+c.route+" dev ipsec0 src "+c.from, 45)
				east.sh("ip route add "+c.route+" dev ipsec0 src "+c.to, 23)
			}
			for _, size := range []int{56, 1300} {
				out, err := west.try(order{Shell: fmt.Sprintf("ping -c 3 -i 0.1 -W 5 -s %d -I %s %s", size, c.from, c.to)})
				if err != nil {
					t.Fatalf("%v: %s\nwest dropped %s\neast dropped %s\non the wire %s", err, out, west.do(order{Drops: true}), east.do(order{Drops: true}), west.do(order{Sniffed: true}))
				}
			}
			for _, n := range []*namespace{west, east} {
				if got := n.do(order{Sniffed: true}); got != c.want {
					t.Errorf("on the wire: %s, want %s", got, c.want)
				}
			}
		})
	}
}

// TestLeftBehind kills a process that has an interface open, and looks at the
// interface: it is there, is known as ours, takes packets and drops them; and
// another engine takes it over.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	west, _ := gateways(t)
	west.do(order{Detach: "ipsec0"})
	if got := west.do(order{Ours: true}); got != "" {
		t.Errorf("ours after detaching: %q, want none", got)
	}
	other := west.another()
	other.do(order{Engine: &klips.Settings{}})
	other.do(order{Attach: "ipsec0"})
	west.sh("ip link set ipsec0 up && ip route add 10.2.0.0/16 dev ipsec0 src 10.1.0.1")
	other.stop()
	if out, err := west.try(order{Shell: "ping -c 1 -W 1 -I 10.1.0.1 10.2.0.1"}); err == nil {
		t.Errorf("a packet came back: %s", out)
	}
	if got := west.do(order{Sniffed: true}); got != "" {
		t.Errorf("%s went past the interface left behind", got)
	}
	if got := west.do(order{Ours: true}); got != "ipsec0" {
		t.Errorf("ours: %q, want ipsec0", got)
	}
	west.do(order{Attach: "ipsec0"})
	if _, err := west.try(order{Attach: "ipsec0"}); err == nil {
		t.Error("an interface was attached twice")
	}
	west.do(order{Detach: "ipsec0"})
	west.sh("ip link add ipsec9 type veth peer name other0")
	if _, err := west.try(order{Attach: "ipsec9"}); err == nil {
		t.Error("a link of somebody else was taken for a virtual interface")
	}
	if got := west.do(order{Ours: true}); got != "" {
		t.Errorf("ours: %q, want none", got)
	}
}

// TestIKE sends an IKE message between the engines, past an eroute that would drop it.
func TestIKE(t *testing.T) {
	t.Parallel()
	west, east := gateways(t)
	m := ike.Message{Local: netip.MustParseAddrPort("192.1.2.23:4500"), Remote: netip.MustParseAddrPort("192.1.2.45:4500"), Payload: []byte("hello")}
	west.do(order{IKE: &m})
	west.sh("ip route add 192.1.2.45/32 dev ipsec0 src 192.1.2.23")
	m.Payload = []byte("again")
	west.do(order{IKE: &m})
	want := "192.1.2.23:4500 192.1.2.45:4500 hello\n192.1.2.23:4500 192.1.2.45:4500 again"
	for range 200 {
		if east.do(order{Received: true}) == want {
			return
		}
		west.sh("sleep 0.02")
	}
	t.Errorf("got %q, want %q; west dropped %s", east.do(order{Received: true}), want, west.do(order{Drops: true}))
}
