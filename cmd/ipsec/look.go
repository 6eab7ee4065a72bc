package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"

	"ipsec/klips"
	"ipsec/klips/options"
	"ipsec/klips/proc"
	"ipsec/klips/said"
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
		links, err := lookTables(w, table)
		if err != nil {
			return err
		}
		return lookRoutes(w, links)
	}}, nil
}

// lookTables prints what KLIPS holds, and returns the links that it uses.
func lookTables(w io.Writer, table klips.Table) (links []string, err error) {
	sas, err := table.ListSAs()
	if err != nil {
		return nil, err
	}
	groups := make(map[said.SAID][]said.SAID)
	for _, sa := range sas {
		if len(sa.Group) > 0 && sa.Group[0] == sa.ID {
			groups[sa.ID] = sa.Group
		}
	}
	eroutes, err := table.ListEroutes()
	if err != nil {
		return nil, err
	}
	for _, eroute := range eroutes {
		leads := eroute.SAID.String()
		if group := groups[eroute.SAID]; group != nil {
			var names []string
			for _, id := range group {
				names = append(names, id.String())
			}
			leads = strings.Join(names, " ")
		}
		fmt.Fprintf(w, "%-18s -> %-18s => %s (%d)\n", end(eroute, true), end(eroute, false), leads, eroute.Packets)
	}
	attachments, err := table.ListAttachments()
	if err != nil {
		return nil, err
	}
	for _, a := range attachments {
		links = append(links, a.Virtual, a.Physical)
	}
	if err := proc.Tncfg(w, attachments); err != nil {
		return nil, err
	}
	if err := printSPI(w, sas); err != nil {
		return nil, err
	}
	drops, err := table.ListDrops()
	if err != nil {
		return nil, err
	}
	return links, proc.Drops(w, drops)
}

// end returns one end of an eroute: its prefix, then protocol and port where
// they matter.
func end(e klips.Eroute, source bool) string {
	text, port := e.Dst.String(), e.DstPort
	if source {
		text, port = e.Src.String(), e.SrcPort
	}
	if e.Proto != 0 {
		text += fmt.Sprintf(":%d", e.Proto)
		if port != 0 {
			text += fmt.Sprintf(":%d", port)
		}
	}
	return text
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
