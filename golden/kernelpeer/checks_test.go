package kernelpeer

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// checks are tests of single properties, each with one pairing.
var checks = []struct {
	name, what string
	pairing    pairing
	setup      string // more for config setup
	check      func(*testing.T, pair, pairing)
}{
	{"bulk", "8 MiB each way by TCP arrive as they were sent", pairing{esp: "aes128gcm16"}, "", checkBulk},
	{"bulk, UDP", "the same in ESP in UDP", pairing{esp: "aes128gcm16", encap: true}, "", checkBulk},
	{"bulk, path MTU", "the same with overridemtu=1500, so that TCP has to find out what fits", pairing{esp: "aes256-sha2_512"}, wide, checkBulk},

	{"sizes", sizes, pairing{esp: "aes128-sha1"}, "", checkSizes},
	{"sizes, transport", sizes, pairing{esp: "aes256gcm16", transport: true}, "", checkSizes},
	{"sizes, AH", sizes, pairing{ah: "sha2_256"}, "", checkSizes},
	{"sizes, UDP", sizes, pairing{esp: "aes256-sha2_512", encap: true}, "", checkSizes},
	{"sizes, IPv6", sizes, pairing{esp: "chacha20poly1305", outer: 6, inner: 6}, "", checkSizes},
	{"sizes, IPv6 in IPv4", sizes, pairing{esp: "3des-sha1", inner: 6}, "", checkSizes},
	{"sizes, transport, IPv6", sizes, pairing{esp: "aes128-sha1", transport: true, outer: 6}, "", checkSizes},
	{"sizes, AH, transport", sizes, pairing{ah: "md5", transport: true}, "", checkSizes},
	{"sizes, AH, transport, IPv6", sizes, pairing{ah: "sha1", transport: true, outer: 6}, "", checkSizes},
	{"sizes, UDP, transport", sizes, pairing{esp: "aes128-sha1", encap: true, transport: true}, "", checkSizes},
	{"sizes, IPCOMP", sizes, pairing{esp: "aes128-sha1", comp: true}, "", checkSizes},
	{"sizes, ESP in AH, IPCOMP, transport", sizes, pairing{esp: "aes128-sha1", ah: "sha1", comp: true, transport: true}, "", checkSizes},

	{"path MTU", pathMTU, pairing{esp: "aes128-sha1"}, wide, checkPathMTU},
	{"path MTU, AES-GCM", pathMTU, pairing{esp: "aes128gcm16"}, wide, checkPathMTU},
	{"path MTU, ESP in AH", pathMTU, pairing{esp: "3des-md5", ah: "sha1"}, wide, checkPathMTU},
	{"path MTU, UDP", pathMTU, pairing{esp: "aes128-sha1", encap: true}, wide, checkPathMTU},
	{"path MTU, IPv4 in IPv6", pathMTU, pairing{esp: "aes256-sha2_512", outer: 6}, wide, checkPathMTU},
	{"path MTU, IPv6", pathMTU, pairing{esp: "chacha20poly1305", outer: 6, inner: 6}, wide, checkPathMTU},
	{"path MTU, transport", pathMTU, pairing{esp: "aes128-sha1", transport: true}, wide, checkPathMTU},

	{"replay, ESP", replays, pairing{esp: "aes128-sha1"}, "", checkReplay},
	{"replay, AES-GCM with ESN", replays, pairing{esp: "aes128gcm16", esn: true}, "", checkReplay},
	{"replay, AH", replays, pairing{ah: "sha1", transport: true}, "", checkReplay},

	{"ESN, AES-128, SHA-1, past 2³²", wraps, pairing{esp: "aes128-sha1", esn: true}, "", checkWrap},
	{"ESN, AES-256-GCM, past 2³²", wraps, pairing{esp: "aes256gcm16", esn: true}, "", checkWrap},
	{"ESN, AH, past 2³²", wraps, pairing{ah: "sha2_256", esn: true}, "", checkWrap},

	{"wrong keys, AES-128, SHA-1", strange, pairing{esp: "aes128-sha1", strange: true}, "", checkStrange},
	{"wrong keys, AES-GCM", strange, pairing{esp: "aes128gcm16", strange: true}, "", checkStrange},
	{"wrong keys, AH", strange, pairing{ah: "md5", strange: true}, "", checkStrange},
	{"UDP, another port", "we take ESP that comes from UDP port 40000, as from behind a NAT", pairing{esp: "aes128gcm16", encap: true}, "", checkPort},
	{"inbound policy", "we drop and count what the kernel sends from another network through the SA", pairing{esp: "aes128-sha1"}, "", checkPolicy},
}

const (
	sizes   = "the longest packets that either side lets through with DF (from the kernel in IPv6 transport: of our MTU), and 4000 bytes in fragments, both ways"
	pathMTU = "with overridemtu=1500 a packet that is too long is answered by ICMP, whose MTU is the one that the kernel finds for the same SA; in IPv4 without DF it arrives"
	replays = "each side drops and counts 5 copies of a packet of the other"
	wraps   = "the kernel's sequence number passes 2³², and we follow"
	strange = "each side drops and counts what the other sends"

	wide = "\toverridemtu=1500\n"
)

func init() {
	for i := range checks {
		checks[i].pairing.name = checks[i].name
		checks[i].pairing.spi = 0x8000 + 0x10*i
	}
}

func checkBulk(t *testing.T, pr pair, p pairing) { pr.bulk(t, p, 8<<20) }

// payload returns the options of a ping whose packet has that length, with DF or not.
func (p pairing) payload(length int, pmtudisc string) string {
	ours, _ := p.ends()
	headers := 20 + 8
	if strings.Contains(ours, ":") {
		headers = 40 + 8
	}
	return fmt.Sprintf("-c 1 -M %s -s %d", pmtudisc, length-headers)
}

var mtuText = regexp.MustCompile(`mtu ?[=:] ?(\d+)`)

// room returns the MTU that a ping with a packet of 1500 bytes is told.
func (p pairing) room(t *testing.T, try func(script string) (string, error), address string) int {
	t.Helper()
	out, err := try("ping -n -W 5 " + p.payload(1500, "do") + " " + address)
	m := mtuText.FindStringSubmatch(out)
	if err == nil || m == nil {
		t.Fatalf("a packet of 1500 bytes with DF: %v\n%s", err, out)
	}
	room, _ := strconv.Atoi(m[1])
	return room
}

func checkSizes(t *testing.T, pr pair, p pairing) {
	text := pr.Run(t, "cat", "/sys/class/net/ipsec0/mtu")
	mtu, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	ours, _ := p.ends()
	pr.pingThem(t, p, p.payload(mtu, "do"), p.payload(4000, "dont"))
	longest := mtu
	if !p.transport || version(p.outer) == 4 {
		// In IPv6's transport mode the kernel drops what is too long
		// silently, or tells an MTU that is too long itself.
		longest = p.room(t, pr.guest.Try, ours)
	}
	pr.pingUs(t, p, p.payload(longest, "do"), p.payload(4000, "dont"))
}

func checkPathMTU(t *testing.T, pr pair, p pairing) {
	ours, theirs := p.ends()
	if !strings.Contains(ours, ":") {
		pr.pingThem(t, p, p.payload(1500, "dont"))
	}
	our := p.room(t, func(script string) (string, error) { return pr.Machine.Try("/bin/sh", "-ec", script) }, theirs)
	their := p.room(t, pr.guest.Try, ours)
	if our != their {
		t.Errorf("we leave room for %d bytes and the kernel for %d", our, their)
	}
	pr.pingThem(t, p, p.payload(our, "do"))
	pr.pingUs(t, p, p.payload(their, "do"))
}

// of returns what both sides count of the SA that leads to either side.
func (pr pair) of(t *testing.T, p pairing) (ourIn, theirIn sa) {
	t.Helper()
	a, proto := addresses[version(p.outer)], p.protocols()[0]
	return ourSAs(pr.ipsec(t, "spi"))[proto+"@"+a.us], theirSAs(pr.guest.Sh(t, "ip -s xfrm state"))[proto+"@"+a.them]
}

func checkReplay(t *testing.T, pr pair, p pairing) {
	ours, theirs := p.ends()
	script := `f=$(mktemp -p /run)
` + pr.guest.Agent + ` replay %s 5 > $f &
until grep -q ready $f; do sleep 0.01; done
ping -n -c 3 -i 0.01 -W 5 %s
wait $!
`
	pr.Sh(t, fmt.Sprintf(script, tap, theirs))
	pr.guest.Sh(t, fmt.Sprintf(script, "vec0", ours))
	eventually(t, func() error {
		ourIn, theirIn := pr.of(t, p)
		if ourIn.errors != "ooo_errs=5" || theirIn.errors != "replay-window 0 replay 5 failed 0" {
			return fmt.Errorf("after 5 replays each way: ours %+v, the kernel's %+v", ourIn, theirIn)
		}
		return nil
	})
	pr.pingThem(t, p, "-c 1")
}

// outState is the command that adds the state that the kernel sends by.
func (p pairing) outState() string {
	command, _, _ := strings.Cut(p.xfrm(), "\n")
	return command
}

// again replaces a state of the kernel by the one that a command adds.
func (pr pair) again(t *testing.T, add string) {
	t.Helper()
	name := strings.Join(strings.Fields(add)[3:11], " ") // src … dst … proto … spi …
	pr.batch(t, "xfrm state delete "+name+"\n"+add+"\n")
}

func checkPort(t *testing.T, pr pair, p pairing) {
	pr.again(t, strings.Replace(p.outState(), "espinudp 4500", "espinudp 40000", 1))
	pr.pingUs(t, p, "-c 3 -i 0.01")
	pr.pingThem(t, p, "-c 3 -i 0.01")
}

func checkWrap(t *testing.T, pr pair, p pairing) {
	for _, last := range []string{"0x7fffff00", "0xfffffffd"} {
		pr.again(t, p.outState()+" replay-oseq "+last)
		pr.pingUs(t, p, "-c 6 -i 0.01")
	}
	pr.pingThem(t, p, "-c 3 -i 0.01")
	table := pr.ipsec(t, "spi")
	if want := fmt.Sprintf(" seq=%d ", int64(1)<<32+0xfffffffd-0xffffffff-1+6+3); !strings.Contains(table, want) {
		t.Errorf("expected%s of an SA\n%s", want, table)
	}
}

func checkStrange(t *testing.T, pr pair, p pairing) {
	ours, theirs := p.ends()
	if out, err := pr.Try("ping", "-n", "-c", "2", "-i", "0.01", "-W", "1", theirs); err == nil {
		t.Errorf("an answer from the kernel, which has other keys\n%s", out)
	}
	if out, err := pr.guest.Try("ping -n -c 2 -i 0.01 -W 1 " + ours); err == nil {
		t.Errorf("an answer from us, who have other keys\n%s", out)
	}
	eventually(t, func() error {
		ourIn, theirIn := pr.of(t, p)
		if ourIn.errors != "auth_errs=2" || ourIn.packets != 0 || theirIn.errors != "replay-window 0 replay 0 failed 2" || theirIn.packets != 0 {
			return fmt.Errorf("after 2 packets each way: ours %+v, the kernel's %+v", ourIn, theirIn)
		}
		return nil
	})
}

func checkPolicy(t *testing.T, pr pair, p pairing) {
	a := addresses[4]
	pr.batch(t, fmt.Sprintf("addr add 10.1.3.1/32 dev lo\nxfrm policy add src 10.1.3.0/24 dst %s dir out tmpl src %s dst %s proto esp reqid 1 mode tunnel\n",
		a.ourNet, a.them, a.us))
	defer pr.batch(t, "addr del 10.1.3.1/32 dev lo\n")
	if out, err := pr.guest.Try("ping -n -c 2 -i 0.01 -W 1 -I 10.1.3.1 " + a.ourHost); err == nil {
		t.Errorf("an answer from us to a stranger\n%s", out)
	}
	eventually(t, func() error {
		if table := pr.ipsec(t, "spi"); !strings.Contains(table, "policy_errs=2") {
			return fmt.Errorf("expected policy_errs=2:\n%s", table)
		}
		return nil
	})
	pr.pingUs(t, p, "-c 1")
}
