package laws

import (
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"ipsec/golden/lab"
)

// waiting is an updown command whose up waits for a file.
const waiting = quietly + `
cat >> /etc/updown <<'.'
test $PLUTO_VERB != up-client || { : > /etc/waits; until test -e /etc/on; do sleep 0.01; done; }
.
`

// TestUndoInterruptedScript interrupts a start's script, alone as kill does and
// with all that it runs as a terminal does; it takes back what it did by itself,
// as TestUndoInterrupted has it of the native start.
func TestUndoInterruptedScript(t *testing.T) {
	// A shell cannot trap what was ignored when it began, as it is under
	// nohup(1); what is caught here is not ignored in what this test starts.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hangup) })
	for _, shell := range shells[1:] {
		for _, c := range []struct {
			name string
			sig  syscall.Signal
			all  bool
		}{{"kill", syscall.SIGTERM, false}, {"hangup", syscall.SIGHUP, true}, {"terminal", syscall.SIGINT, true}} {
			t.Run(shell+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				words := strings.Fields(shell)
				lab.NeedProgram(t, words[0])
				g := newGateway(t, everything, crooked+waiting)
				before := g.state()
				g.write("/etc/start.sh", g.must(0, "setup", "--showonly", "--format", "sh", "start"))
				cmd := g.command(words[0], append(words[1:], "/etc/start.sh")...)
				cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				if err := g.Start(cmd); err != nil {
					t.Fatal(err)
				}
				lab.Until(t, "the updown command waits", func() bool { return g.exists("/etc/waits") })
				pid := cmd.Process.Pid
				if c.all {
					pid = -pid
				}
				if err := syscall.Kill(pid, c.sig); err != nil {
					t.Error(err)
				}
				g.write("/etc/on", "")
				err := cmd.Wait()
				if status := cmd.ProcessState.ExitCode(); status != 1 {
					t.Errorf("exit status %d (%v), want 1", status, err)
				}
				if err := g.Do(func() error {
					for _, file := range []string{"/etc/waits", "/etc/on", "/etc/start.sh"} {
						if err := os.Remove(file); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					t.Error(err)
				}
				same(t, "interrupted", before, g.state())
			})
		}
	}
}
