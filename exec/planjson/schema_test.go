package planjson

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/exec"
	"ipsec/klips/said"
	"ipsec/plan"
)

type object = map[string]any

// TestSchema holds doc/plan.schema.json to the types of package plan: the
// schema is made from them, and from their doc comments.
func TestSchema(t *testing.T) {
	docs := comments(t)
	defs := object{"flow": fieldsOf(reflect.TypeFor[plan.Flow](), "A traffic selector; proto 0 and port 0 mean any.")}
	var ops, conds []any
	defs["connection"] = tagged(reflect.TypeFor[Connection]())
	for _, zero := range exec.Zeros() {
		o := chosen("op", reflect.TypeOf(zero), docs)
		if _, ok := zero.(plan.AddConn); ok {
			o["properties"].(object)["connection"] = object{"description": "What is loaded; null where Pluto would not understand it.",
				"oneOf": []any{object{"$ref": "#/$defs/connection"}, object{"type": "null"}}}
			o["required"] = []string{"connection"}
		}
		ops = append(ops, o)
	}
	for _, cond := range []plan.Cond{plan.Exists{}, plan.Device{}, plan.Alive{}, plan.HasSA{}, plan.HasEroute{}} {
		conds = append(conds, chosen("cond", reflect.TypeOf(cond), docs))
	}
	list := object{"type": "array", "items": object{"$ref": "#/$defs/node"}}
	shell := object{"type": "string", "description": "The node in one line of POSIX shell; of try and if, what is tried or asked."}
	reason := object{"type": "string", "description": "The line of ipsec.conf or the fact that put the node here; may be empty."}
	text := object{"type": "string"}
	defs["op"] = object{"oneOf": ops}
	defs["cond"] = object{"oneOf": conds}
	defs["step"] = node("Does one op.", object{"kind": object{"const": "step"}, "shell": shell, "op": text, "fields": object{"type": "object"}, "connection": object{},
		"onfail": closed("What follows when the op fails; undo and warn say message.", object{
			"policy": object{"enum": []any{"undo", "warn", "status1", "ignore"}}, "message": text}, "policy"),
		"reason": reason}, "op")
	defs["try"] = node("Does one op, and else when it fails.", object{"kind": object{"const": "try"}, "shell": shell, "op": text,
		"fields": object{"type": "object"}, "connection": object{}, "reason": reason, "else": list}, "op")
	defs["if"] = node("Asks as the plan runs: then when cond holds (or with not, does not hold), else otherwise.", object{
		"kind": object{"const": "if"}, "shell": shell, "cond": text, "not": object{"type": "boolean"},
		"fields": object{"type": "object"}, "reason": reason, "then": list, "else": list}, "cond")
	defs["setstatus"] = node("Sets the register to 1: this version of the form has it as a step, with an op that only it has.", object{
		"kind": object{"const": "step"}, "shell": shell, "op": object{"const": "SetStatus"}, "fields": object{"type": "object", "maxProperties": 0},
		"onfail": closed("It cannot fail.", object{"policy": object{"const": "ignore"}}, "policy"), "reason": reason}, "")
	defs["exit"] = node("Ends the plan; register is 1 once a step with policy status1 has failed or setstatus was passed, else 0.", object{
		"kind": object{"const": "exit"}, "shell": shell, "status": object{"enum": []any{0, 1, 3, "register"}}, "reason": reason}, "")
	defs["node"] = object{"oneOf": []any{object{"$ref": "#/$defs/step"}, object{"$ref": "#/$defs/try"}, object{"$ref": "#/$defs/if"}, object{"$ref": "#/$defs/setstatus"}, object{"$ref": "#/$defs/exit"}}}

	root := closed("What ipsec setup --showonly --format json prints: what a verb comes to on one host.", object{
		"version":      object{"const": Version},
		"verb":         object{"enum": []any{plan.Start, plan.Stop, plan.Restart, plan.TryRestart, plan.Reload, plan.ReloadDisruptive, plan.Confirm, plan.Revert, plan.Manual, plan.Automat}},
		"paths":        tagged(reflect.TypeFor[conf.Paths]()),
		"syslog":       object{"type": "string", "description": "facility.priority of everything that is said."},
		"digest":       object{"type": "string", "description": "Of the configuration, without its secrets; empty where none could be read."},
		"facts_digest": object{"type": "string", "description": "Of the facts, but for what runs; empty where none were asked."},
		"program":      object{"type": "string", "description": "The version of the program that made the plan."},
		"facts":        tagged(reflect.TypeFor[plan.Facts]()),
		"nodes":        list,
		"undo":         object{"type": "array", "items": object{"$ref": "#/$defs/node"}, "description": "Done when a step with policy undo fails."},
	}, "version", "verb", "paths", "syslog", "digest", "facts_digest", "program", "facts", "nodes", "undo")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Plan of ipsec setup"
	root["$defs"] = defs

	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		t.Fatal(err)
	}
	golden(t, schemaFile, b.Bytes())
}

func closed(description string, properties object, required ...string) object {
	return object{"type": "object", "description": description, "properties": properties, "required": required, "additionalProperties": false}
}

// node is an object all of whose members are there, with a choice among defs.
func node(description string, properties object, choice string) object {
	var required []string
	for _, name := range []string{"kind", "shell", "op", "cond", "not", "fields", "onfail", "status", "reason", "then", "else"} {
		if _, ok := properties[name]; ok {
			required = append(required, name)
		}
	}
	o := closed(description, properties, required...)
	if choice != "" {
		o["$ref"] = "#/$defs/" + choice
	}
	return o
}

// chosen is the part of a node that belongs to one op or condition.
func chosen(member string, t reflect.Type, docs map[string]string) object {
	doc := strings.TrimPrefix(docs[t.Name()], t.Name()+" ")
	return object{"description": doc, "properties": object{
		member:   object{"const": t.Name()},
		"fields": fieldsOf(t, ""),
	}}
}

func fieldsOf(t reflect.Type, description string) object {
	properties, required := object{}, []string{}
	for f := range t.Fields() {
		required = append(required, fieldName(f))
		properties[fieldName(f)] = schemaOf(f.Type)
	}
	o := closed(description, properties, required...)
	if description == "" {
		delete(o, "description")
	}
	return o
}

func schemaOf(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[netip.Addr]():
		return object{"type": "string", "description": "An IPv4 or IPv6 address; empty for none."}
	case reflect.TypeFor[netip.Prefix]():
		return object{"type": "string", "pattern": "^[0-9a-f.:]+/[0-9]+$"}
	case reflect.TypeFor[said.SAID]():
		return object{"type": "string", "pattern": "^((esp|ah|tun|comp|int)0x[0-9a-f]+@[0-9a-f.:]+|%[a-z]+)$"}
	case reflect.TypeFor[plan.Part]():
		return object{"enum": []any{plan.Klips, plan.Pluto, plan.Interfaces}}
	case reflect.TypeFor[plan.Flow]():
		return object{"$ref": "#/$defs/flow"}
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int:
		return object{"type": "integer", "minimum": 0}
	case reflect.Uint8:
		return object{"type": "integer", "minimum": 0, "maximum": 255}
	case reflect.Uint16:
		return object{"type": "integer", "minimum": 0, "maximum": 65535}
	case reflect.Slice:
		return object{"type": "array", "items": schemaOf(t.Elem())}
	}
	panic("no schema of " + t.String())
}

// tagged is the schema of a struct as encoding/json writes it. A slice may be
// null.
func tagged(t reflect.Type) object {
	properties, required := object{}, []string{}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		var s object
		switch {
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			s = object{"type": []string{"array", "null"}, "items": tagged(f.Type.Elem())}
		case f.Type.Kind() == reflect.Slice:
			s = object{"type": []string{"array", "null"}, "items": schemaOf(f.Type.Elem())}
		case f.Type.Kind() == reflect.Struct && !strings.HasPrefix(f.Type.PkgPath(), "net/"):
			s = tagged(f.Type)
		default:
			s = schemaOf(f.Type)
		}
		properties[name] = s
		if options == "" {
			required = append(required, name)
		}
	}
	return object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// comments returns the doc comments of the types of package plan, each in one line.
func comments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../plan/*.go")
	if err != nil {
		t.Fatal(err)
	}
	docs := make(map[string]string)
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			decl, ok := n.(*ast.GenDecl)
			if !ok {
				return true
			}
			for _, spec := range decl.Specs {
				if spec, ok := spec.(*ast.TypeSpec); ok {
					doc := spec.Doc
					if doc == nil {
						doc = decl.Doc
					}
					docs[spec.Name.Name] = strings.Join(strings.Fields(doc.Text()), " ")
				}
			}
			return false
		})
	}
	return docs
}
