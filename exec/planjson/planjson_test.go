package planjson

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"ipsec/exec"
	"ipsec/exec/exectest"
	"ipsec/plan"
)

var update = flag.Bool("update", false, "rewrite doc/plan.schema.json and the files of testdata")

const schemaFile = "../../doc/plan.schema.json"

// golden compares got with a file, or rewrites that.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what it should be; go test -update rewrites it. got\n%s", file, got)
	}
}

func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("plan.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(s *jsonschema.Schema, text []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

func marshal(t testing.TB, p plan.Plan, f plan.Facts) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, p, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func facts() plan.Facts {
	return plan.Facts{
		Version: plan.FactsVersion, Host: "east",
		Links: []plan.Link{{Name: "eth0", MTU: 1500, Up: true, Addrs: []plan.Addr{
			{Prefix: netip.MustParsePrefix("192.0.2.1/24"), Broadcast: netip.MustParseAddr("192.0.2.255")}}}},
		Routes: []plan.Route{{Dst: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("192.0.2.254"), Link: "eth0"}},
		Stacks: []string{"klips"}, Randomness: []string{"/dev/random"},
	}
}

// every is a plan with each op, condition, policy and node.
func every() plan.Plan {
	p := exectest.Plan(nil)
	p.Digest, p.Facts, p.Writer = "5feceb66ffc86f38", "6b86b273ff34fce1", "1.2 (abc)"
	p.Nodes = nil
	data := bytes.Repeat([]byte{3, 1, 2, 1, 1, 4, 0, 7}, 8)
	policies := []plan.OnFail{{Kind: plan.FailIgnore}, {Kind: plan.FailStatus1}, {Kind: plan.FailWarn, Message: "it's bad"}, {Kind: plan.FailUndo, Message: "it's over"}}
	for i, zero := range exec.Zeros() {
		p.Nodes = append(p.Nodes, plan.Step{Op: exectest.Op(zero, data), OnFail: policies[i%4], Reason: "east.conf:1 x<y"})
	}
	touch := plan.Step{Op: plan.Touch{Path: "/x"}, OnFail: policies[0]}
	p.Undo = []plan.Node{touch}
	p.Nodes = append(p.Nodes,
		plan.Try{Op: plan.MakeDir{Path: "/x"}, Else: []plan.Node{touch}},
		plan.If{Cond: plan.Exists{Path: "/x"}, Then: []plan.Node{touch}, Else: []plan.Node{plan.Exit{Status: 1}}},
		plan.If{Cond: plan.Device{Path: "/dev/random"}, Then: []plan.Node{touch}},
		plan.If{Cond: plan.Not{Cond: plan.Alive{Parts: []plan.Part{plan.Klips, plan.Interfaces}}}, Then: []plan.Node{touch, touch}},
		plan.SetStatus{Reason: "east.conf:1 x<y"},
		plan.Exit{Status: 0}, plan.Exit{Status: plan.StatusRegister})
	return p
}

func TestWrite(t *testing.T) {
	text := marshal(t, every(), facts())
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/every.json", text)
	if err := validate(schema(t), text); err != nil {
		t.Error(err)
	}
	if err := Write(&bytes.Buffer{}, plan.Plan{}, facts()); err == nil {
		t.Error("the zero plan is written")
	}
}

func TestRandomPlansAreInTheSchema(t *testing.T) {
	s := schema(t)
	r := rand.New(rand.NewPCG(3, 4))
	data := make([]byte, 1024)
	for range 8 {
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		p := exectest.Plan(data)
		text := marshal(t, p, plan.Facts{})
		if err := validate(s, text); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !bytes.Equal(text, marshal(t, p, plan.Facts{})) {
			t.Fatal("the same plan gives other bytes")
		}
	}
}

// TestSchemaRefuses shows that the schema says something.
func TestSchemaRefuses(t *testing.T) {
	s := schema(t)
	text := string(marshal(t, every(), facts()))
	for _, c := range []struct{ old, new string }{
		{`"version": 1`, `"version": 2`},
		{`"verb": "start"`, `"verb": "status"`},
		{`"op": "Touch"`, `"op": "Shred"`},
		{`"op": "AddAddr", "fields": {"link": `, `"op": "AddAddr", "fields": {"device": `},
		{`"policy": "undo"`, `"policy": "panic"`},
		{`"kind": "try"`, `"kind": "loop"`},
		{`"op": "SetStatus", "fields": {}, "onfail": {"policy": "ignore"}`, `"op": "SetStatus", "fields": {}, "onfail": {"policy": "warn"}`},
		{`"cond": "Exists"`, `"cond": "Absent"`},
		{`"status": 0`, `"status": 2`},
		{`"mtu":1500`, `"mtu":"1500"`},
		{`"reason": "`, `"why": "`},
	} {
		changed := strings.Replace(text, c.old, c.new, 1)
		if changed == text {
			t.Errorf("%s is not there", c.old)
		}
		if !json.Valid([]byte(changed)) {
			t.Errorf("%s gives no JSON", c.new)
		}
		if validate(s, []byte(changed)) == nil {
			t.Errorf("%s is in the schema", c.new)
		}
	}
}

// TestConnection has each field of a connection that is loaded, as rules ask for them, and null for
// words that Pluto would not understand.
func TestConnection(t *testing.T) {
	words := "--alias many --rsasig --encrypt --tunnel --pfs --pfsgroup modp2048 --ikev2-allow --ikev2-propose --ike aes256-sha1-modp1024 --esp aes128gcm16" +
		" --ikelifetime 3600 --ipseclifetime 28800 --rekeymargin 540 --rekeyfuzz 100 --keyingtries 3 --dpddelay 30 --dpdtimeout 120 --dpdaction restart --faildrop" +
		" --id @west --host 192.0.2.1 --client 10.0.1.0/24 --updown /etc/up --to --id @east --host %any --client 10.0.2.0/24,10.0.3.0/24 --clientprotoport 17/1701"
	words = strings.Replace(words, "--alias", "--connalias", 1)
	p := exectest.Plan(nil)
	p.Undo, p.Nodes = nil, []plan.Node{
		plan.Step{Op: plan.AddConn{Name: "many/1x2", Args: strings.Fields(words)}, OnFail: plan.OnFail{Kind: plan.FailIgnore}},
		plan.Step{Op: plan.AddConn{Name: "odd", Args: []string{"--nonsense"}}, OnFail: plan.OnFail{Kind: plan.FailIgnore}},
		plan.Exit{},
	}
	text := marshal(t, p, facts())
	if err := validate(schema(t), text); err != nil {
		t.Error(err)
	}
	var doc struct {
		Nodes []struct{ Connection json.RawMessage }
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if got := string(doc.Nodes[1].Connection); got != "null" {
		t.Errorf("words that Pluto would not understand are %s", got)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, doc.Nodes[0].Connection, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/connection.json", append(b.Bytes(), '\n'))
}
