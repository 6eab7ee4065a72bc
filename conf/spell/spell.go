// Package spell has the words that messages to persons are made of: a quoted
// text that is short and safe to show, a list of choices, and the nearest
// known word to one that was mistyped.
package spell

import (
	"fmt"
	"strconv"
	"strings"
)

// Quote returns text in quotes for a message: short, printable, and without
// what looks like a key.
func Quote(text string) string {
	if len(text) > 12 && (strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "0s") || strings.HasPrefix(text, "0t")) {
		return strconv.Quote(text[:2] + "…")
	}
	if len(text) > 80 {
		text = strings.ToValidUTF8(text[:77], "") + "…"
	}
	return strconv.Quote(text)
}

// Suggest returns `; did you mean "X"?` for the nearest of known, or nothing
// when none is near.
func Suggest(word string, known []string) string {
	word = strings.ToLower(word)
	if word == "" || len(word) > 64 {
		return ""
	}
	best, bestDistance := "", 1+max(1, min(3, len(word)/3))
	for _, k := range known {
		if len(k) > len(word)+bestDistance || len(word) > len(k)+bestDistance {
			continue
		}
		if d := editDistance(word, strings.ToLower(k)); d < min(bestDistance, len(word)) {
			best, bestDistance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance returns how many insertions, deletions, substitutions and
// swaps of neighbours turn a into b.
func editDistance(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}

// OneOf returns "a, b or c".
func OneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
