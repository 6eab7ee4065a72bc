package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// showdefaultsCmd is ipsec showdefaults, ipsec_showdefaults(8).
type showdefaultsCmd struct{}

// Run prints what start noted of the default route in ipsec.info: routephys,
// routevirt, routeaddr and routenexthop, each name=value. Where it noted
// nothing, it says so and the status is 1.
func (showdefaultsCmd) Run(e *env) error {
	info := e.Paths.Info()
	text, err := os.ReadFile(info)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no %s: expected it from a start that has run; ipsec setup start writes it", info)
	case err != nil:
		return fmt.Errorf("failed to read what start noted: %w", err)
	}
	found := false
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "defaultroute"); ok && strings.Contains(rest, "=") {
			found = true
			fmt.Fprintf(e.Stdout, "route%s\n", strings.TrimSuffix(rest, "\n"))
		}
	}
	if !found {
		return fmt.Errorf("%s holds no defaults: expected interfaces=%%defaultroute in ipsec.conf when the subsystem was started", info)
	}
	return nil
}
