// Package exectest has fakes for package exec: backends in which a plan runs
// without a machine, and a generator of plans.
package exectest

import (
	"context"

	"ipsec/exec"
	"ipsec/plan"
)

// Func implements exec.Ops by one function, which gets every op.
type Func func(context.Context, plan.Op) error

var _ exec.Ops = Func(nil)

func (f Func) Log(ctx context.Context, op plan.Log) error                         { return f(ctx, op) }
func (f Func) Lock(ctx context.Context, op plan.Lock) error                       { return f(ctx, op) }
func (f Func) Save(ctx context.Context, op plan.Save) error                       { return f(ctx, op) }
func (f Func) Restore(ctx context.Context, op plan.Restore) error                 { return f(ctx, op) }
func (f Func) Keep(ctx context.Context, op plan.Keep) error                       { return f(ctx, op) }
func (f Func) Arm(ctx context.Context, op plan.Arm) error                         { return f(ctx, op) }
func (f Func) Disarm(ctx context.Context, op plan.Disarm) error                   { return f(ctx, op) }
func (f Func) GoBack(ctx context.Context, op plan.GoBack) error                   { return f(ctx, op) }
func (f Func) Ping(ctx context.Context, op plan.Ping) error                       { return f(ctx, op) }
func (f Func) MakeDir(ctx context.Context, op plan.MakeDir) error                 { return f(ctx, op) }
func (f Func) MakeDirs(ctx context.Context, op plan.MakeDirs) error               { return f(ctx, op) }
func (f Func) RemoveDir(ctx context.Context, op plan.RemoveDir) error             { return f(ctx, op) }
func (f Func) Remove(ctx context.Context, op plan.Remove) error                   { return f(ctx, op) }
func (f Func) Write(ctx context.Context, op plan.Write) error                     { return f(ctx, op) }
func (f Func) Append(ctx context.Context, op plan.Append) error                   { return f(ctx, op) }
func (f Func) Touch(ctx context.Context, op plan.Touch) error                     { return f(ctx, op) }
func (f Func) WritePID(ctx context.Context, op plan.WritePID) error               { return f(ctx, op) }
func (f Func) AddAddr(ctx context.Context, op plan.AddAddr) error                 { return f(ctx, op) }
func (f Func) DelAddr(ctx context.Context, op plan.DelAddr) error                 { return f(ctx, op) }
func (f Func) SetMTU(ctx context.Context, op plan.SetMTU) error                   { return f(ctx, op) }
func (f Func) LinkUp(ctx context.Context, op plan.LinkUp) error                   { return f(ctx, op) }
func (f Func) AddRoute(ctx context.Context, op plan.AddRoute) error               { return f(ctx, op) }
func (f Func) DelRoute(ctx context.Context, op plan.DelRoute) error               { return f(ctx, op) }
func (f Func) RPFilter(ctx context.Context, op plan.RPFilter) error               { return f(ctx, op) }
func (f Func) Modprobe(ctx context.Context, op plan.Modprobe) error               { return f(ctx, op) }
func (f Func) Run(ctx context.Context, op plan.Run) error                         { return f(ctx, op) }
func (f Func) StartKlips(ctx context.Context, op plan.StartKlips) error           { return f(ctx, op) }
func (f Func) StartPluto(ctx context.Context, op plan.StartPluto) error           { return f(ctx, op) }
func (f Func) EndDaemon(ctx context.Context, op plan.EndDaemon) error             { return f(ctx, op) }
func (f Func) Attach(ctx context.Context, op plan.Attach) error                   { return f(ctx, op) }
func (f Func) Detach(ctx context.Context, op plan.Detach) error                   { return f(ctx, op) }
func (f Func) ClearInterfaces(ctx context.Context, op plan.ClearInterfaces) error { return f(ctx, op) }
func (f Func) ClearEroutes(ctx context.Context, op plan.ClearEroutes) error       { return f(ctx, op) }
func (f Func) ClearSAs(ctx context.Context, op plan.ClearSAs) error               { return f(ctx, op) }
func (f Func) AddSA(ctx context.Context, op plan.AddSA) error                     { return f(ctx, op) }
func (f Func) AddComp(ctx context.Context, op plan.AddComp) error                 { return f(ctx, op) }
func (f Func) AddTunnel(ctx context.Context, op plan.AddTunnel) error             { return f(ctx, op) }
func (f Func) DelSA(ctx context.Context, op plan.DelSA) error                     { return f(ctx, op) }
func (f Func) GroupSAs(ctx context.Context, op plan.GroupSAs) error               { return f(ctx, op) }
func (f Func) AddEroute(ctx context.Context, op plan.AddEroute) error             { return f(ctx, op) }
func (f Func) AddInflow(ctx context.Context, op plan.AddInflow) error             { return f(ctx, op) }
func (f Func) DelEroute(ctx context.Context, op plan.DelEroute) error             { return f(ctx, op) }
func (f Func) Updown(ctx context.Context, op plan.Updown) error                   { return f(ctx, op) }
func (f Func) AddConn(ctx context.Context, op plan.AddConn) error                 { return f(ctx, op) }
func (f Func) Listen(ctx context.Context, op plan.Listen) error                   { return f(ctx, op) }
func (f Func) RouteConn(ctx context.Context, op plan.RouteConn) error             { return f(ctx, op) }
func (f Func) Initiate(ctx context.Context, op plan.Initiate) error               { return f(ctx, op) }
func (f Func) Whack(ctx context.Context, op plan.Whack) error                     { return f(ctx, op) }
