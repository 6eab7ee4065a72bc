package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/vishvananda/netlink"

	"ipsec/klips"
	"ipsec/klips/options"
	"ipsec/klips/proc"
)

// lookCmd is ipsec look, ipsec_look(8).
type lookCmd struct{}

// Run prints eroutes with their groups, attachments, SAs, dropped packets and routes.
func (c *lookCmd) Run(e *env) error { return runTool(e, c) }

func (c *lookCmd) request(*env, options.Resolver) (request, error) {
	return request{show: func(w io.Writer, table klips.Table) error {
		name, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("failed to read the name of this host: %w", err)
		}
		if _, err := fmt.Fprintf(w, "%s %s\n", name, time.Now().Format(time.UnixDate)); err != nil {
			return err
		}
		tables, err := proc.Read(table)
		if err != nil {
			return err
		}
		if err := proc.Look(w, tables, time.Now()); err != nil {
			return err
		}
		var links []string
		for _, a := range tables.Attachments {
			links = append(links, a.Virtual, a.Physical)
		}
		return lookRoutes(w, links)
	}}, nil
}

// lookRoutes prints the routes over links, as ip-route(8) writes them.
func lookRoutes(w io.Writer, links []string) error {
	if _, err := fmt.Fprintln(w, "ROUTING TABLE"); err != nil {
		return err
	}
	all, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("failed to list links: %w", err)
	}
	for _, link := range all {
		name := link.Attrs().Name
		if !slices.Contains(links, name) {
			continue
		}
		routes, err := netlink.RouteList(link, netlink.FAMILY_ALL)
		if err != nil {
			return fmt.Errorf("failed to list the routes of %s: %w", name, err)
		}
		for _, route := range routes {
			fmt.Fprintln(w, routeText(route, name))
		}
	}
	return nil
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
