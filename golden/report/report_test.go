package report

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDocument(t *testing.T) {
	var d Document
	d.Add("# Title\n\n")
	d.Table("case", "result")
	d.Row("a|b", Result(true))
	d.Row("c", Result(false))
	const want = "# Title\n\n| case | result |\n|---|---|\n| a\\|b | yes |\n| c | **no** |\n"
	if got := d.String(); got != want {
		t.Errorf("found\n%s\nexpected\n%s", got, want)
	}
	file := filepath.Join(t.TempDir(), "doc.md")
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
	d.Compare(t, file)
}
