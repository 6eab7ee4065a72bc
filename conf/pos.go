package conf

import "fmt"

// Pos is where a value stands. Line and Col count from 1, Col in bytes; the
// zero Pos belongs to a value that no file gave: a default. A Pos of Line 0
// with a File means that file as a whole.
type Pos struct {
	File string
	Line int
	Col  int
}

// IsZero reports whether no file gave the value.
func (p Pos) IsZero() bool { return p == Pos{} }

// String returns FILE:LINE, which is how a plan's reasons name a line, or
// "default".
func (p Pos) String() string {
	switch {
	case p.IsZero():
		return "default"
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// withCol returns FILE:LINE:COL, which is how an error names a place.
func (p Pos) withCol() string {
	if p.Line == 0 {
		return p.String()
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// right returns the place n bytes further on the same line.
func (p Pos) right(n int) Pos {
	if p.Line != 0 {
		p.Col += n
	}
	return p
}
