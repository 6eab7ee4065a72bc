package shell

import (
	"bytes"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"

	"ipsec/exec"
	"ipsec/exec/exectest"
	"ipsec/plan"
)

func script(t testing.TB, p plan.Plan) string {
	t.Helper()
	var b strings.Builder
	if err := Script(&b, p); err != nil {
		t.Fatalf("%+v: %v", p, err)
	}
	return b.String()
}

// roundTrip is law 1.
func roundTrip(t testing.TB, p plan.Plan) {
	t.Helper()
	text := script(t, p)
	back, err := Lift("script", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !reflect.DeepEqual(back, p) {
		t.Fatalf("read back as\n%+v\nnot\n%+v\n%s", back, p, text)
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte(nil))
	seed := make([]byte, 4096)
	for i := range 16 {
		for j := range seed {
			seed[j] = byte(j*j*(2*i+1)>>3 + 7*j + 31*i)
		}
		f.Add(bytes.Clone(seed[:i*256]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p := exectest.Plan(data)
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		roundTrip(t, p)
		var text bytes.Buffer
		printer := syntax.NewPrinter(syntax.SpaceRedirects(true))
		for _, n := range p.Nodes {
			w := strings.Builder{}
			stmts, err := Lower(n)
			if err != nil {
				t.Fatal(err)
			}
			text.Reset()
			if err := printer.Print(&text, &syntax.File{Stmts: stmts}); err != nil {
				t.Fatal(err)
			}
			one := p
			one.Undo, one.Nodes = nil, []plan.Node{n, plan.Exit{}}
			if err := Script(&w, one); err != nil {
				t.Fatal(err)
			}
			_, body, _ := strings.Cut(w.String(), "\n}\n")
			body = strings.TrimPrefix(strings.TrimSuffix(body, "exit 0\n"), armTrap+"\n")
			if body = trailing.ReplaceAllString(body, "$1"); body != text.String() {
				t.Errorf("the syntax tree prints as\n%s\nnot\n%s", text.String(), body)
			}
		}
	})
}

// trailing is what the library's printer does not keep of a comment.
var trailing = regexp.MustCompile(`(?m)^(\s*#.*?) +$`)

func TestEveryOpRoundTrips(t *testing.T) {
	data := make([]byte, 64)
	for _, zero := range exec.Zeros() {
		p := exectest.Plan(nil)
		p.Nodes = nil
		for i := range 100 {
			for j := range data {
				data[j] = byte(i * (j + 1) >> 1)
			}
			p.Nodes = append(p.Nodes, plan.Step{Op: exectest.Op(zero, data), OnFail: plan.OnFail{Kind: plan.FailIgnore}})
		}
		p.Nodes = append(p.Nodes, plan.Exit{})
		roundTrip(t, p)
	}
}
