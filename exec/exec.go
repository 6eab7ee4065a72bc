// Package exec says what to do with a plan: native runs it as Go calls, shell
// writes it as POSIX shell and reads it back, planjson writes it as JSON, and
// host gathers the facts that a plan is compiled from.
package exec

import (
	"reflect"

	"ipsec/plan"
)

// Ops is one method for each op of package plan. Do hands an op to its
// method, so that an op which some backend does not handle does not compile.
type Ops interface {
	Log(plan.Log) error
	Lock(plan.Lock) error
	Save(plan.Save) error
	Restore(plan.Restore) error
	MakeDir(plan.MakeDir) error
	MakeDirs(plan.MakeDirs) error
	RemoveDir(plan.RemoveDir) error
	Remove(plan.Remove) error
	Write(plan.Write) error
	Append(plan.Append) error
	Touch(plan.Touch) error
	WritePID(plan.WritePID) error
	AddAddr(plan.AddAddr) error
	DelAddr(plan.DelAddr) error
	SetMTU(plan.SetMTU) error
	LinkUp(plan.LinkUp) error
	AddRoute(plan.AddRoute) error
	DelRoute(plan.DelRoute) error
	RPFilter(plan.RPFilter) error
	Modprobe(plan.Modprobe) error
	Run(plan.Run) error
	StartKlips(plan.StartKlips) error
	StartPluto(plan.StartPluto) error
	EndDaemon(plan.EndDaemon) error
	Attach(plan.Attach) error
	Detach(plan.Detach) error
	ClearInterfaces(plan.ClearInterfaces) error
	ClearEroutes(plan.ClearEroutes) error
	ClearSAs(plan.ClearSAs) error
	AddSA(plan.AddSA) error
	AddComp(plan.AddComp) error
	AddTunnel(plan.AddTunnel) error
	DelSA(plan.DelSA) error
	GroupSAs(plan.GroupSAs) error
	AddEroute(plan.AddEroute) error
	AddInflow(plan.AddInflow) error
	DelEroute(plan.DelEroute) error
	Updown(plan.Updown) error
	AddConn(plan.AddConn) error
	Listen(plan.Listen) error
	RouteConn(plan.RouteConn) error
	Initiate(plan.Initiate) error
	Whack(plan.Whack) error
}

// Do calls the method of ops that op belongs to. It panics on nil, which no
// plan holds.
func Do(ops Ops, op plan.Op) error {
	switch op := op.(type) {
	case plan.Log:
		return ops.Log(op)
	case plan.Lock:
		return ops.Lock(op)
	case plan.Save:
		return ops.Save(op)
	case plan.Restore:
		return ops.Restore(op)
	case plan.MakeDir:
		return ops.MakeDir(op)
	case plan.MakeDirs:
		return ops.MakeDirs(op)
	case plan.RemoveDir:
		return ops.RemoveDir(op)
	case plan.Remove:
		return ops.Remove(op)
	case plan.Write:
		return ops.Write(op)
	case plan.Append:
		return ops.Append(op)
	case plan.Touch:
		return ops.Touch(op)
	case plan.WritePID:
		return ops.WritePID(op)
	case plan.AddAddr:
		return ops.AddAddr(op)
	case plan.DelAddr:
		return ops.DelAddr(op)
	case plan.SetMTU:
		return ops.SetMTU(op)
	case plan.LinkUp:
		return ops.LinkUp(op)
	case plan.AddRoute:
		return ops.AddRoute(op)
	case plan.DelRoute:
		return ops.DelRoute(op)
	case plan.RPFilter:
		return ops.RPFilter(op)
	case plan.Modprobe:
		return ops.Modprobe(op)
	case plan.Run:
		return ops.Run(op)
	case plan.StartKlips:
		return ops.StartKlips(op)
	case plan.StartPluto:
		return ops.StartPluto(op)
	case plan.EndDaemon:
		return ops.EndDaemon(op)
	case plan.Attach:
		return ops.Attach(op)
	case plan.Detach:
		return ops.Detach(op)
	case plan.ClearInterfaces:
		return ops.ClearInterfaces(op)
	case plan.ClearEroutes:
		return ops.ClearEroutes(op)
	case plan.ClearSAs:
		return ops.ClearSAs(op)
	case plan.AddSA:
		return ops.AddSA(op)
	case plan.AddComp:
		return ops.AddComp(op)
	case plan.AddTunnel:
		return ops.AddTunnel(op)
	case plan.DelSA:
		return ops.DelSA(op)
	case plan.GroupSAs:
		return ops.GroupSAs(op)
	case plan.AddEroute:
		return ops.AddEroute(op)
	case plan.AddInflow:
		return ops.AddInflow(op)
	case plan.DelEroute:
		return ops.DelEroute(op)
	case plan.Updown:
		return ops.Updown(op)
	case plan.AddConn:
		return ops.AddConn(op)
	case plan.Listen:
		return ops.Listen(op)
	case plan.RouteConn:
		return ops.RouteConn(op)
	case plan.Initiate:
		return ops.Initiate(op)
	case plan.Whack:
		return ops.Whack(op)
	}
	panic("exec: no op")
}

// Zeros returns the zero value of every op, in the order of their names.
func Zeros() []plan.Op {
	ops := reflect.TypeFor[Ops]()
	zeros := make([]plan.Op, ops.NumMethod())
	for i := range zeros {
		zeros[i] = reflect.Zero(ops.Method(i).Type.In(0)).Interface().(plan.Op)
	}
	return zeros
}
