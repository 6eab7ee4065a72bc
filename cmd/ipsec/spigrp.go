package main

import (
	"fmt"

	"ipsec/klips"
	"ipsec/klips/options"
	"ipsec/klips/proc"
	"ipsec/plan"
)

// spigrpCmd is ipsec spigrp, ipsec_spigrp(8).
type spigrpCmd struct {
	Said  bool     `help:"The SAs follow as SAIDs, one argument each. This is the default."`
	Label string   `placeholder:"TEXT" help:"Begin what is said with TEXT."`
	SAs   []string `arg:"" optional:"" sep:"none" name:"sa" help:"SAs from the innermost to the outermost, each a SAID like tun0x201@192.0.2.1 or four words like inet 192.0.2.1 0x201 tun."`
}

// Run groups the SAs; without any it prints the groups.
func (c *spigrpCmd) Run(e *env) error {
	err := runTool(e, c)
	if err != nil && c.Label != "" {
		return fmt.Errorf("%s: %w", c.Label, err)
	}
	return err
}

func (c *spigrpCmd) request(_ *env, r options.Resolver) (request, error) {
	if len(c.SAs) == 0 {
		if c.Said {
			return request{}, usageError("--said needs one to four SAIDs after it")
		}
		return listing(klips.Table.ListSAs, proc.SPIGrp), nil
	}
	ids, err := r.SAIDs(c.SAs, c.Said)
	switch {
	case err != nil:
		return request{}, err
	case len(ids) > 4:
		return request{}, usageError(fmt.Sprintf("expected at most four SAs, found %d", len(ids)))
	case len(ids) == 1:
		return request{call: func(table klips.Table) error { return table.GroupSAs(ids) }}, nil
	}
	return request{op: plan.GroupSAs{SAIDs: ids}}, nil
}
