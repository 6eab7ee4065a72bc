package logger

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// printable writes control characters as a backslash and octal digits.
func printable(line string) string {
	i := strings.IndexFunc(line, isControl)
	if i < 0 {
		return line
	}
	var b strings.Builder
	for ; i < len(line); i++ {
		if b.Len() == 0 {
			b.WriteString(line[:i])
		}
		if c := line[i]; isControl(rune(c)) {
			fmt.Fprintf(&b, `\%03o`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// pieces cuts a line into at most MaxPieces pieces of at most size bytes,
// between characters; the last one says what is missing, if anything is.
func pieces(line string, size int) []string {
	const room = len(" [4194304 bytes missing]") // a line's length with every byte written in four
	size = max(size, 2*room)                     // a tag that leaves less room is its owner's problem
	var out []string
	for len(line) > size && len(out) < MaxPieces-1 {
		end := boundary(line, size)
		out = append(out, line[:end])
		line = line[end:]
	}
	if len(line) > size {
		end := boundary(line, size-room)
		line = fmt.Sprintf("%s [%d bytes missing]", line[:end], len(line)-end)
	}
	return append(out, line)
}

// boundary returns the last place at or before end where a character begins.
// In bytes that are not UTF-8 that is end itself.
func boundary(line string, end int) int {
	for i := end; i > end-utf8.UTFMax; i-- {
		if utf8.RuneStart(line[i]) {
			return i
		}
	}
	return end
}
