package secrets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"ipsec/conf"
	"ipsec/conf/spell"
	"ipsec/conf/textfile"
)

// Limits on what is read. They are far above any real file.
const (
	maxFileSize  = 16 << 20 // bytes of one file
	maxTotalSize = 64 << 20 // bytes of all files
	maxFiles     = 4096
	maxDepth     = 20 // nesting of include
)

// Info is what decides whether a file may hold secrets.
type Info struct {
	Mode fs.FileMode
	UID  int
}

// Files is how ipsec.secrets and what it includes are read.
type Files interface {
	// ReadFile returns the contents of a file and who may read it, or an error
	// when it is longer than limit bytes.
	ReadFile(name string, limit int64) ([]byte, Info, error)
	// Glob returns the names that match a pattern of filepath.Match, sorted.
	Glob(pattern string) ([]string, error)
}

// Load reads the ipsec.secrets of that name and all that it includes.
//
// The error is of type conf.Errors and holds everything that is wrong, of all
// files; nothing of a secret is in it. Secrets is returned with it: the rest
// still counts. A file that others than its owner may read or write, or that
// belongs neither to root nor to us, is refused as a whole. Where the file
// itself cannot be read, the error wraps the cause.
func Load(name string) (*Secrets, error) { return LoadFrom(osFiles{}, name) }

// LoadFrom is Load with files from elsewhere.
func LoadFrom(files Files, name string) (*Secrets, error) {
	p := &parser{files: files}
	p.load(name, conf.Pos{File: name})
	p.clashes()
	s := &Secrets{Entries: p.entries, Files: p.read, Warnings: p.warnings, index: newIndex(p.entries)}
	if len(p.errors) > 0 {
		return s, conf.Errors(p.errors)
	}
	return s, nil
}

// clashes warns of entries for the same parties with different secrets.
func (p *parser) clashes() {
	first := make(map[string]*Entry)
	for _, e := range p.entries {
		if e.File != "" || e.key != nil {
			continue // one may have many private keys
		}
		ids := make([]string, len(e.IDs))
		for i, id := range e.IDs {
			ids[i] = strings.ToLower(id.String())
		}
		slices.Sort(ids)
		key := e.Kind.String() + "\n" + strings.Join(slices.Compact(ids), "\n")
		if before := first[key]; before == nil {
			first[key] = e
		} else if !before.sameSecret(e) {
			p.warnf(e.Pos, "the entry is for the same parties as that at %s and has another secret: the first one is used", before.Pos)
		}
	}
}

// parser is one reading of a file and what it includes.
type parser struct {
	files            Files
	entries          []*Entry
	read             []string
	total            int64
	stack            []string
	errors, warnings []conf.Diagnostic
}

// load reads the file of that name, which at names.
func (p *parser) load(name string, at conf.Pos) {
	text, info, err := p.files.ReadFile(name, maxFileSize)
	if err != nil {
		d := conf.Diagnostic{Pos: at, Text: fmt.Sprintf("failed to read %s: %s", spell.Quote(name), reason(err))}
		if at.File == name { // it is not an include that names it
			d.Text = fmt.Sprintf("failed to read it: %s", reason(err))
		}
		p.report(&p.errors, d.WithCause(err))
		return
	}
	if p.refused(name, info) {
		return
	}
	p.read = append(p.read, name)
	p.total += int64(len(text))
	p.stack = append(p.stack, path.Clean(name))
	defer func() { p.stack = p.stack[:len(p.stack)-1] }()
	r := &reader{rest: strings.TrimPrefix(string(text), "\ufeff"), file: name}
	for {
		rec, ok := r.record()
		if !ok {
			return
		}
		if rec.wrong == "" && rec.words[0].is("include") {
			p.include(rec.words)
			continue
		}
		p.entry(rec)
	}
}

// refused reports whether a file must not hold secrets, and says how to mend
// that.
func (p *parser) refused(name string, info Info) bool {
	at := conf.Pos{File: name}
	shown := name
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || strings.ContainsRune("'\"\\$&;|<>()*?[]#~`!", r) }) {
		shown = "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	if us := os.Geteuid(); info.UID != 0 && info.UID != us {
		p.errorf(at, "the file belongs to uid %d, who could change its secrets, so none of it is used: run chown %d %s", info.UID, us, shown)
		return true
	}
	if mode := info.Mode.Perm(); mode&0o077 != 0 {
		p.errorf(at, "others may read or write the file (mode %04o), so none of its secrets is used: run chmod 600 %s", mode, shown)
		return true
	}
	return false
}

// include reads the files that a pattern names, relative to the folder of the
// file that it stands in. A name without wildcards must exist.
func (p *parser) include(words []word) {
	at := words[0].pos
	if len(words) != 2 || words[1].text == "" {
		p.errorf(at, "malformed include: expected one file name, which may hold wildcards")
		return
	}
	if len(p.stack) > maxDepth {
		p.errorf(at, "include is nested deeper than %d files", maxDepth)
		return
	}
	full := words[1].text
	if !path.IsAbs(full) {
		full = path.Join(path.Dir(at.File), full)
	}
	names := []string{full}
	if strings.ContainsAny(full, "*?[") {
		matches, err := p.files.Glob(full)
		if err != nil {
			p.errorf(words[1].pos, "failed to include %s: %s", spell.Quote(full), reason(err))
			return
		}
		names = slices.DeleteFunc(slices.Clone(matches), func(name string) bool { return strings.HasPrefix(path.Base(name), ".") })
		slices.Sort(names)
	}
	for _, name := range names {
		switch {
		case slices.Contains(p.stack, path.Clean(name)):
			p.errorf(words[1].pos, "include is a circle: %s is being read already", spell.Quote(name))
		case len(p.read) >= maxFiles || p.total >= maxTotalSize:
			p.errorf(words[1].pos, "more than %d files or %d bytes are included", maxFiles, maxTotalSize)
			return
		default:
			p.load(name, words[1].pos)
		}
	}
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

// osFiles reads the files of the system.
type osFiles struct{}

// ReadFile is like 'cat name' and 'stat name'.
func (osFiles) ReadFile(name string, limit int64) ([]byte, Info, error) {
	text, st, err := textfile.Regular(name, limit)
	if err != nil {
		return nil, Info{}, err
	}
	info := Info{Mode: st.Mode(), UID: -1}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		info.UID = int(sys.Uid)
	}
	return text, info, nil
}

// Glob is like 'echo pattern'.
func (osFiles) Glob(pattern string) ([]string, error) { return filepath.Glob(pattern) }
