package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// file reads one file, line by line, and what it includes at its place.
func (a *assembler) file(name string, text []byte) {
	a.read = append(a.read, name)
	a.total += int64(len(text))
	a.stack = append(a.stack, path.Clean(name))
	defer func() { a.stack = a.stack[:len(a.stack)-1] }()

	a.leave()
	for s := newScanner(name, text); ; {
		l, ok := s.next()
		if !ok {
			break
		}
		if pattern, at, ok := includeOf(l); ok {
			a.leave()
			a.include(pattern, at)
			a.leave()
			continue
		}
		a.line(l)
	}
	a.leave()
}

// includeOf returns the pattern of an include line.
func includeOf(l line) (pattern string, at Pos, ok bool) {
	const word = "include"
	if !strings.HasPrefix(l.text, word) {
		return "", Pos{}, false
	}
	rest := strings.TrimLeft(l.text[len(word):], " \t")
	if rest != "" && (len(rest) == len(l.text)-len(word) || rest[0] == '=') {
		return "", Pos{}, false
	}
	at = l.pos.right(len(l.text) - len(rest))
	if len(rest) >= 2 && rest[0] == '"' && rest[len(rest)-1] == '"' {
		rest, at = rest[1:len(rest)-1], at.right(1)
	}
	return rest, at, true
}

// include reads the files that pattern names, relative to the folder of the
// file that it stands in. A name without wildcards must exist; a pattern may
// match nothing.
func (a *assembler) include(pattern string, at Pos) {
	if i, what := badByte(pattern, true); i >= 0 {
		a.errorf(at.right(i), "the name of an included file holds %s", what)
		return
	}
	if pattern == "" || strings.ContainsAny(pattern, " \t\"") {
		a.errorf(at, "malformed include %s: expected one file name, which may hold wildcards", quote(pattern))
		return
	}
	if len(a.stack) > maxDepth {
		a.errorf(at, "include %s is nested deeper than %d files", quote(pattern), maxDepth)
		return
	}
	full := pattern
	if !path.IsAbs(full) {
		full = path.Join(path.Dir(at.File), full)
	}
	names := []string{full}
	if strings.ContainsAny(pattern, "*?[") {
		matches, err := a.files.Glob(full)
		if err != nil {
			a.fail(at, fmt.Sprintf("failed to include %s: %s", quote(pattern), reason(err)), err)
			return
		}
		names = slices.DeleteFunc(slices.Clone(matches), func(name string) bool { return hidden(full, name) })
		slices.Sort(names)
	}
	for _, name := range names {
		if slices.Contains(a.stack, path.Clean(name)) {
			a.errorf(at, "include %s is a circle: %s is being read already", quote(pattern), name)
			continue
		}
		if len(a.read) >= maxFiles || a.total >= maxTotalSize {
			a.errorf(at, "include %s: more than %d files or %d bytes", quote(pattern), maxFiles, maxTotalSize)
			return
		}
		text, err := a.files.ReadFile(name, maxFileSize)
		if err != nil {
			a.fail(at, fmt.Sprintf("failed to include %s: %s", quote(name), reason(err)), err)
			continue
		}
		a.file(name, text)
	}
}

// hidden reports whether name has an element that begins with a dot where
// pattern has a wildcard, which no shell would match.
func hidden(pattern, name string) bool {
	p, n := strings.Split(pattern, "/"), strings.Split(filepath.ToSlash(name), "/")
	if len(p) != len(n) {
		return false
	}
	for i := range n {
		if strings.HasPrefix(n[i], ".") && !strings.HasPrefix(p[i], ".") {
			return true
		}
	}
	return false
}

// reason returns what the system said, without the name that the message
// around it has.
func reason(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}
