package keyword

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteHelp writes what the table of keywords has of one, by any of its names, or
// of all where the name is "%all".
func WriteHelp(w io.Writer, name string) error {
	found := false
	for _, k := range All() {
		if name != "%all" && k.Name != name && !slices.Contains(k.Synonyms, name) {
			continue
		}
		found = true
		fmt.Fprintf(w, "%s (%s): %s\n", k.Name, k.Section, k.Help)
		value := string(k.Type)
		if len(k.Values) > 0 {
			value = strings.Join(k.Values, ", ")
		}
		fmt.Fprintf(w, "\tvalue: %s\n", value)
		if k.Default != "" {
			fmt.Fprintf(w, "\tdefault: %s\n", k.Default)
		}
		if len(k.Synonyms) > 0 {
			fmt.Fprintf(w, "\talso: %s\n", strings.Join(k.Synonyms, ", "))
		}
		for _, c := range k.Cases {
			fmt.Fprintf(w, "\t%s: %s\n", c.Values, c.Text())
		}
		if k.Effect != Acts {
			other := ""
			if k.Default != "" || len(k.Cases) > 0 {
				other = "other than that: "
			}
			fmt.Fprintf(w, "\t%s%s\n", other, k.Text())
		}
	}
	if !found {
		return fmt.Errorf("unknown keyword %q: %%all lists those of ipsec.conf", name)
	}
	return nil
}
