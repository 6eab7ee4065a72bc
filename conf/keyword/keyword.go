// Package keyword is the table of the keywords of ipsec.conf(5): their names, where they
// stand, what their values are, and a line of help. What a value does to a configuration is package conf's.
package keyword

import (
	"slices"
	"strings"
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

// Kind returns the first word of the header of a section.
func (s Section) Kind() string { return [...]string{"", "config", "conn", "conn", "ca"}[s] }

// Side is one of the two ends of a connection.
type Side uint8

// The sides. The zero value is neither.
const (
	Left Side = iota + 1
	Right
)

// String returns "left" or "right".
func (s Side) String() string { return [...]string{"", "left", "right"}[s] }

// Other returns the other side.
func (s Side) Other() Side {
	if s == 0 {
		return 0
	}
	return Left + Right - s
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
func (d Dialect) String() string {
	var in []string
	for i, name := range []string{"openswan", "libreswan", "strongswan"} {
		if d&(1<<i) != 0 {
			in = append(in, name)
		}
	}
	return strings.Join(in, " and ")
}

// Keyword is a row of the table: all that help, completion, the documentation and the
// parser know about a keyword.
type Keyword struct {
	Name      string   // in its normal spelling; of an end, with "left"
	Synonyms  []string // other names; - and _, and capitals, are alike anyway
	Section   Section
	Type      ValueType
	Values    []string // of words: those that there are, in their normal spelling
	Default   string   // the value when no file gives one, as one would write it
	Dialects  Dialect
	Help      string // one line
	Ruling           // what becomes of a value that no case is for
	Cases     []Case // first match first
	Pluto     bool   // Pluto alone reads it: without effect with pluto=no, and in a manually keyed conn
	Reference bool   // also and alsoflip

	choices []choice
	row     int
}

// Row returns the place of the keyword in the table, from 0 on.
func (k *Keyword) Row() int { return k.row }

// Spelling returns the name on that side.
func (k *Keyword) Spelling(s Side) string {
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

// OfWords returns a keyword that is in no table and takes one of words, see words.
func OfWords(line string) *Keyword { return &Keyword{choices: words(line)} }

// Choose returns the normal spelling of a word.
func (k *Keyword) Choose(word string) (string, bool) {
	for _, c := range k.choices {
		is := func(name string) bool { return strings.EqualFold(word, name) }
		if is(c.name) || slices.ContainsFunc(c.also, is) {
			return c.name, true
		}
	}
	return "", false
}

// Spellings returns all words that a value may be, synonyms too.
func (k *Keyword) Spellings() []string {
	var list []string
	for _, c := range k.choices {
		list = append(append(list, c.name), c.also...)
	}
	return list
}
