package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"ipsec/conf"
	"ipsec/exec/host"
	"ipsec/plan"
	"ipsec/plan/compile"
)

// verifyCmd is ipsec verify, ipsec_verify(8).
type verifyCmd struct {
	Config string `placeholder:"FILE" help:"Check FILE in place of ipsec.conf."`
}

// verdict is the outcome of a check.
type verdict string

// The verdicts. A start goes through with warnings, and not with a failure.
const (
	good    verdict = "OK"
	warning verdict = "WARNING"
	failed  verdict = "FAILED"
)

// finding is the outcome of one check, with what to do about it.
type finding struct {
	what    string
	verdict verdict
	details []string
}

// Run checks what a start needs and prints a line for each check. The exit
// status is 1 when one has failed. It changes nothing.
func (c *verifyCmd) Run(e *env) error {
	e.setConfig(c.Config)
	m := machine{paths: e.Paths, root: "/", super: os.Geteuid() == 0}
	m.config, m.configErr = conf.Load(e.Paths)
	m.facts, m.factsErr = host.Gather(e.Paths)
	findings := m.verify(e.Self)
	report(e.Stdout, findings)
	fmt.Fprintf(e.Stdout, "While they run, and apart from what a plan shows, the daemons may change:\n")
	for _, line := range daemonEffects() {
		fmt.Fprintf(e.Stdout, "  %s\n", line)
	}
	for _, f := range findings {
		if f.verdict == failed {
			return exitStatus(1)
		}
	}
	return nil
}

// report prints findings, one a line, with details below.
func report(w io.Writer, findings []finding) {
	for _, f := range findings {
		fmt.Fprintf(w, "%-58s [%s]\n", f.what, f.verdict)
		for _, detail := range f.details {
			fmt.Fprintf(w, "    %s\n", detail)
		}
	}
}

// daemonEffects lists what the daemons change outside the steps of a plan.
func daemonEffects() []string {
	return []string{
		"klips: the links ipsec0 … ipsecN that tncfg asked for, their MTU and their carrier, and their ignore_routes_with_linkdown, which is off",
		"klips: the XDP program ipsec_esp on the physical interfaces, which is on while there are SAs of raw ESP, and goes with it",
		"klips: its lock and its sockets in the run folder",
		"pluto: the SAs and eroutes of its connections, in KLIPS",
		"pluto: routes into ipsec0 … ipsecN for its connections, or what their updown commands do",
		"pluto: notes in ipsec.info of what stop has to take back of that",
		"pluto: its lock and its socket in the run folder, and the log of plutostderrlog=",
	}
}

// machine is what verify looks at.
type machine struct {
	paths     conf.Paths
	root      string // below which /proc, /dev lie: "/" but in tests
	super     bool   // the superuser asks
	config    *conf.Config
	configErr error
	facts     plan.Facts
	factsErr  error
}

// verify makes all checks, in the order in which a start needs things.
func (m *machine) verify(self string) []finding {
	var all []finding
	add := func(f ...finding) { all = append(all, f...) }
	add(m.binary(self), m.user())
	add(m.configuration(), m.plan())
	if m.configErr == nil && m.factsErr == nil {
		add(m.interfaces()...)
		add(m.tunDevice(), m.pluto(), m.forwarding())
		add(m.reversePath()...)
	}
	add(m.secrets()...)
	add(m.keyFolder())
	add(m.keyFiles()...)
	add(m.ports()...)
	add(m.runFolder(), m.syslog())
	add(m.offloads()...)
	return all
}

// path returns where a file of the system lies.
func (m *machine) path(name string) string { return filepath.Join(m.root, name) }

// value returns the text of a file of the system, "" where it has none.
func (m *machine) value(name string) string {
	text, err := os.ReadFile(m.path(name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func (m *machine) binary(self string) finding {
	f := finding{"Program " + self, good, nil}
	if info, err := os.Stat(self); err != nil {
		f.verdict, f.details = failed, []string{err.Error()}
	} else if info.Mode()&0o022 != 0 {
		f.verdict = warning
		f.details = []string{"users other than its owner may write it: chmod go-w " + self}
	}
	return f
}

func (m *machine) user() finding {
	if m.super {
		return finding{"Superuser", good, nil}
	}
	return finding{"Superuser", warning, []string{"start and stop need the superuser, and some of what follows could not be looked at"}}
}

func (m *machine) configuration() finding {
	f := finding{"Configuration " + m.paths.Conf, good, nil}
	if m.configErr != nil {
		return finding{f.what, failed, lines(m.configErr)}
	}
	for _, w := range m.config.Warnings {
		f.verdict = warning
		f.details = append(f.details, w.String())
	}
	return f
}

// plan compiles a start.
func (m *machine) plan() finding {
	f := finding{"Plan of a start", good, nil}
	switch {
	case m.factsErr != nil:
		return finding{f.what, failed, lines(m.factsErr)}
	case m.configErr != nil:
		return finding{f.what, failed, []string{"there is none without a configuration"}}
	}
	if _, err := compile.Setup(plan.Start, m.config, m.facts, m.paths); err != nil {
		return finding{f.what, failed, lines(err)}
	}
	return f
}

func (m *machine) runFolder() finding {
	f := finding{"Run folder " + m.paths.Run, good, nil}
	info, err := os.Stat(m.paths.Run)
	switch {
	case os.IsNotExist(err):
		f.details = []string{"not there; start makes it"}
	case err != nil:
		return finding{f.what, failed, []string{err.Error()}}
	case !info.IsDir():
		return finding{f.what, failed, []string{"expected a folder; it is something else: move it away"}}
	case info.Mode()&0o022 != 0:
		return finding{f.what, failed, []string{"users other than its owner may write there: chmod 755 " + m.paths.Run}}
	case m.super:
		if err := unix.Access(m.paths.Run, unix.W_OK); err != nil {
			return finding{f.what, failed, []string{"start cannot write there: " + err.Error()}}
		}
	}
	return f
}
