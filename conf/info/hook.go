package info

import "strings"

// Hook is an updown command that was run for one flow of a conn, and is to be
// undone by the same command: hook=CONN SUFFIX COMMAND ENV…. In the file, the words
// have a blank between them; a blank or % within a word is written as in a URL.
type Hook struct {
	Conn    string
	Suffix  string // of the verbs, as hook.Environment.Suffix returns it
	Command string
	Env     []string // PLUTO_NAME=VALUE, without PLUTO_VERB
}

// Read-only, and safe for concurrent use.
var (
	escaper   = strings.NewReplacer("%", "%25", " ", "%20")
	unescaper = strings.NewReplacer("%25", "%", "%20", " ")
)

func (l Hook) value() string {
	words := append([]string{l.Conn, l.Suffix, l.Command}, l.Env...)
	for i, w := range words {
		words[i] = escaper.Replace(w)
	}
	return strings.Join(words, " ")
}

// parseHook takes words apart at blanks alone: a command may have tabs.
func parseHook(value string) (Hook, bool) {
	words := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' })
	if len(words) < 3 {
		return Hook{}, false
	}
	for i, w := range words {
		words[i] = unescaper.Replace(w)
	}
	h := Hook{Conn: words[0], Suffix: words[1], Command: words[2]}
	for _, e := range words[3:] {
		if name, _, ok := strings.Cut(e, "="); !ok || !strings.HasPrefix(name, "PLUTO_") {
			return Hook{}, false
		}
		h.Env = append(h.Env, e)
	}
	return h, true
}
