package conf

import (
	"slices"
	"strings"
	"sync"

	"ipsec/conf/secret"
)

// Section says in which sections a keyword stands.
type Section uint8

// The kinds of place for a keyword. One of SectionEnd is written twice, with
// left and with right before it, in sections of the kind conn.
const (
	SectionSetup Section = iota + 1
	SectionConn
	SectionEnd
	SectionCA
)

// String returns the name of the section, "config setup" or "conn".
func (s Section) String() string {
	return [...]string{"", "config setup", "conn", "conn", "ca"}[s]
}

// ValueType is the form that a value has.
type ValueType string

// The forms of a value.
const (
	TypeBool     ValueType = "yes or no"
	TypeInt      ValueType = "a number"
	TypePercent  ValueType = "a percentage"
	TypeDuration ValueType = "a duration such as 30s, 10m, 8h or 1d"
	TypeEnum     ValueType = "a word"
	TypeEnumList ValueType = "words"
	TypeString   ValueType = "text"
	TypeWords    ValueType = "a list of words"
	TypeHost     ValueType = "an address, a host name or a word with %"
	TypeSubnets  ValueType = "a list of ADDRESS/BITS"
	TypeSPI      ValueType = "an SPI, 0x and hex digits"
	TypeSecret   ValueType = "a key, 0x and hex digits or 0s and base64"
	TypeName     ValueType = "the name of a section"
)

// Stack is a set of kernel sides.
type Stack uint8

// The stacks: KLIPS, and Linux XFRM under its old name.
const (
	KLIPS Stack = 1 << iota
	Netkey

	anyStack = KLIPS | Netkey
)

// String returns the names, joined by " and ".
func (s Stack) String() string { return names(uint8(s), "klips", "netkey") }

// Dialect is a set of programs whose ipsec.conf knows a keyword.
type Dialect uint8

// The dialects.
const (
	Openswan Dialect = 1 << iota
	Libreswan
	StrongSwan

	anyDialect = Openswan | Libreswan | StrongSwan
)

// String returns the names, joined by " and ".
func (d Dialect) String() string { return names(uint8(d), "openswan", "libreswan", "strongswan") }

func names(set uint8, words ...string) string {
	var in []string
	for i, w := range words {
		if set&(1<<i) != 0 {
			in = append(in, w)
		}
	}
	return strings.Join(in, " and ")
}

// Keyword is a row of the table of keywords: all that help, completion, the
// documentation and the parser know about it.
type Keyword struct {
	Name     string   // in its normal spelling; of an end, with "left"
	Synonyms []string // other names; - and _, and capitals, are alike anyway
	Section  Section
	Type     ValueType
	Values   []string // of words: those that there are, in their normal spelling
	Default  string   // the value when no file gives one, as one would write it
	Stacks   Stack    // where it has an effect
	Dialects Dialect
	Help     string // one line

	set       setter
	secret    func(target) *secret.Text // where a key is kept
	choices   []choice
	reference bool // also and alsoflip
	row       int
}

// HasEffect reports whether the keyword does anything here. One without is
// read, and warned of.
func (k *Keyword) HasEffect() bool { return k.set != nil || k.reference }

// spelling returns the name on that side.
func (k *Keyword) spelling(s Side) string {
	if k.Section == SectionEnd && s == Right {
		return "right" + strings.TrimPrefix(k.Name, "left")
	}
	return k.Name
}

// choice is a word among those that a value may be, and its synonyms.
type choice struct {
	name string
	also []string
}

// Keywords returns the table: config setup first, then conn, then the ends,
// then ca; in each those with an effect first.
func Keywords() []Keyword {
	rows := keywordTable().rows
	list := make([]Keyword, len(rows))
	for i, k := range rows {
		list[i] = *k
		list[i].Synonyms, list[i].Values = slices.Clone(k.Synonyms), slices.Clone(k.Values)
	}
	return list
}

// table is the keywords in order and by name.
type table struct {
	rows   []*Keyword
	byName map[string]map[string]entry // kind of section, then folded name
}

// entry is what a name in a file stands for.
type entry struct {
	word *Keyword
	side Side
}

// keywordTable builds the table on its first use; it never changes after.
var keywordTable = sync.OnceValue(func() *table {
	t := &table{byName: map[string]map[string]entry{"config": {}, "conn": {}, "ca": {}}}
	for _, part := range [][]Keyword{
		setupKeywords(), setupForeign(),
		connKeywords(), manualKeywords(), connForeign(),
		endKeywords(), endForeign(),
		caKeywords(),
	} {
		for i := range part {
			t.add(&part[i])
		}
	}
	return t
})

func (t *table) add(k *Keyword) {
	k.row = len(t.rows)
	for _, c := range k.choices {
		k.Values = append(k.Values, c.name)
	}
	t.rows = append(t.rows, k)
	for _, name := range append([]string{k.Name}, k.Synonyms...) {
		switch k.Section {
		case SectionSetup:
			t.byName["config"][fold(name)] = entry{word: k}
		case SectionConn:
			t.byName["conn"][fold(name)] = entry{word: k}
		case SectionCA:
			t.byName["ca"][fold(name)] = entry{word: k}
		case SectionEnd:
			base := strings.TrimPrefix(name, "left")
			t.byName["conn"][fold("left"+base)] = entry{k, Left}
			t.byName["conn"][fold("right"+base)] = entry{k, Right}
		}
	}
}

// fold makes names that mean the same the same: lower case, - for _.
func fold(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}

// find looks a keyword of a section of that kind up.
func (t *table) find(kind, name string) (*Keyword, Side, bool) {
	e, ok := t.byName[kind][fold(name)]
	return e.word, e.side, ok
}

// names returns the names that a section of that kind knows, in the order of
// the table.
func (t *table) names(kind string) []string {
	var list []string
	for _, k := range t.rows {
		if k.Section.kind() != kind {
			continue
		}
		for _, name := range append([]string{k.Name}, k.Synonyms...) {
			list = append(list, name)
			if k.Section == SectionEnd {
				list = append(list, "right"+strings.TrimPrefix(name, "left"))
			}
		}
	}
	return list
}

// kind returns the first word of the header of a section.
func (s Section) kind() string { return [...]string{"", "config", "conn", "conn", "ca"}[s] }

// words makes the choices of a value from a line such as "add route|ondemand":
// a word and its synonyms, then the next.
func words(line string) []choice {
	var list []choice
	for _, group := range strings.Fields(line) {
		names := strings.Split(group, "|")
		list = append(list, choice{names[0], names[1:]})
	}
	return list
}

// choose returns the normal spelling of a word.
func (k *Keyword) choose(word string) (string, bool) {
	for _, c := range k.choices {
		if strings.EqualFold(word, c.name) {
			return c.name, true
		}
		for _, other := range c.also {
			if strings.EqualFold(word, other) {
				return c.name, true
			}
		}
	}
	return "", false
}

// spellings returns all words that a value may be, synonyms too.
func (k *Keyword) spellings() []string {
	var list []string
	for _, c := range k.choices {
		list = append(append(list, c.name), c.also...)
	}
	return list
}
