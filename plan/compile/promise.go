package compile

import (
	"ipsec/conf"
	"ipsec/plan"
	"ipsec/plan/change"
)

// Promise is what a start with a configuration would come to on a host, whether or not anything runs there.
type Promise struct {
	Items []change.Item // what it would leave on the machine

	resolved *resolved
}

// Promised returns what a start would come to. The error is a conf.Errors, as that of Setup.
func Promised(cfg *conf.Config, facts plan.Facts, paths conf.Paths) (*Promise, error) {
	c := newCompiler(plan.Start, cfg, facts, paths)
	r := c.whole()
	nodes := r.start()
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	return &Promise{Items: change.Wanted(plan.Plan{Nodes: nodes}, r.negotiated.leads), resolved: r}, nil
}
