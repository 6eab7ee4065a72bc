package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"ipsec/conf/info"
)

// showdefaultsCmd is ipsec showdefaults, ipsec_showdefaults(8).
type showdefaultsCmd struct{}

// Run prints what start noted of the default route in ipsec.info: routephys,
// routevirt, routeaddr and routenexthop, each name=value. Where it noted
// nothing, it says so and the status is 1.
func (showdefaultsCmd) Run(e *env) error {
	path := e.Paths.Info()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s: expected it from a start that has run; ipsec setup start writes it", path)
	}
	lines, _, err := info.Read(path)
	if err != nil {
		return err
	}
	found := false
	for _, line := range info.StandingOf(lines).Lines() {
		if d, ok := line.(info.DefaultRoute); ok {
			found = true
			fmt.Fprintf(e.Stdout, "route%s=%s\n", d.Of, d.Value)
		}
	}
	if !found {
		return fmt.Errorf("%s holds no defaults: expected interfaces=%%defaultroute in ipsec.conf when the subsystem was started", path)
	}
	return nil
}
