package hook

import "strings"

// Note is an updown command that has been run, or is about to be, for one flow of
// a conn: what is noted of it in ipsec.info, so that it can be undone.
type Note struct {
	Conn    string
	Suffix  string // of the verbs, Environment.Suffix
	Command string
	Env     []string // but for PLUTO_VERB
}

// String returns n as ipsec.info has it: words with a blank between them; a
// blank or % within a word is written as in a URL.
func (n Note) String() string {
	words := append([]string{n.Conn, n.Suffix, n.Command}, n.Env...)
	for i, w := range words {
		words[i] = escaper.Replace(w)
	}
	return strings.Join(words, " ")
}

// Read-only, and safe for concurrent use.
var (
	escaper   = strings.NewReplacer("%", "%25", " ", "%20")
	unescaper = strings.NewReplacer("%25", "%", "%20", " ")
)

// ParseNote reads the words that String wrote.
func ParseNote(words []string) (Note, bool) {
	if len(words) < 3 {
		return Note{}, false
	}
	plain := make([]string, len(words))
	for i, w := range words {
		plain[i] = unescaper.Replace(w)
	}
	for _, e := range plain[3:] {
		if name, _, ok := strings.Cut(e, "="); !ok || !strings.HasPrefix(name, "PLUTO_") {
			return Note{}, false
		}
	}
	return Note{Conn: plain[0], Suffix: plain[1], Command: plain[2], Env: plain[3:]}, true
}
