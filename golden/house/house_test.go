// Package house holds doc/design.md against the tree: the table of packages and their arrows, the
// tests of the laws, and the names that the text has in code.
package house

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "ipsec/"
)

func design(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(root + "/doc/design.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pkg is a package of ours, with what it imports of ours.
type pkg struct {
	name, doc string
	imports   []string
}

func packages(t *testing.T) (list []pkg) {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Doc", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Doc string
			Imports         []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		one := pkg{name: strings.TrimPrefix(p.ImportPath, module), doc: p.Doc}
		for _, i := range p.Imports {
			if ours, ok := strings.CutPrefix(i, module); ok {
				one.imports = append(one.imports, ours)
			}
		}
		list = append(list, one)
	}
}

var (
	row    = regexp.MustCompile("(?m)^\\| `([a-z0-9/]+)` \\| (.+) \\| (.+) \\|$")
	quoted = regexp.MustCompile("`([^`]+)`")
)

// table returns the rows of the table of packages: what each may import.
func table(t *testing.T) map[string][]string {
	t.Helper()
	_, text, ok := strings.Cut(design(t), "### The packages")
	text, _, end := strings.Cut(text, "\n## ")
	if !ok || !end {
		t.Fatal("doc/design.md has no table of packages")
	}
	rows := map[string][]string{}
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		if _, twice := rows[m[1]]; twice {
			t.Errorf("%s stands twice in the table", m[1])
		}
		rows[m[1]] = []string{}
		for _, i := range quoted.FindAllStringSubmatch(m[3], -1) {
			rows[m[1]] = append(rows[m[1]], i[1])
		}
	}
	return rows
}

// TestPackages has each package stand in the table and import no more than its row says, and no row
// promise what is not there.
func TestPackages(t *testing.T) {
	rows := table(t)
	there := map[string]bool{}
	for _, p := range packages(t) {
		there[p.name] = true
		may, ok := rows[p.name]
		if !ok {
			t.Errorf("%s is not in the table of doc/design.md: expected a row that says what it knows and what it may import", p.name)
			continue
		}
		for _, i := range p.imports {
			if !slices.Contains(may, i) {
				t.Errorf("%s imports %s, which its row does not say: an arrow against the design, or a row to be changed with it", p.name, i)
			}
		}
		for _, i := range may {
			if !slices.Contains(p.imports, i) {
				t.Errorf("the row of %s says that it imports %s, which it does not", p.name, i)
			}
		}
	}
	for name := range rows {
		if !there[name] {
			t.Errorf("the table has %s, which is not there", name)
		}
	}
}

// TestRooms holds the arrows between the rooms, which no row may change.
func TestRooms(t *testing.T) {
	never := map[string][]string{
		"conf":   {"plan", "exec", "klips", "pluto", "cmd", "logger"},
		"plan":   {"exec", "cmd", "logger"},
		"klips":  {"plan", "exec", "pluto", "cmd"},
		"pluto":  {"plan", "exec", "cmd"},
		"logger": {"conf", "plan", "exec", "klips", "pluto", "cmd"},
		"exec":   {"cmd"},
	}
	room := func(name string) string { first, _, _ := strings.Cut(name, "/"); return first }
	for _, p := range packages(t) {
		for _, i := range p.imports {
			if slices.Contains(never[room(p.name)], room(i)) || room(i) == "golden" && room(p.name) != "golden" {
				t.Errorf("%s imports %s: no arrow leads from %s to %s", p.name, i, room(p.name), room(i))
			}
		}
		if p.doc == "" && room(p.name) != "golden" {
			t.Errorf("%s has no package comment", p.name)
		}
	}
}

// TestNames finds every name that the text has in code somewhere in the tree: as a word of Go, or as a file or folder.
func TestNames(t *testing.T) {
	var source strings.Builder
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.Contains(path, "golden/house/") {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			source.Write(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(design(t), "## The way of a plan")
	text, _, _ = strings.Cut(text, "## Where what comes next goes")
	checked := 0
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		name := m[1]
		if strings.ContainsAny(name, " (=<{/.-") && !regexp.MustCompile(`^[A-Za-z]+\.[A-Za-z]+$`).MatchString(name) {
			continue
		}
		checked++
		word := name[strings.LastIndexByte(name, '.')+1:]
		if !regexp.MustCompile(`\b` + regexp.QuoteMeta(word) + `\b`).MatchString(source.String()) {
			t.Errorf("doc/design.md has `%s`, which no Go file has", name)
		}
	}
	if checked < 60 {
		t.Errorf("only %d names were checked", checked)
	}
}
