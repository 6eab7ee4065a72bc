package native

import (
	"context"
	"fmt"

	"ipsec/exec/keys"
	"ipsec/klips"
	"ipsec/plan"
)

// AddSA is like 'ipsec spi --said SAID --src SRC --esp ALG|--ah ALG
// [--replay_window N] [--encap SPORT:DPORT] --keys-of CONN'. No error shows
// anything of a key.
func (e *Executor) AddSA(_ context.Context, op plan.AddSA) error {
	sa, err := e.keyed(op)
	if err != nil {
		return fmt.Errorf("failed to set SA %s of conn %s: %w", op.SAID, op.KeysOf, err)
	}
	return e.ask(func(t klips.Table) error { return t.AddSA(sa) })
}

// keyed returns the SA of op with its keys.
func (e *Executor) keyed(op plan.AddSA) (klips.SA, error) {
	config, err := e.config()
	if err != nil {
		return klips.SA{}, err
	}
	if config == nil || config.Conn(op.KeysOf) == nil {
		return klips.SA{}, fmt.Errorf("there is no such conn in %s", e.env.Paths.Conf)
	}
	return keys.SA(config.Conn(op.KeysOf), op)
}
