package laws

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
)

// TestUndoTogether runs verbs at the same time. The machine is then in one of two
// states, started or stopped, and never in a third.
func TestUndoTogether(t *testing.T) {
	draw := random(t)
	const rounds = 6
	for i := range rounds {
		n := draw.Int63()
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			draw := rand.New(rand.NewSource(n))
			g := newGateway(t, everything, crooked+quietly)
			before := g.state()
			g.must(0, "setup", "start")
			up, held := g.state(), g.tables()
			g.must(0, "setup", "stop")

			var wait sync.WaitGroup
			statuses := make([]int, 4)
			for i := range statuses {
				wait.Go(func() { statuses[i] = g.ipsec("setup", "start").status })
			}
			wait.Wait()
			won := 0
			for _, status := range statuses {
				if status == 0 {
					won++
				}
			}
			if won != 1 {
				t.Errorf("of four starts at once %d succeeded: %v", won, statuses)
			}
			same(t, "four starts at once", up, g.state())
			same(t, "four starts at once", held, g.tables())

			verbs := []string{"stop", "start", "restart", "stop", "start"}
			draw.Shuffle(len(verbs), func(i, j int) { verbs[i], verbs[j] = verbs[j], verbs[i] })
			for _, verb := range verbs {
				wait.Go(func() { g.ipsec("setup", verb) })
			}
			wait.Wait()
			g.ipsec("setup", "stop")
			same(t, fmt.Sprintf("%v at once, then stop", verbs), before, g.state())
		})
	}
}

// TestUndoBetween starts while another setup has made the run folder and has not
// locked it yet. It waits for that, and does not take the folder for one that was
// there before any start.
func TestUndoBetween(t *testing.T) {
	t.Parallel()
	g := newGateway(t, everything, crooked+quietly)
	lock := func(path string) *os.File {
		var dir *os.File
		err := g.Do(func() (err error) {
			if dir, err = os.Open(path); err != nil {
				return err
			}
			return unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		})
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	guard := lock("/var/run")
	g.Sh(t, "mkdir /var/run/pluto")

	var said strings.Builder
	start := g.command(bin+"/ipsec", "setup", "start")
	start.Stdout = &said
	if err := g.Start(start); err != nil {
		t.Fatal(err)
	}
	lab.Until(t, "start waits for the guard", func() bool {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", start.Process.Pid))
		for _, file := range files {
			if target, _ := os.Readlink(file); target == "/run" {
				return true
			}
		}
		return g.exists("/var/run/pluto/ipsec.info") // and where it does not, the test fails below
	})
	folder := lock("/var/run/pluto")
	defer folder.Close()
	guard.Close()
	if r := g.result(start.Wait(), &bytes.Buffer{}, &bytes.Buffer{}); r.status != 1 || !strings.Contains(said.String(), "another ipsec setup is at work") {
		t.Errorf("start ends with %d and says\n%s", r.status, said.String())
	}
	if g.exists("/var/run/pluto/ipsec.info") {
		t.Error("it has begun to work")
	}
}
