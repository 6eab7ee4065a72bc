package conf_test

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"ipsec/conf"
)

var update = flag.Bool("update", false, "write what the tests give as what they want")

// mem is files in memory, by absolute name.
type mem struct{ fstest.MapFS }

func (m mem) ReadFile(name string, limit int64) ([]byte, error) {
	text, err := fs.ReadFile(m.MapFS, strings.TrimPrefix(name, "/"))
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s is too long", name)
	}
	return text, err
}

func (m mem) Glob(pattern string) ([]string, error) {
	names, err := fs.Glob(m.MapFS, strings.TrimPrefix(pattern, "/"))
	for i := range names {
		names[i] = "/" + names[i]
	}
	return names, err
}

// TestFiles reads each archive of testdata/files, and compares what comes out
// with its last files: errors, warnings, and the configuration written back.
func TestFiles(t *testing.T) {
	archives, _ := filepath.Glob("testdata/files/*.txtar")
	if len(archives) == 0 {
		t.Fatal("no archives")
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files := mem{fstest.MapFS{}}
			var inputs []txtar.File
			want := make(map[string]string)
			for _, f := range a.Files {
				if strings.HasPrefix(f.Name, "want/") {
					want[f.Name] = string(f.Data)
					continue
				}
				inputs = append(inputs, f)
				files.MapFS[f.Name] = &fstest.MapFile{Data: f.Data}
			}
			c, err := conf.Parse("/etc/ipsec.conf", files.MapFS["etc/ipsec.conf"].Data, conf.WithFiles(files))
			var out bytes.Buffer
			if e := c.WriteRedacted(&out); e != nil {
				t.Fatal(e)
			}
			got := []txtar.File{{Name: "want/errors"}, {Name: "want/warnings"}, {Name: "want/ipsec.conf", Data: out.Bytes()}}
			if err != nil {
				got[0].Data = []byte(err.Error() + "\n")
			}
			for _, w := range c.Remarks() {
				got[1].Data = append(got[1].Data, w.String()+"\n"...)
			}
			if *update {
				a.Files = append(inputs, got...)
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, f := range got {
				if string(f.Data) != want[f.Name] {
					t.Errorf("%s:\ngot\n%s\nwant\n%s", f.Name, f.Data, want[f.Name])
				}
			}
			if err == nil {
				roundTrip(t, c)
			}
		})
	}
}
