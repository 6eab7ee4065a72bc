package completion

import (
	"fmt"
	"io"
	"strings"
)

// script writes lines and keeps the first error.
type script struct {
	w   io.Writer
	err error
}

func (s *script) line(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format+"\n", args...)
	}
}

// names returns the names of words that are offered.
func names(words []word) []string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		if !w.hidden {
			out = append(out, w.name)
		}
	}
	return out
}

// listConns, listLinks are what a shell runs to learn the names that only the
// machine knows.
const (
	listConns = "ipsec _confread --names 2>/dev/null"
	listLinks = "ls /sys/class/net 2>/dev/null"
)

// singleQuote quotes text for sh and zsh.
func singleQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// fishQuote quotes text for fish, where a backslash works within quotes.
func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
