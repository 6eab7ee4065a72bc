package kernelpeer

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
)

// checks are looks at one pairing more closely. What they leave running ends
// with them.
var checks = []struct {
	name, what string
	pairing    pairing
	setup      string // more for config setup
	check      func(*testing.T, pair, pairing)
}{
	{"bulk", "8 MiB each way by TCP", pairing{esp: "aes128gcm16"}, "", checkBulk},
	{"sizes, ESP", "up to the MTU with DF, 4000 bytes in fragments, both ways", pairing{esp: "aes128-sha1"}, "", checkSizes},
	{"sizes, transport", "up to the MTU with DF, 4000 bytes in fragments, both ways", pairing{esp: "aes128-sha1", transport: true}, "", checkSizes},
}

func init() {
	for i := range checks {
		checks[i].pairing.spi = 0x8000 + 0x10*i
	}
}

func checkBulk(t *testing.T, pr pair, p pairing) { pr.bulk(t, p, 8<<20) }

// header is the length of the headers of a ping.
func (p pairing) header() int {
	if version(p.inner) == 6 || p.transport && version(p.outer) == 6 {
		return 48
	}
	return 28
}

var mtuText = regexp.MustCompile(`mtu ?= ?(\d+)`)

func checkSizes(t *testing.T, pr pair, p pairing) {
	text := pr.Run(t, "cat", "/sys/class/net/ipsec0/mtu")
	var mtu int
	fmt.Sscan(text, &mtu)
	pr.pingThem(t, p, fmt.Sprintf("-c 1 -M do -s %d", mtu-p.header()))
	pr.pingThem(t, p, "-c 1 -M dont -s 4000")
	pr.pingUs(t, p, "-c 1 -M dont -s 4000")
	// The kernel tells how much its own SA leaves room for.
	ours, _ := p.ends()
	out, err := pr.guest.try(fmt.Sprintf("ping -n -c 1 -W 1 -M do -s %d %s", 1500-p.header(), ours))
	m := mtuText.FindStringSubmatch(out)
	if err == nil || m == nil {
		t.Fatalf("a packet of 1500 bytes: %v\n%s", err, out)
	}
	room, _ := strconv.Atoi(m[1])
	t.Log(room)
	pr.pingUs(t, p, fmt.Sprintf("-c 1 -M do -s %d", room-p.header()))
	t.Log(pr.Machine.Run(t, bin+"/ipsec", "spi"))
}
