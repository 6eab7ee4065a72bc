package daemon

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipsec/klips"
	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/natt"
)

// endpoints are the sockets of IKE. They are for one goroutine.
type endpoints struct {
	deliver func(d pluto.Datagram, gone <-chan struct{})
	log     func(string)
	nat     func(pluto.Datagram) error // sends from port 4500, which KLIPS owns; nil where we do
	sockets []*socket
	refused map[endpoint]string // what has been said of those that could not be bound
}

// follow opens a socket for each address of wanted that has none, and closes
// those of addresses that are no longer wanted.
func (e *endpoints) follow(wanted []endpoint) {
	e.sockets = slices.DeleteFunc(e.sockets, func(s *socket) bool {
		if slices.Contains(wanted, s.endpoint) {
			return false
		}
		s.close()
		return true
	})
	refused := make(map[endpoint]string)
	for _, at := range wanted {
		if slices.ContainsFunc(e.sockets, func(s *socket) bool { return s.endpoint == at }) {
			continue
		}
		s, err := bind(at, e.deliver)
		if err != nil { // said once, and tried again whenever addresses change
			refused[at] = err.Error()
			if e.refused[at] != err.Error() {
				e.log(err.Error())
			}
			continue
		}
		e.sockets = append(e.sockets, s)
	}
	e.refused = refused
}

// deaf says where IKE should be heard, and is not.
func (e *endpoints) deaf() error {
	if len(e.refused) == 0 {
		return nil
	}
	lines := slices.Sorted(maps.Values(e.refused))
	return &connection.Error{Code: pluto.RCDeaf, Text: strings.Join(lines, "; ")}
}

// Send sends a message from the socket of its local address.
func (e *endpoints) Send(d pluto.Datagram) error {
	if e.nat != nil && d.Local.Port() == natt.Port {
		return e.nat(d)
	}
	for _, s := range e.sockets {
		if s.addr == d.Local {
			return s.send(d)
		}
	}
	return fmt.Errorf("failed to send IKE from %s: %w", d.Local, unix.EADDRNOTAVAIL)
}

func (e *endpoints) close() { e.follow(nil) }

// addresses lists the addresses of the physical interfaces that virtual ones
// are bound to, or with all those of every interface that is up. Those of
// which IKE could not be spoken yet or ever are left out: link-local ones, and
// those of IPv6 that are still tentative.
func addresses(attached []klips.Attachment, all bool) ([]endpoint, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("failed to list the interfaces: %w", err)
	}
	var list []endpoint
	for _, link := range links {
		name := link.Attrs().Name
		bound := slices.ContainsFunc(attached, func(a klips.Attachment) bool { return a.Physical == name })
		if !bound && (!all || link.Attrs().RawFlags&unix.IFF_UP == 0) {
			continue
		}
		addrs, err := netlink.AddrList(link, netlink.FAMILY_ALL)
		if err != nil {
			return nil, fmt.Errorf("failed to list the addresses of %s: %w", name, err)
		}
		for _, a := range addrs {
			addr, ok := netip.AddrFromSlice(a.IP)
			addr = addr.Unmap()
			if !ok || addr.IsLinkLocalUnicast() || a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0 {
				continue
			}
			at := endpoint{link: name, addr: netip.AddrPortFrom(addr, natt.PortIKE)}
			if !slices.Contains(list, at) {
				list = append(list, at)
			}
		}
	}
	return list, nil
}

// retry is how long a lost netlink socket is left alone before another is tried.
const retry = time.Second

// watch calls changed whenever an address or an interface has come or gone,
// until the context ends. It may be called more often than something changes.
func watch(ctx context.Context, changed func(), log func(string)) {
	for ctx.Err() == nil {
		if err := watchOnce(ctx, changed); err != nil {
			log(fmt.Sprintf("failed to follow the addresses of this host: %v", err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(retry):
		}
		changed()
	}
}

// watchOnce returns when netlink has lost messages, as it does under a flood.
func watchOnce(ctx context.Context, changed func()) error {
	done := make(chan struct{})
	defer close(done)
	addrs := make(chan netlink.AddrUpdate, 16)
	links := make(chan netlink.LinkUpdate, 16)
	lost := make(chan error, 2)
	on := func(err error) {
		select {
		case lost <- err:
		default:
		}
	}
	if err := netlink.AddrSubscribeWithOptions(addrs, done, netlink.AddrSubscribeOptions{ErrorCallback: on}); err != nil {
		return err
	}
	if err := netlink.LinkSubscribeWithOptions(links, done, netlink.LinkSubscribeOptions{ErrorCallback: on}); err != nil {
		return err
	}
	defer drain(addrs)
	defer drain(links)
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-lost:
			return err
		case _, ok := <-addrs:
			if !ok {
				return nil
			}
		case _, ok := <-links:
			if !ok {
				return nil
			}
		}
		changed()
	}
}

// drain lets the goroutine that netlink feeds a channel from come to its end.
func drain[T any](c <-chan T) {
	go func() {
		for range c {
		}
	}()
}

// readdress follows the addresses of the interfaces that KLIPS is bound to.
func (w *worker) readdress() error {
	attached, err := w.stack.Kernel.ListAttachments()
	if err != nil {
		return fmt.Errorf("failed to ask KLIPS for its interfaces: %w", err)
	}
	var list []endpoint
	if w.listening {
		if list, err = addresses(attached, w.stack.Everywhere); err != nil {
			return err
		}
	}
	var ours []connection.Address
	for _, at := range list {
		a := connection.Address{Addr: at.addr.Addr()}
		if i := slices.IndexFunc(attached, func(a klips.Attachment) bool { return a.Physical == at.link }); i >= 0 {
			a.Virtual = attached[i].Virtual
		}
		ours = append(ours, a)
	}
	w.endpoints.follow(withNATPort(list, w.stack.Send == nil))
	w.table.Listen(ours)
	return nil
}

// withNATPort adds port 4500 where it is ours to open.
func withNATPort(list []endpoint, own bool) []endpoint {
	if !own {
		return list
	}
	for _, at := range slices.Clone(list) {
		at.addr = netip.AddrPortFrom(at.addr.Addr(), natt.Port)
		list = append(list, at)
	}
	return list
}
