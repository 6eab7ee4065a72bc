package engine_test

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipsec/golden/lab"
	"ipsec/klips"
	"ipsec/klips/offload"
	"ipsec/klips/said"
)

// TestOverflow holds a gateway up until the kernel has no room for what comes: each
// packet is delivered, or counted.
func TestOverflow(t *testing.T) {
	for name, c := range map[string]struct {
		encap, xdp bool
		without    offload.Set
	}{
		"raw sockets": {},
		"UDP":         {encap: true, without: offload.GRO}, // which makes one of many
		"AF_XDP":      {xdp: true},
	} {
		t.Run(name, func(t *testing.T) {
			if c.xdp {
				lab.NeedXDP(t)
			}
			west, east := gatewaysOf(t, c.without, 0, c.xdp)
			conn{src: "192.1.2.23", dst: "192.1.2.45", srcNet: "10.1.0.0/16", dstNet: "10.2.0.0/16", protos: []said.Proto{said.IPIP, said.ESP}, sa: gcm(), encap: c.encap}.both(west, east)
			if c.xdp {
				east.says(byExpress)
			}
			west.sh("ping -c 1 -W 5 -I 10.1.0.1 10.2.0.1") // so that neighbours are known
			if err := syscall.Kill(east.pid, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			for range 20 { // what the virtual interface has no room for on a busy machine was not sent
				west.sh("ping -q -l 4000 -c 4000 -s 1300 -W 1 -I 10.1.0.1 10.2.0.1; true")
				if west.sent() > 10000 {
					break
				}
			}
			if err := syscall.Kill(east.pid, syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			sent, arrived, lost := west.sent(), 0, 0
			lab.Eventually(t, 10*time.Second, func() error {
				arrived, lost = east.echoes(), east.dropped()[klips.DropLate.String()]
				if lost == 0 || arrived+lost != sent {
					return fmt.Errorf("%d packets sent, %d arrived, %d counted as lost; west dropped %s; east dropped %s",
						sent, arrived, lost, west.do(order{Drops: true}), east.do(order{Drops: true}))
				}
				return nil
			})
		})
	}
}

// sent returns how many packets the host has given to the engine, and the engine sent.
func (n *namespace) sent() int {
	n.t.Helper()
	count := n.number("ip -s link show ipsec0 | awk '/TX:/ {getline; print $2}'")
	for _, dropped := range n.dropped() {
		count -= dropped
	}
	return count
}

// echoes returns how many pings the host has got.
func (n *namespace) echoes() int {
	n.t.Helper()
	return n.number(`awk '/^Icmp:/ && !at {for (i = 2; i <= NF; i++) if ($i == "InEchos") at = i; next} /^Icmp:/ {print $at}' /proc/net/snmp`)
}

// dropped returns how many packets the engine says it dropped, or the kernel did
// before it, by reason.
func (n *namespace) dropped() map[string]int {
	n.t.Helper()
	list := map[string]int{}
	for drop := range strings.SplitSeq(n.do(order{Drops: true}), "; ") {
		if count, reason, ok := strings.Cut(drop, " "); ok {
			list[reason] = n.parse(count)
		}
	}
	return list
}

// number returns what a command of the shell prints.
func (n *namespace) number(command string) int {
	n.t.Helper()
	return n.parse(strings.TrimSpace(n.do(order{Shell: command})))
}

func (n *namespace) parse(text string) int {
	n.t.Helper()
	count, err := strconv.Atoi(text)
	if err != nil {
		n.t.Fatal(err)
	}
	return count
}
