package native

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/klips"
	"ipsec/klips/klipstest"
	"ipsec/klips/process/rootonly"
	"ipsec/logger"
	"ipsec/plan"
	"ipsec/pluto"
	"ipsec/pluto/whack"
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
	works(t, b.Log(t.Context(), plan.Log{Text: "Starting"}))
	works(t, b.Log(t.Context(), plan.Log{Text: "info", Priority: "daemon.info"}))
	works(t, b.Log(t.Context(), plan.Log{Text: "unseen", SyslogOnly: true}))
	fails(t, b.Log(t.Context(), plan.Log{Text: "x", Priority: "demon.info"}), "demon")
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
		b.AddConn(t.Context(), plan.AddConn{Name: "a", Args: []string{"--delete"}}), b.Listen(t.Context(), plan.Listen{}), b.Whack(t.Context(), plan.Whack{Args: []string{"--status"}}),
		b.RouteConn(t.Context(), plan.RouteConn{Name: "a"}), b.Initiate(t.Context(), plan.Initiate{Name: "a"}),
	} {
		fails(t, err, "Pluto is not running", "pluto.ctl")
	}
}

// serve answers the whacks of the bench's Pluto.
func (b bench) serve(t *testing.T, handle func(*whack.Call)) {
	t.Helper()
	b.env.Paths.Run = t.TempDir()
	listener, err := rootonly.Listen(t.Context(), "unix", b.env.Paths.PlutoCtl())
	if err != nil {
		t.Fatal(err)
	}
	server := whack.NewServer(listener)
	server.Handle = handle
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestWhack(t *testing.T) {
	b := newBench(t, "")
	var asked []string
	b.serve(t, func(c *whack.Call) {
		asked = append(asked, strings.Join(c.Words, " "))
		if c.Initiate && !c.Asynchronous {
			c.Reply(pluto.RCLog, `"a" #1: initiating`)
			c.Reply(pluto.RCNoRetransmit, `"a" #1: no answer`)
		} else {
			c.Reply(pluto.RCLog, "done")
		}
		c.Done()
	})
	var replies strings.Builder
	b.env.Replies = &replies
	for _, err := range []error{
		b.AddConn(t.Context(), plan.AddConn{Name: "a", Args: strings.Fields("--psk --encrypt --host 192.0.2.1 --to --host 192.0.2.2")}),
		b.Listen(t.Context(), plan.Listen{}), b.RouteConn(t.Context(), plan.RouteConn{Name: "a"}),
		b.Initiate(t.Context(), plan.Initiate{Name: "a", Asynchronous: true}), b.Whack(t.Context(), plan.Whack{Args: []string{"--terminate", "--name", "a"}}),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	err := b.Initiate(t.Context(), plan.Initiate{Name: "a"})
	var refused Refused
	if !errors.As(err, &refused) || refused.Status != pluto.RCNoRetransmit || refused.Error() != `"a" #1: no answer` {
		t.Errorf("%#v", err)
	}
	want := []string{"--name a --psk --encrypt --host 192.0.2.1 --to --host 192.0.2.2", "--listen", "--name a --route",
		"--name a --initiate --asynchronous", "--terminate --name a", "--name a --initiate"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
	if want := strings.Repeat("002 done\n", 5) + "002 \"a\" #1: initiating\n031 \"a\" #1: no answer\n"; replies.String() != want {
		t.Errorf("got %s", &replies)
	}
}

// Who waits for a peer can be told to stop.
func TestWhackDone(t *testing.T) {
	b := newBench(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	b.serve(t, func(*whack.Call) { cancel() })
	if err := b.Initiate(ctx, plan.Initiate{Name: "a"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
