package main

import (
	"fmt"

	"ipsec/klips"
	"ipsec/klips/options"
	"ipsec/klips/proc"
	"ipsec/klips/said"
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
	ids, err := c.saids(r)
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

// saids reads the arguments: SAIDs, or four words for each SA.
func (c *spigrpCmd) saids(r options.Resolver) ([]said.SAID, error) {
	var ids []said.SAID
	if f := options.Family(c.SAs[0]); c.Said || f != "inet" && f != "inet6" {
		for _, text := range c.SAs {
			id, err := r.SAID("SA", text)
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		return ids, nil
	}
	for rest := c.SAs; len(rest) > 0; rest = rest[4:] {
		if len(rest) < 4 {
			return nil, usageError(fmt.Sprintf("expected four words for each SA (family, address, SPI, protocol), found %d after the last whole one", len(rest)))
		}
		if err := options.Family(rest[0]).Check("SA"); err != nil {
			return nil, err
		}
		id, err := r.Parts(options.Family(rest[0]), rest[1], rest[2], rest[3])
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
