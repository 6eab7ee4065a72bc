package keyword

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	seen := make(map[string]string)
	for _, k := range All() {
		kind := k.Section.String()
		if k.Help == "" || strings.ContainsAny(k.Help, "\n\t") || len(k.Help) > 100 {
			t.Errorf("%s: help %q is not one line", k.Name, k.Help)
		}
		if k.Dialects == 0 || k.Type == "" || k.Section == 0 {
			t.Errorf("%s: the row is not complete: %+v", k.Name, k)
		}
		for _, name := range append([]string{k.Name}, k.Synonyms...) {
			if k.Section == SectionEnd && !strings.HasPrefix(name, "left") {
				t.Errorf("%s does not begin with left", name)
			}
			key := kind + " " + fold(name)
			if other, twice := seen[key]; twice {
				t.Errorf("%s is a name of %s and of %s", name, other, k.Name)
			}
			seen[key] = k.Name
		}
		if k.choices != nil && len(k.Values) != len(k.choices) {
			t.Errorf("%s: values %q", k.Name, k.Values)
		}
	}
	if len(seen) < 250 {
		t.Errorf("only %d names", len(seen))
	}
}
