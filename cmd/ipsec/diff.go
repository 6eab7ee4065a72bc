package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"ipsec/conf"
	"ipsec/exec/diff"
	"ipsec/plan"
	"ipsec/plan/change"
	"ipsec/plan/compile"
)

// diff compares what a start would leave with what is there. It changes nothing; the exit status is 0 where
// there is nothing to do, 2 where there is, and 1 for every failure, a bad configuration included.
func (c *setupCmd) diff(e *env) error {
	switch {
	case c.Show || c.Showonly:
		return failed(e, "diff changes nothing: it does not go with --show and --showonly")
	case c.Facts != "" || c.Plan != "":
		return failed(e, "diff asks this machine: it does not go with --facts and --plan")
	case c.Format == "sh":
		return failed(e, "diff has no shell: expected --format text or json")
	}
	report, err := c.compare(e)
	if err != nil {
		return failed(e, strings.Join(conf.Lines(err), "\nipsec setup diff: "))
	}
	if c.Format == "json" {
		err = report.WriteJSON(e.Stdout)
	} else {
		err = report.WriteText(e.Stdout, e.Getenv("NO_COLOR") == "" && isTerminal(e.Stdout))
	}
	if err != nil {
		return failed(e, err.Error())
	}
	if report.Differs() {
		return exitStatus(2)
	}
	return nil
}

// asksDiff reports whether a command line that cannot be read asks for diff, of which 2 says that there
// is a difference.
func asksDiff(words []string) bool {
	return len(words) > 0 && words[0] == "setup" && slices.Contains(words, "diff")
}

// compare compiles a start, and looks at what is there.
func (c *setupCmd) compare(e *env) (diff.Report, error) {
	debug.SetGCPercent(400) // it is over before memory counts
	config, _, err := load(e, plan.Start)
	if err != nil {
		return diff.Report{}, err
	}
	return c.report(e, config)
}

// compared returns what a start would come to, and what is there.
func compared(e *env, config *conf.Config, facts plan.Facts) (*compile.Promise, change.State, error) {
	promise, err := compile.Promised(config, facts, e.Paths)
	if err != nil {
		return nil, change.State{}, err
	}
	there, err := diff.Running(e.Paths, config, facts, promise.Items)
	return promise, there, err
}

// failed says why there is no comparison. The status is 1, as 2 says that there is a difference.
func failed(e *env, why string) error {
	fmt.Fprintln(e.Stderr, "ipsec setup diff: "+why)
	return exitStatus(1)
}

// isTerminal reports whether w is one.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
