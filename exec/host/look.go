package host

import (
	"fmt"
	"slices"

	"github.com/vishvananda/netlink"
)

// RoutesOver returns the routes over links, in the order of the links' numbers, as
// ip-route(8) writes them.
func RoutesOver(links []string) ([]string, error) {
	all, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("failed to list links: %w", err)
	}
	var lines []string
	for _, link := range all {
		name := link.Attrs().Name
		if !slices.Contains(links, name) {
			continue
		}
		routes, err := netlink.RouteList(link, netlink.FAMILY_ALL)
		if err != nil {
			return nil, fmt.Errorf("failed to list the routes of %s: %w", name, err)
		}
		for _, route := range routes {
			lines = append(lines, routeText(route, name))
		}
	}
	return lines, nil
}

func routeText(route netlink.Route, link string) string {
	dst := "default"
	if route.Dst != nil {
		if ones, _ := route.Dst.Mask.Size(); ones > 0 {
			dst = route.Dst.String()
		}
	}
	text := dst
	if route.Gw != nil {
		text += " via " + route.Gw.String()
	}
	text += " dev " + link
	if route.Src != nil {
		text += " src " + route.Src.String()
	}
	if route.Priority != 0 {
		text += fmt.Sprintf(" metric %d", route.Priority)
	}
	return text
}
