package keyword

import (
	"slices"
	"strings"
	"sync"
)

// Effect is what becomes of a value that a file gives a keyword.
type Effect uint8

// The effects, each stronger than the one before.
const (
	// Acts is a value that is done as it says, or that says what is done in any case.
	Acts Effect = iota + 1
	// Harmless is one of which nothing is done, and nothing that a person relies on is lost.
	Harmless
	// Differs is one that is done in another way than the program does that it was written for.
	Differs
	// Essential is one of which nothing is done, and without which the conn is another conn: it
	// is not loaded. In config setup, nothing is started.
	Essential
)

// String returns "acts", "harmless", "differs" or "essential".
func (e Effect) String() string {
	return [...]string{"", "acts", "harmless", "differs", "essential"}[e]
}

// Whose says for which end of a conn a value has its effect.
type Whose uint8

// The ends: whichever has the keyword, the peer's alone, and our own alone.
const (
	Either Whose = iota
	Peers
	Ours
)

// Ruling is an effect, and what there is to say of it.
type Ruling struct {
	Effect Effect
	// Why completes KEYWORD=VALUE: what is done in place of it, or what is missing.
	Why string
	// Of is the end for which an essential value counts; at the other one nothing is lost.
	Of Whose
	// Signed says that an essential value counts only where signatures prove who the ends are.
	Signed bool
}

// Text returns the effect and what there is to say of it.
func (r Ruling) Text() string {
	switch {
	case r.Why == "":
		return r.Effect.String()
	case r.Of == Peers:
		return r.Effect.String() + " for the peer's end: " + r.Why
	case r.Of == Ours:
		return r.Effect.String() + " for our own end: " + r.Why
	}
	return r.Effect.String() + ": " + r.Why
}

// Case is a ruling on some of the values of a keyword.
type Case struct {
	Values string // words with blanks between them, or a description of what matches
	Ruling
	matches func(value string) bool
}

// On returns the ruling on a value: of those on its words, where it is a list, the strongest.
func (k *Keyword) On(value string) Ruling {
	ruling := Ruling{Effect: Acts}
	if k.Effect == Acts && len(k.Cases) == 0 {
		return ruling // of most, and there may be many thousand conns
	}
	for i, word := range k.split(value) {
		if r := k.onWord(word); i == 0 || r.Effect > ruling.Effect {
			ruling = r
		}
	}
	return ruling
}

func (k *Keyword) onWord(word string) Ruling {
	word = k.normal(word)
	for _, c := range k.Cases {
		if c.matches != nil && c.matches(word) || c.matches == nil && slices.Contains(strings.Fields(c.Values), word) {
			return c.Ruling
		}
	}
	if word == k.normal(k.Default) {
		return Ruling{Effect: Acts}
	}
	return k.Ruling
}

// split returns the words of a list, or value itself.
func (k *Keyword) split(value string) []string {
	switch k.Type {
	case TypeEnumList, TypeWords:
		return strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t,|", r) })
	}
	return []string{value}
}

// truths takes the spellings of a truth value in all dialects.
var truths = sync.OnceValue(func() *Keyword { return OfWords("yes|true|on|1|y no|false|off|0|n") })

// Truth reads a truth value.
func Truth(value string) (yes, ok bool) {
	name, ok := truths().Choose(value)
	return name == "yes", ok
}

// normal returns the normal spelling of a word that may be yes or no, or one of those
// of the keyword.
func (k *Keyword) normal(word string) string {
	if name, ok := k.Choose(word); ok {
		return name
	}
	if k.Type == TypeBool || len(k.Cases) > 0 || k.Default == "no" || k.Default == "yes" {
		if name, ok := truths().Choose(word); ok && k.Type != TypeInt {
			return name
		}
	}
	return strings.ToLower(word)
}

// acts is a ruling that needs no words.
var acts = Ruling{Effect: Acts}

func harmless(why string) Ruling  { return Ruling{Effect: Harmless, Why: why} }
func differs(why string) Ruling   { return Ruling{Effect: Differs, Why: why} }
func essential(why string) Ruling { return Ruling{Effect: Essential, Why: why} }

// of returns r for one end alone.
func (r Ruling) of(whose Whose) Ruling {
	r.Of = whose
	return r
}

// signed returns r for conns alone whose ends prove themselves by signatures.
func (r Ruling) signed() Ruling {
	r.Signed = true
	return r
}

// on returns a ruling on words.
func on(values string, r Ruling) Case { return Case{Values: values, Ruling: r} }
