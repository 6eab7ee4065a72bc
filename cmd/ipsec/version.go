package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"ipsec/cmd/ipsec/completion"
)

// versionText returns what --version prints: the version of the program, and by which Go it
// was built.
func versionText() string {
	return fmt.Sprintf("ipsec %s (KLIPS in user space, %s %s/%s)", programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// programVersion returns the version that the binary was built as, or the commit.
func programVersion() string {
	version, revision := "(devel)", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && len(s.Value) >= 12:
				revision = " " + s.Value[:12]
			case s.Key == "vcs.modified" && s.Value == "true" && revision != "":
				revision += "+changes"
			}
		}
	}
	if version != "(devel)" {
		revision = "" // a version says it already
	}
	return version + revision
}

// versionCmd is ipsec version, ipsec_version(8).
type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(e *env) error {
	_, err := fmt.Fprintln(e.Stdout, versionText())
	return err
}

// completionCmd is ipsec completion.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints the completion script of the shell.
func (c *completionCmd) Run(e *env) error { return completion.Write(e.Stdout, c.Shell, e.Kong.Model) }
