package native

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/klips"
	"ipsec/klips/klipstest"
	"ipsec/logger"
	"ipsec/plan"
)

// bench is an Executor over a temporary folder, with a fake KLIPS.
type bench struct {
	*Executor
	dir   string
	paths conf.Paths
	said  *bytes.Buffer
	klips *klipstest.Table
}

// newBench returns a bench whose configuration is text and whose kernel
// settings are files of the folder.
func newBench(t *testing.T, text string) bench {
	t.Helper()
	b := bench{dir: t.TempDir(), said: new(bytes.Buffer), klips: klipstest.New(klips.Settings{})}
	b.paths = conf.Paths{Bin: b.dir, Confs: b.dir, Conf: b.dir + "/ipsec.conf", Run: b.dir}
	b.Executor = New(Env{
		Paths:  b.paths,
		Log:    logger.New(logger.Options{Stdout: b.said, Warn: new(bytes.Buffer), Socket: b.dir + "/nolog"}),
		Config: func() (*conf.Config, error) { return conf.Parse("ipsec.conf", []byte(text)) },
		Dial:   func() (klips.Table, error) { return b.klips, nil },
	})
	b.settings = b.dir + "/net/"
	t.Cleanup(func() { b.Close() })
	return b
}

// path returns a path within the bench's folder.
func (b bench) path(name string) string { return filepath.Join(b.dir, name) }

// lines returns what was said, without the tag.
func (b bench) lines() string { return strings.ReplaceAll(b.said.String(), logger.DefaultTag+": ", "") }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fails checks that an error says all the words.
func fails(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one that says %q", words)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
}

func works(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func TestLog(t *testing.T) {
	b := newBench(t, "")
	works(t, b.Log(plan.Log{Text: "Starting"}))
	works(t, b.Log(plan.Log{Text: "info", Priority: "daemon.info"}))
	works(t, b.Log(plan.Log{Text: "unseen", SyslogOnly: true}))
	fails(t, b.Log(plan.Log{Text: "x", Priority: "demon.info"}), "demon")
	b.Say("said")
	if got := b.lines(); got != "Starting\ninfo\nsaid\n" {
		t.Errorf("said %q", got)
	}
}

func TestHolds(t *testing.T) {
	b := newBench(t, "")
	write(t, b.path("file"), "")
	if err := os.Symlink("nowhere", b.path("dangling")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cond plan.Cond
		want bool
	}{
		{plan.Exists{Path: b.path("file")}, true},
		{plan.Exists{Path: b.dir}, true},
		{plan.Exists{Path: b.path("none")}, false},
		{plan.Exists{Path: b.path("dangling")}, false},
		{plan.Device{Path: "/dev/null"}, true},
		{plan.Device{Path: b.path("file")}, false},
		{plan.Device{Path: b.path("none")}, false},
		{plan.Not{Cond: plan.Exists{Path: b.path("none")}}, true},
		{plan.Not{Cond: plan.Device{Path: "/dev/null"}}, false},
		{plan.Alive{Parts: []plan.Part{plan.Klips, plan.Pluto}}, false},
	} {
		if got, err := b.Holds(c.cond); got != c.want || err != nil {
			t.Errorf("Holds(%+v) = %v, %v; want %v", c.cond, got, err, c.want)
		}
	}
	_, err := b.Holds(plan.Alive{Parts: []plan.Part{"kernel"}})
	fails(t, err, "kernel")
}

func TestNoPluto(t *testing.T) {
	b := newBench(t, "")
	for _, err := range []error{
		b.StartPluto(plan.StartPluto{}), b.AddConn(plan.AddConn{Name: "a"}), b.Listen(plan.Listen{}),
		b.RouteConn(plan.RouteConn{Name: "a"}), b.Initiate(plan.Initiate{Name: "a"}),
	} {
		fails(t, err, "no Pluto yet", "pluto=no", "manually keyed")
	}
}
