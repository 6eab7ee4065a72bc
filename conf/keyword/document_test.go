package keyword_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ipsec/conf/keyword"
	"ipsec/golden/report"
)

const intro = `# Compatibility of ipsec.conf

What becomes of each keyword that ipsec.conf(5) of Openswan, Libreswan or strongSwan knows. "go test ./conf/keyword -update" writes this file of the
table by which the program itself goes, and without -update compares it with that. ` + "`ipsec _confread --keyword NAME`" + ` says the same of one.

A value has one of four effects:

- **essential**: nothing is done of it, and without it the conn would be another conn. It is **not loaded**, and the start says so at its line and goes
  on with the others. In config setup, nothing is started.
- **differs**: it is done in another way, which a warning says.
- **harmless**: nothing is done of it, and nothing that a person relies on is lost. A start says in one line which these are; ` + "`ipsec verify`" + ` says why.
- **acts**: it is done, or says what is done in any case.

Nothing is ignored in silence: each effect is held against what a start does with the value (TestEffects of plan/compile).

A conn is not loaded either, unless it has fulltunnel=yes, where both ends have all addresses, 0.0.0.0/0 or ::/0: every packet of the host would be led into it. One that has them at the peer's end
alone takes all packets that no narrower route is for, and the plan says what becomes of them.

Nor is one loaded that has type=transport and a network at an end: no packet of that network would get through.

A conn that says nothing of ikev2= or keyexchange= and looks as if it were meant for IKEv1 (L2TP, algorithms of its time in ike=, config setup of Openswan 2) is
loaded, with a warning that IKEv2 alone is spoken. dpdtimeout= without dpddelay= has a dpddelay of 30 s, as in Openswan 2.4. Networks in the files of
policy groups, ipsec.d/policies, are not in force, which a warning says.
`

// TestDocument has doc/compatibility.md say what the table does.
func TestDocument(t *testing.T) {
	var d report.Document
	d.Add(intro)
	for _, part := range []struct {
		effect keyword.Effect
		title  string
	}{
		{keyword.Essential, "Essential: the conn is not loaded"}, {keyword.Differs, "Differs: done in another way"}, {keyword.Harmless, "Harmless: not missed"},
	} {
		d.Add("\n## " + part.title + "\n\n")
		d.Table("keyword", "section", "values", "why", "known to")
		for _, k := range keyword.All() {
			for _, c := range rulings(k) {
				if c.Effect == part.effect {
					d.Row(names(k), k.Section.String(), c.Values, why(c.Ruling), strings.ReplaceAll(k.Dialects.String(), " and ", ", "))
				}
			}
		}
	}
	d.Add("\n## Acts\n\n")
	for _, section := range []keyword.Section{keyword.SectionSetup, keyword.SectionConn, keyword.SectionEnd} {
		var list []string
		for _, k := range keyword.All() {
			if k.Section == section && k.Effect == keyword.Acts {
				list = append(list, k.Name)
			}
		}
		title := map[keyword.Section]string{keyword.SectionSetup: "config setup", keyword.SectionConn: "conn", keyword.SectionEnd: "conn, of an end, with left or right"}[section]
		fmt.Fprintf(&writer{&d}, "- %s: %s\n", title, strings.Join(list, ", "))
	}
	d.Compare(t, "../../doc/compatibility.md")
}

type writer struct{ d *report.Document }

func (w *writer) Write(text []byte) (int, error) {
	w.d.Add(string(text))
	return len(text), nil
}

// rulings returns the cases of k, and what is said of all other values.
func rulings(k keyword.Keyword) []keyword.Case {
	list := slices.Clone(k.Cases)
	other := "any"
	switch {
	case k.Default != "":
		other = "other than " + k.Default
	case len(k.Cases) > 0:
		other = "others"
	}
	return append(list, keyword.Case{Values: other, Ruling: k.Ruling})
}

func names(k keyword.Keyword) string {
	return strings.Join(append([]string{k.Name}, k.Synonyms...), ", ")
}

// why returns what there is to say of a ruling, with what it depends on.
func why(r keyword.Ruling) string {
	text := r.Why
	switch r.Of {
	case keyword.Peers:
		text += " (of the peer's end)"
	case keyword.Ours:
		text += " (of our own end)"
	}
	if r.Signed {
		text += " (with signatures)"
	}
	return text
}
