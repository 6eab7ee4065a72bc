package exectest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"ipsec/exec"
	"ipsec/plan"
)

// TestNoLines has Validate refuse a newline in each text of each op: an auditor
// reads a printed plan by lines. A new field is attacked once its op has it.
func TestNoLines(t *testing.T) {
	const seeds = 200
	attacked := make(map[string]bool)
	for seed := range uint64(seeds) {
		random := rand.New(rand.NewPCG(seed, 0))
		data := make([]byte, 64)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		for _, zero := range exec.Zeros() {
			op := Op(zero, data)
			v := reflect.New(reflect.TypeOf(op)).Elem()
			v.Set(reflect.ValueOf(op))
			refuses := func(field string) {
				attacked[field] = true
				step := plan.Step{Op: v.Interface().(plan.Op), OnFail: plan.OnFail{Kind: plan.FailIgnore}}
				if err := plan.Validate(step); err == nil {
					t.Errorf("%s of %#v: Validate takes a newline", field, step.Op)
				}
			}
			texts(reflect.TypeOf(op).Name(), v, refuses)
		}
	}
	if len(attacked) == 0 {
		t.Error("no op has a text")
	}
	t.Log(slices.Sorted(maps.Keys(attacked)))
}

// texts puts a newline into each text of v in turn, and calls refuses with the
// name of its field.
func texts(name string, v reflect.Value, refuses func(field string)) {
	switch v.Kind() {
	case reflect.String:
		was := v.String()
		for _, text := range []string{was + "\n", was + "\nrm", "\n" + was} {
			v.SetString(text)
			refuses(name)
		}
		v.SetString(was)
	case reflect.Slice:
		for i := range v.Len() {
			texts(name, v.Index(i), refuses)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				texts(fmt.Sprintf("%s.%s", name, f.Name), v.Field(i), refuses)
			}
		}
	}
}
