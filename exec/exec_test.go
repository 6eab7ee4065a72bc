package exec_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"ipsec/exec"
	"ipsec/exec/exectest"
	"ipsec/plan"
)

// declared returns the names of the types of package plan that have a method
// of that name, from its source.
func declared(t *testing.T, method string) (names []string) {
	t.Helper()
	files, err := filepath.Glob("../plan/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != method || fn.Type.Params.NumFields() > 0 {
				continue
			}
			if recv, ok := fn.Recv.List[0].Type.(*ast.Ident); ok {
				names = append(names, recv.Name)
			}
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		t.Fatalf("no type of package plan has a method %s", method)
	}
	return names
}

// zeroless are the ops that say all by their type.
var zeroless = []string{"StartKlips", "StartPluto", "ClearInterfaces", "ClearEroutes", "ClearSAs", "Listen", "GoBack"}

func TestEveryOpIsHandled(t *testing.T) {
	var names []string
	for _, zero := range exec.Zeros() {
		name := reflect.TypeOf(zero).Name()
		names = append(names, name)
		var got plan.Op
		if err := exec.Do(t.Context(), exectest.Func(func(_ context.Context, op plan.Op) error { got = op; return nil }), zero); err != nil {
			t.Errorf("Do(%s) = %v", name, err)
		}
		if !reflect.DeepEqual(got, zero) {
			t.Errorf("Do(%s) is %T", name, got)
		}
		err := plan.Validate(plan.Step{Op: zero, OnFail: plan.OnFail{Kind: plan.FailIgnore}})
		if valid := slices.Contains(zeroless, name); valid != (err == nil) {
			t.Errorf("the zero value of %s: Validate = %v", name, err)
		}
	}
	if want := declared(t, "op"); !slices.Equal(names, want) {
		t.Errorf("package plan declares the ops\n%v, but Ops has\n%v", want, names)
	}
}

func TestNodesAndConditions(t *testing.T) {
	if got := declared(t, "node"); !slices.Equal(got, []string{"Exit", "If", "SetStatus", "Step", "Try"}) {
		t.Errorf("the walker knows other nodes than %v", got)
	}
	if got := declared(t, "cond"); !slices.Equal(got, []string{"Alive", "Device", "Exists", "HasEroute", "HasSA", "Not"}) {
		t.Errorf("the walker knows other conditions than %v", got)
	}
}

func TestDoPanicsOnNil(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Do(nil) did not panic")
		}
	}()
	exec.Do(t.Context(), exectest.Func(nil), nil)
}
