package status

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/whack/cmdline"
)

var update = flag.Bool("update", false, "rewrite doc/status.schema.json and the files of testdata")

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s is not what it should be (%v); go test -update rewrites it. got\n%s", file, err, got)
	}
}

// sample is a Pluto with a connection that is up, one that failed, and one that
// cannot be oriented.
func sample(t *testing.T) *Status {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	load := func(line string) *pluto.Connection {
		r, err := cmdline.Parse(strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		return r.Add
	}
	up := load("--name west --psk --encrypt --tunnel --pfs --ikev2-allow --ikev2-propose --dpddelay 30 --dpdtimeout 120 --dpdaction restart" +
		" --ike aes256-sha2_256-modp2048 --id @west --host 192.0.2.1 --nexthop 192.0.2.254 --client 10.0.1.0/24" +
		" --to --id @east --host 192.0.2.2 --client 10.0.2.0/24,10.0.3.0/24")
	failed := load("--name fail --connalias f --rsasig --encrypt --ikev1-disable --ikev2-allow --dontrekey --host 192.0.2.1 --cert west.pem --clientprotoport 17/1701" +
		" --to --host gate.example.org --clientprotoport 17/%any --faildrop")
	away := load("--name away --authnever --pass --host 192.0.2.77 --to --host %any")
	local, remote := netip.MustParseAddrPort("192.0.2.1:500"), netip.MustParseAddrPort("192.0.2.2:500")
	flow := klips.Selector{Src: netip.MustParsePrefix("10.0.1.0/24"), Dst: netip.MustParsePrefix("10.0.2.0/24")}
	child := &pluto.Child{Conn: up, Serial: 2, Protocol: said.ESP, Local: local.Addr(), Remote: remote.Addr(),
		In: pluto.ChildKeys{SPI: 0x1111}, Out: pluto.ChildKeys{SPI: 0x2222}, Flows: []klips.Selector{flow}}
	sas := func(bytes, packets uint64) []klips.SA {
		return []klips.SA{{Usage: klips.Usage{Bytes: bytes, Packets: packets, Last: now.Add(-time.Second)}}}
	}
	return &Status{
		Now: now,
		Interfaces: []Interface{
			{"ipsec0", "eth0", netip.MustParseAddrPort("192.0.2.1:500")},
			{"ipsec0", "eth0", netip.MustParseAddrPort("192.0.2.1:4500")},
			{"", "lo", netip.MustParseAddrPort("127.0.0.1:500")},
		},
		Debug: []string{"control", "dpd"},
		Connections: []connection.Status{
			{Conn: away},
			{Conn: failed, Oriented: true, Virtual: "ipsec0", Routing: connection.Failing, Shunt: klips.ShuntDrop, Wanted: true,
				Attempts: 3, LastError: "the peer refused our identity: AUTHENTICATION_FAILED", ErrorAt: now.Add(-10 * time.Second)},
			{Conn: up, Oriented: true, Virtual: "ipsec0", Routing: connection.Erouted, Wanted: true, Owner: 2,
				Children: []connection.ChildStatus{{Child: child, InUse: true, Since: now.Add(-time.Minute), In: sas(840, 10), Out: sas(924, 11)}}},
		},
		States: []pluto.State{
			{Serial: 1, Conn: up, Version: 2, Name: "STATE_V2_ESTABLISHED_IKE_SA", Text: "established IKE SA", Algorithms: "aes256-sha256-prfsha256-modp2048",
				Initiator: true, Local: local, Remote: remote, LocalID: "@west", RemoteID: "@east", AuthBy: pluto.AuthPSK,
				SPIs: [2]string{"0123456789abcdef", "fedcba9876543210"}, Since: now.Add(-time.Minute), Rekey: now.Add(50 * time.Minute), Expires: now.Add(59 * time.Minute)},
			{Serial: 2, Conn: up, Version: 2, Name: "STATE_V2_ESTABLISHED_CHILD_SA", Text: "established Child SA", Parent: 1, Algorithms: "aes256gcm16",
				Initiator: true, Local: local, Remote: remote, LocalID: "@west", RemoteID: "@east", AuthBy: pluto.AuthPSK,
				SPIs: [2]string{"0x1111", "0x2222"}, Child: child, Since: now.Add(-time.Minute), Expires: now.Add(8 * time.Hour)},
			{Serial: 5, Conn: failed, Version: 2, Name: "STATE_V2_PARENT_I1", Text: "sent IKE_SA_INIT request", Initiator: true, Local: local, Remote: remote, Retransmits: 2},
		},
	}
}

func TestText(t *testing.T) {
	var b strings.Builder
	s := sample(t)
	s.Text(func(line string) { b.WriteString(line + "\n") })
	s.TrafficText(func(line string) { b.WriteString(line + "\n") })
	golden(t, "testdata/status.txt", b.String())
}

func TestJSON(t *testing.T) {
	text, err := sample(t).JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/status.json", text+"\n")
	schema := compile(t)
	empty, err := (&Status{}).JSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{text, empty} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err == nil {
			err = schema.Validate(doc)
		}
		if err != nil {
			t.Error(err)
		}
	}
	var again Document
	if err := json.Unmarshal([]byte(text), &again); err != nil || !reflect.DeepEqual(again, sample(t).Document()) {
		t.Errorf("read again: %+v, %v", again, err)
	}
}

func TestOnly(t *testing.T) {
	s := sample(t)
	only, ok := s.Only("f")
	if !ok || len(only.Connections) != 1 || only.Connections[0].Conn.Name != "fail" || len(only.States) != 1 || only.States[0].Serial != 5 {
		t.Errorf("%+v", only)
	}
	if only, ok := s.Only("west"); !ok || len(only.States) != 2 {
		t.Errorf("%+v", only)
	}
	if _, ok := s.Only("nobody"); ok {
		t.Error("there is nobody")
	}
}

const schemaFile = "../../../doc/status.schema.json"

func compile(t *testing.T) *jsonschema.Schema {
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
	if err := c.AddResource("status.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("status.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchema holds doc/status.schema.json to the types.
func TestSchema(t *testing.T) {
	root := schemaOf(reflect.TypeFor[Document]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Status of Pluto"
	root["description"] = "What ipsec whack --status --format json prints. Times are RFC 3339 in UTC, durations seconds; an empty text stands for none."
	properties := root["properties"].(map[string]any)
	properties["version"] = map[string]any{"const": 1}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		t.Fatal(err)
	}
	golden(t, schemaFile, b.String())
}

func schemaOf(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		for f := range t.Fields() {
			name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
			properties[name] = schemaOf(f.Type)
			if rest == "" {
				required = append(required, name)
			}
		}
		return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	}
	panic("no schema of " + t.String())
}
