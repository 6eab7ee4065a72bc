// Package linkname knows what can be the name of a network interface.
package linkname

import (
	"strings"
	"unicode"
)

// Max is the length in bytes of the longest name: IFNAMSIZ with its final NUL is 16.
const Max = 15

// Valid reports whether Linux takes name for a network interface (dev_valid_name of
// net/core/dev.c): 1 to Max bytes, neither . nor .., without blanks, / and :. It
// may have bytes that nobody can type.
func Valid(name string) bool {
	return name != "" && len(name) <= Max && name != "." && name != ".." &&
		!strings.ContainsFunc(name, func(r rune) bool { return r == '/' || r == ':' || unicode.IsSpace(r) })
}
