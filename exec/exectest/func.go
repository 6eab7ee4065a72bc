// Package exectest is fakes for package exec: backends in which a plan runs
// without a machine, and a generator of plans.
package exectest

import (
	"ipsec/exec"
	"ipsec/plan"
)

// Func is Ops by one function, which every op goes to.
type Func func(plan.Op) error

var _ exec.Ops = Func(nil)

func (f Func) Log(op plan.Log) error                         { return f(op) }
func (f Func) Lock(op plan.Lock) error                       { return f(op) }
func (f Func) Save(op plan.Save) error                       { return f(op) }
func (f Func) Restore(op plan.Restore) error                 { return f(op) }
func (f Func) MakeDir(op plan.MakeDir) error                 { return f(op) }
func (f Func) MakeDirs(op plan.MakeDirs) error               { return f(op) }
func (f Func) RemoveDir(op plan.RemoveDir) error             { return f(op) }
func (f Func) Remove(op plan.Remove) error                   { return f(op) }
func (f Func) Write(op plan.Write) error                     { return f(op) }
func (f Func) Append(op plan.Append) error                   { return f(op) }
func (f Func) Touch(op plan.Touch) error                     { return f(op) }
func (f Func) WritePID(op plan.WritePID) error               { return f(op) }
func (f Func) AddAddr(op plan.AddAddr) error                 { return f(op) }
func (f Func) DelAddr(op plan.DelAddr) error                 { return f(op) }
func (f Func) SetMTU(op plan.SetMTU) error                   { return f(op) }
func (f Func) LinkUp(op plan.LinkUp) error                   { return f(op) }
func (f Func) AddRoute(op plan.AddRoute) error               { return f(op) }
func (f Func) DelRoute(op plan.DelRoute) error               { return f(op) }
func (f Func) RPFilter(op plan.RPFilter) error               { return f(op) }
func (f Func) Modprobe(op plan.Modprobe) error               { return f(op) }
func (f Func) Run(op plan.Run) error                         { return f(op) }
func (f Func) StartKlips(op plan.StartKlips) error           { return f(op) }
func (f Func) StartPluto(op plan.StartPluto) error           { return f(op) }
func (f Func) EndDaemon(op plan.EndDaemon) error             { return f(op) }
func (f Func) Attach(op plan.Attach) error                   { return f(op) }
func (f Func) Detach(op plan.Detach) error                   { return f(op) }
func (f Func) ClearInterfaces(op plan.ClearInterfaces) error { return f(op) }
func (f Func) ClearEroutes(op plan.ClearEroutes) error       { return f(op) }
func (f Func) ClearSAs(op plan.ClearSAs) error               { return f(op) }
func (f Func) AddSA(op plan.AddSA) error                     { return f(op) }
func (f Func) AddComp(op plan.AddComp) error                 { return f(op) }
func (f Func) AddTunnel(op plan.AddTunnel) error             { return f(op) }
func (f Func) DelSA(op plan.DelSA) error                     { return f(op) }
func (f Func) GroupSAs(op plan.GroupSAs) error               { return f(op) }
func (f Func) AddEroute(op plan.AddEroute) error             { return f(op) }
func (f Func) AddInflow(op plan.AddInflow) error             { return f(op) }
func (f Func) DelEroute(op plan.DelEroute) error             { return f(op) }
func (f Func) Updown(op plan.Updown) error                   { return f(op) }
func (f Func) AddConn(op plan.AddConn) error                 { return f(op) }
func (f Func) Listen(op plan.Listen) error                   { return f(op) }
func (f Func) RouteConn(op plan.RouteConn) error             { return f(op) }
func (f Func) Initiate(op plan.Initiate) error               { return f(op) }
func (f Func) Whack(op plan.Whack) error                     { return f(op) }
