package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// workerEnv makes this test program a worker that does what the variable says.
const workerEnv = "PLUTO_TEST_WORKER"

func TestMain(m *testing.M) {
	if what := os.Getenv(workerEnv); what != "" {
		if err := fakeWorker(what); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const command = `echo "$PLUTO_VERB"; exit 3`

// withUpdown is a whack for a connection with that updown command.
var withUpdown = []string{"--name", "b", "--ikev2-allow", "--psk", "--encrypt", "--host", "192.0.2.1", "--updown", command, "--to", "--host", "192.0.2.9"}

// fakeWorker notes the history that it is given in the file, crashes the first
// times, and in the end has a script run and ends.
func fakeWorker(file string) error {
	p := newBoss(os.NewFile(journalFD, "supervisor"))
	history, err := p.history()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	for _, e := range history {
		fmt.Fprintf(f, "%s %s %q\n", e.Kind, e.Name, e.Words)
	}
	fmt.Fprintln(f, "--")
	if err := p.ready(); err != nil {
		return err
	}
	switch len(history) {
	case 0:
		p.keep(Entry{Kind: KindAdd, Name: "a", Words: []string{"--name", "a"}})
		p.keep(Entry{Kind: KindAdd, Name: "b", Words: withUpdown})
		p.say(toSupervisor{Keep: &Entry{Kind: KindListen, Words: []string{"--listen"}}})
		return fmt.Errorf("crash")
	case 3:
		p.drop("", "a")
		return fmt.Errorf("crash again")
	}
	go p.listen()
	ran := make(chan string)
	for _, job := range []script{
		{Command: command, Env: []string{"PLUTO_VERB=up-client"}, Timeout: 10 * time.Second},
		{Command: "id", Env: []string{"PLUTO_VERB=up-client"}, Timeout: 10 * time.Second},
		{Command: command, Env: []string{"LD_PRELOAD=/tmp/x"}, Timeout: 10 * time.Second},
		{Command: command, Timeout: time.Hour},
	} {
		p.run(job.Command, job.Env, job.Timeout, func(output string, err error) {
			ran <- fmt.Sprintf("%q %v", output, err)
		})
		fmt.Fprintln(f, <-ran)
	}
	return nil
}

func TestSupervisor(t *testing.T) {
	dir := t.TempDir()
	notes := filepath.Join(dir, "notes")
	t.Setenv(workerEnv, notes)
	var mu sync.Mutex
	var log []string
	readies := 0
	s := Supervisor{
		Socket: filepath.Join(dir, "pluto.ctl"), Program: os.Args[0], Stderr: os.Stderr, Restart: true,
		Ready: func() error { readies++; return nil },
		Log:   func(line string) { mu.Lock(); defer mu.Unlock(); log = append(log, line) },
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`--
add a ["--name" "a"]
add b %[1]q
listen  ["--listen"]
--
add b %[1]q
listen  ["--listen"]
--
"up-client\n" exit status 3
"" no connection has the updown command "id"
"" malformed variable "LD_PRELOAD=/tmp/x" of an updown command: expected PLUTO_NAME=VALUE
"" an updown command may take 10s, not 1h0m0s
`, withUpdown)
	if string(text) != want {
		t.Errorf("the workers noted:\n%s\nwant:\n%s", text, want)
	}
	if readies != 1 {
		t.Errorf("ready was said %d times", readies)
	}
	if crashes := strings.Count(strings.Join(log, "\n"), "has crashed"); crashes != 2 {
		t.Errorf("%d crashes in the log, want 2: %q", crashes, log)
	}
	if _, err := os.Lstat(s.Socket); !os.IsNotExist(err) {
		t.Errorf("the control socket is still there: %v", err)
	}
}

// TestSupervisorWithoutRestart is plutorestartoncrash=no.
func TestSupervisorWithoutRestart(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(workerEnv, filepath.Join(dir, "notes"))
	s := Supervisor{
		Socket: filepath.Join(dir, "pluto.ctl"), Program: os.Args[0],
		Ready: func() error { return nil }, Log: func(string) {},
	}
	if err := s.Run(t.Context()); err == nil {
		t.Error("the end of a worker that crashed is no error")
	}
}
