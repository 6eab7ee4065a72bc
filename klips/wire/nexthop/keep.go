package nexthop

import (
	"errors"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipsec/klips/route/rtnetlink"
)

// A message is what the kernel announces; lost says that it announced more than
// there was room for.
type message struct {
	syscall.NetlinkMessage
	lost bool
}

// read passes messages on until the socket is closed.
func (t *Table) read() {
	for {
		list, from, err := t.socket.Receive()
		if err == nil && from.Pid != 0 {
			continue // not the kernel
		}
		if errors.Is(err, os.ErrClosed) || errors.Is(err, unix.EBADF) {
			return
		}
		if err != nil { // ENOBUFS, of a socket that is full
			t.drain()
			list = []syscall.NetlinkMessage{{}}
		}
		for _, m := range list {
			select {
			case t.messages <- message{m, err != nil}:
			case <-t.stop:
				return
			}
		}
	}
}

// drain throws away what the kernel announced before it had no room: that is older than
// what it says when it is asked, and until it is gone nothing else comes, nor word of that.
func (t *Table) drain() {
	var b [1 << 12]byte
	for {
		_, _, err := unix.Recvfrom(t.again, b[:], unix.MSG_DONTWAIT)
		if err != nil && err != unix.EINTR && err != unix.ENOBUFS {
			return
		}
	}
}

// keep answers what is asked, and holds the answers against what is announced.
func (t *Table) keep() {
	var again <-chan time.Time // routes changed lately, and once more since
	for {
		select {
		case <-t.stop:
			return
		case dst := <-t.wanted:
			t.answer(dst)
		case m := <-t.messages:
			if !t.hear(m) || again != nil {
				continue
			}
			again = time.After(max(0, changeInterval-time.Since(t.changed)))
		case <-again:
			again = nil
			t.changed = time.Now()
			t.epoch.Add(1)
		}
	}
}

// hear handles an announcement, and reports whether routes may have changed.
func (t *Table) hear(m message) bool {
	if m.lost {
		_ = t.relearn() // an interface that is gone has no neighbours
		return true
	}
	switch m.Header.Type {
	case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
		n, err := netlink.NeighDeserialize(m.Data)
		if err != nil || n.LinkIndex != t.index || n.Family != unix.AF_INET && n.Family != unix.AF_INET6 {
			return false
		}
		if m.Header.Type == unix.RTM_DELNEIGH {
			n.State = netlink.NUD_NONE
		}
		t.meet(n)
		return false
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		l, err := netlink.LinkDeserialize((*unix.NlMsghdr)(&m.Header), m.Data)
		if err != nil || l.Attrs().Index != t.index {
			return false
		}
		if m.Header.Type == unix.RTM_DELLINK {
			t.see(link{})
		} else {
			t.see(linkOf(l))
		}
		return true
	}
	return true
}

// relearn asks for the interface and its neighbours anew.
func (t *Table) relearn() error {
	l, err := t.handle.LinkByIndex(t.index)
	if err != nil {
		t.see(link{})
		return err
	}
	list, err := rtnetlink.Dump(func() ([]netlink.Neigh, error) { return t.handle.NeighList(t.index, netlink.FAMILY_ALL) })
	if err != nil {
		list = nil
	}
	t.neighbours = map[netip.Addr]neighbour{}
	for i := range list {
		t.meet(&list[i])
	}
	t.see(linkOf(l))
	return err
}

// A link is what counts of the interface.
type link struct {
	up  bool // and has Ethernet headers, and asks for addresses
	mac [6]byte
}

func linkOf(l netlink.Link) link {
	a := l.Attrs()
	up := a.EncapType == "ether" && len(a.HardwareAddr) == 6 && a.RawFlags&unix.IFF_UP != 0 && a.RawFlags&(unix.IFF_NOARP|unix.IFF_LOOPBACK) == 0
	if !up {
		return link{}
	}
	return link{up: true, mac: [6]byte(a.HardwareAddr)}
}

// see notes the state of the interface.
func (t *Table) see(l link) {
	t.link = l
	for key, g := range t.gateways {
		t.renew(key, g)
	}
	t.reach.Store(l.up)
}

// meet notes the state of a neighbour.
func (t *Table) meet(n *netlink.Neigh) {
	addr, ok := netip.AddrFromSlice(n.IP)
	if !ok || n.Flags&unix.NTF_PROXY != 0 {
		return
	}
	addr = addr.Unmap()
	const good = netlink.NUD_REACHABLE | netlink.NUD_PERMANENT | netlink.NUD_NOARP
	if n.State&(good|netlink.NUD_STALE|netlink.NUD_DELAY|netlink.NUD_PROBE) == 0 || len(n.HardwareAddr) != 6 {
		delete(t.neighbours, addr)
	} else {
		t.neighbours[addr] = neighbour{[6]byte(n.HardwareAddr), n.State&good != 0}
	}
	for _, six := range []bool{false, true} {
		if key := (gatewayKey{addr, six}); t.gateways[key] != nil {
			t.renew(key, t.gateways[key])
		}
	}
}

// renew writes the header of a gateway anew.
func (t *Table) renew(key gatewayKey, g *gateway) {
	n, ok := t.neighbours[key.addr]
	if !ok || !t.link.up {
		g.hop.Store(nil)
		return
	}
	hop := &Hop{sure: n.sure}
	copy(hop.Header[:], n.mac[:])
	copy(hop.Header[6:], t.link.mac[:])
	hop.Header[12], hop.Header[13] = unix.ETH_P_IP>>8, unix.ETH_P_IP&0xff
	if key.six {
		hop.Header[12], hop.Header[13] = unix.ETH_P_IPV6>>8, unix.ETH_P_IPV6&0xff
	}
	if old := g.hop.Load(); old == nil || *old != *hop {
		g.hop.Store(hop)
	}
}
