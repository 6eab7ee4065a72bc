package tun

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/vishvananda/netlink"
)

// Ours returns the names of the devices of KLIPS in this network namespace,
// sorted, whether a daemon has them open or not. It needs no privilege.
func Ours() ([]string, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("failed to list links: %w", err)
	}
	var names []string
	for _, link := range links {
		if IsOurs(link) {
			names = append(names, link.Attrs().Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Remove takes a device of KLIPS away, whether a daemon has it open or not. It
// fails with ENOENT where there is none, and EPERM where the link of that name
// is somebody else's. It is like 'ip link delete NAME'.
func Remove(name string) error {
	link, err := netlink.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return fmt.Errorf("failed to remove %s: there is no such link: %w", name, syscall.ENOENT)
	}
	if err != nil {
		return fmt.Errorf("failed to look for %s: %w", name, err)
	}
	if !IsOurs(link) {
		return fmt.Errorf("refused to remove %s, which is not ours: expected a TUN device with alias %q: %w", name, Alias, syscall.EPERM)
	}
	if err := netlink.LinkDel(link); err != nil { // by its index
		return fmt.Errorf("failed to remove %s: %w", name, err)
	}
	return nil
}

// IsOurs reports whether link is a device of KLIPS.
func IsOurs(link netlink.Link) bool {
	return link.Type() == "tuntap" && link.Attrs().Alias == Alias || link.Type() == "tun" && link.Attrs().Alias == Alias
}
