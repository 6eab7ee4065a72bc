package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"ipsec/exec/host"
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
		routes, err := host.RoutesOver(links)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(w, strings.Join(append([]string{"ROUTING TABLE"}, routes...), "\n"))
		return err
	}}, nil
}
