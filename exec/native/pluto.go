package native

import (
	"errors"

	"ipsec/plan"
)

// ErrNoPluto is why every op that needs the key-negotiation daemon is refused.
var ErrNoPluto = errors.New("this build has no Pluto yet: set pluto=no in config setup, and use manually keyed connections")

// StartPluto is like 'ipsec pluto ARG…'.
func (e *Executor) StartPluto(plan.StartPluto) error { return ErrNoPluto }

// AddConn is like 'ipsec whack --name NAME ARG…'.
func (e *Executor) AddConn(plan.AddConn) error { return ErrNoPluto }

// Listen is like 'ipsec whack --listen'.
func (e *Executor) Listen(plan.Listen) error { return ErrNoPluto }

// RouteConn is like 'ipsec whack --name NAME --route'.
func (e *Executor) RouteConn(plan.RouteConn) error { return ErrNoPluto }

// Initiate is like 'ipsec whack --name NAME --initiate [--asynchronous]'.
func (e *Executor) Initiate(plan.Initiate) error { return ErrNoPluto }
