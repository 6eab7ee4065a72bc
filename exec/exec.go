// Package exec says what to do with a plan: native runs it as Go calls, shell
// writes it as POSIX shell and reads it back, planjson writes it as JSON, and
// host gathers the facts that a plan is compiled from.
package exec

import (
	"context"
	"reflect"

	"ipsec/plan"
)

// Ops is one method for each op of package plan. Do hands an op to its
// method, so that an op which some backend does not handle does not compile.
// An op that waits for a peer returns when the context is done; others go on to
// their end.
type Ops interface {
	Log(context.Context, plan.Log) error
	Lock(context.Context, plan.Lock) error
	Save(context.Context, plan.Save) error
	Restore(context.Context, plan.Restore) error
	Keep(context.Context, plan.Keep) error
	Arm(context.Context, plan.Arm) error
	Disarm(context.Context, plan.Disarm) error
	GoBack(context.Context, plan.GoBack) error
	Ping(context.Context, plan.Ping) error
	MakeDir(context.Context, plan.MakeDir) error
	MakeDirs(context.Context, plan.MakeDirs) error
	RemoveDir(context.Context, plan.RemoveDir) error
	Remove(context.Context, plan.Remove) error
	Write(context.Context, plan.Write) error
	Append(context.Context, plan.Append) error
	Touch(context.Context, plan.Touch) error
	WritePID(context.Context, plan.WritePID) error
	AddAddr(context.Context, plan.AddAddr) error
	DelAddr(context.Context, plan.DelAddr) error
	SetMTU(context.Context, plan.SetMTU) error
	LinkUp(context.Context, plan.LinkUp) error
	AddRoute(context.Context, plan.AddRoute) error
	DelRoute(context.Context, plan.DelRoute) error
	RPFilter(context.Context, plan.RPFilter) error
	Modprobe(context.Context, plan.Modprobe) error
	Run(context.Context, plan.Run) error
	StartKlips(context.Context, plan.StartKlips) error
	StartPluto(context.Context, plan.StartPluto) error
	EndDaemon(context.Context, plan.EndDaemon) error
	Attach(context.Context, plan.Attach) error
	Detach(context.Context, plan.Detach) error
	ClearInterfaces(context.Context, plan.ClearInterfaces) error
	ClearEroutes(context.Context, plan.ClearEroutes) error
	ClearSAs(context.Context, plan.ClearSAs) error
	AddSA(context.Context, plan.AddSA) error
	AddComp(context.Context, plan.AddComp) error
	AddTunnel(context.Context, plan.AddTunnel) error
	DelSA(context.Context, plan.DelSA) error
	GroupSAs(context.Context, plan.GroupSAs) error
	AddEroute(context.Context, plan.AddEroute) error
	AddInflow(context.Context, plan.AddInflow) error
	DelEroute(context.Context, plan.DelEroute) error
	Updown(context.Context, plan.Updown) error
	AddConn(context.Context, plan.AddConn) error
	Listen(context.Context, plan.Listen) error
	RouteConn(context.Context, plan.RouteConn) error
	Initiate(context.Context, plan.Initiate) error
	Whack(context.Context, plan.Whack) error
}

// Do calls the method of ops that op belongs to. It panics on nil, which no
// plan holds.
func Do(ctx context.Context, ops Ops, op plan.Op) error {
	switch op := op.(type) {
	case plan.Log:
		return ops.Log(ctx, op)
	case plan.Lock:
		return ops.Lock(ctx, op)
	case plan.Save:
		return ops.Save(ctx, op)
	case plan.Restore:
		return ops.Restore(ctx, op)
	case plan.Keep:
		return ops.Keep(ctx, op)
	case plan.Arm:
		return ops.Arm(ctx, op)
	case plan.Disarm:
		return ops.Disarm(ctx, op)
	case plan.GoBack:
		return ops.GoBack(ctx, op)
	case plan.Ping:
		return ops.Ping(ctx, op)
	case plan.MakeDir:
		return ops.MakeDir(ctx, op)
	case plan.MakeDirs:
		return ops.MakeDirs(ctx, op)
	case plan.RemoveDir:
		return ops.RemoveDir(ctx, op)
	case plan.Remove:
		return ops.Remove(ctx, op)
	case plan.Write:
		return ops.Write(ctx, op)
	case plan.Append:
		return ops.Append(ctx, op)
	case plan.Touch:
		return ops.Touch(ctx, op)
	case plan.WritePID:
		return ops.WritePID(ctx, op)
	case plan.AddAddr:
		return ops.AddAddr(ctx, op)
	case plan.DelAddr:
		return ops.DelAddr(ctx, op)
	case plan.SetMTU:
		return ops.SetMTU(ctx, op)
	case plan.LinkUp:
		return ops.LinkUp(ctx, op)
	case plan.AddRoute:
		return ops.AddRoute(ctx, op)
	case plan.DelRoute:
		return ops.DelRoute(ctx, op)
	case plan.RPFilter:
		return ops.RPFilter(ctx, op)
	case plan.Modprobe:
		return ops.Modprobe(ctx, op)
	case plan.Run:
		return ops.Run(ctx, op)
	case plan.StartKlips:
		return ops.StartKlips(ctx, op)
	case plan.StartPluto:
		return ops.StartPluto(ctx, op)
	case plan.EndDaemon:
		return ops.EndDaemon(ctx, op)
	case plan.Attach:
		return ops.Attach(ctx, op)
	case plan.Detach:
		return ops.Detach(ctx, op)
	case plan.ClearInterfaces:
		return ops.ClearInterfaces(ctx, op)
	case plan.ClearEroutes:
		return ops.ClearEroutes(ctx, op)
	case plan.ClearSAs:
		return ops.ClearSAs(ctx, op)
	case plan.AddSA:
		return ops.AddSA(ctx, op)
	case plan.AddComp:
		return ops.AddComp(ctx, op)
	case plan.AddTunnel:
		return ops.AddTunnel(ctx, op)
	case plan.DelSA:
		return ops.DelSA(ctx, op)
	case plan.GroupSAs:
		return ops.GroupSAs(ctx, op)
	case plan.AddEroute:
		return ops.AddEroute(ctx, op)
	case plan.AddInflow:
		return ops.AddInflow(ctx, op)
	case plan.DelEroute:
		return ops.DelEroute(ctx, op)
	case plan.Updown:
		return ops.Updown(ctx, op)
	case plan.AddConn:
		return ops.AddConn(ctx, op)
	case plan.Listen:
		return ops.Listen(ctx, op)
	case plan.RouteConn:
		return ops.RouteConn(ctx, op)
	case plan.Initiate:
		return ops.Initiate(ctx, op)
	case plan.Whack:
		return ops.Whack(ctx, op)
	}
	panic("exec: no op")
}

// Zeros returns the zero value of every op, in the order of their names.
func Zeros() []plan.Op {
	ops := reflect.TypeFor[Ops]()
	zeros := make([]plan.Op, ops.NumMethod())
	for i := range zeros {
		zeros[i] = reflect.Zero(ops.Method(i).Type.In(1)).Interface().(plan.Op)
	}
	return zeros
}
