package diff

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ipsec/exec/planjson"
	"ipsec/plan"
	"ipsec/plan/change"
)

// fields returns how two connections differ, field by field as the plan as JSON has them; have and want
// are whack's words with NULs between them.
func fields(have, want string) []string {
	old, now := flat(have), flat(want)
	names := slices.Sorted(maps.Keys(now))
	for name := range old {
		if _, both := now[name]; !both {
			names = append(names, name)
		}
	}
	var list []string
	for _, name := range names {
		if old[name] != now[name] && now[name] != "%myid" { // which Pluto has filled in
			list = append(list, fmt.Sprintf("%s is %s, wanted %s", name, shown(old[name]), shown(now[name])))
		}
	}
	if len(list) == 0 { // in something that has no field
		list = append(list, "it was loaded by other words")
	}
	return list
}

// flat returns the fields of a connection, "left.host" and the like, lists in one line.
func flat(words string) map[string]string {
	doc := planjson.ConnectionOf(plan.AddConn{Name: "c", Args: change.Words(words)})
	text, _ := json.Marshal(doc)
	var tree map[string]any
	_ = json.Unmarshal(text, &tree) // nil for nil
	out := make(map[string]string)
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, child := range v {
				walk(strings.TrimPrefix(prefix+"."+name, "."), child)
			}
		case []any:
			words := make([]string, len(v))
			for i, child := range v {
				words[i] = fmt.Sprint(child)
				if _, nested := child.(map[string]any); nested {
					text, _ := json.Marshal(child)
					words[i] = string(text)
				}
			}
			out[prefix] = strings.Join(words, " ")
		default:
			out[prefix] = fmt.Sprint(v)
		}
	}
	walk("", tree)
	return out
}
