// Command ipsec starts, stops and reports on the IPsec subsystem of a machine,
// and holds the daemons and tools that this takes: one program for all of
// ipsec(8). This package knows the command line and joins the parts; how
// anything is done is the business of the packages beside it.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"ipsec/conf"
	"ipsec/klips/options"
)

// env is what a command may use of the world around it.
type env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Paths          conf.Paths // from the environment and the binary's folder
	Self           string     // this binary
	Kong           *kong.Kong
}

// exitStatus is an error that ends the program with a status and without a message:
// what there was to say has been said.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is a command line that makes no sense; the usage follows it.
type usageError string

func (e usageError) Error() string { return string(e) }

func main() {
	// A reader of our output that goes away must not end a start half way.
	// Unlike an ignored signal, one that is caught is not inherited.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(run(os.Args, newEnv()))
}

// newEnv returns the environment of this process.
func newEnv() *env {
	e := &env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Paths: conf.PathsFrom(os.Getenv).Absolute()}
	if self, err := os.Executable(); err == nil {
		e.Self = self
		e.Paths.Bin = filepath.Dir(self)
	}
	return e
}

// run carries out one command line and returns the exit status: 0, 1 for what
// failed, 2 for usage and for a configuration that cannot be read.
func run(args []string, e *env) int {
	var c cli
	status := -1
	parser, err := kong.New(&c,
		kong.Name("ipsec"),
		kong.Description("Start, stop and report on a machine's IPsec subsystem: KLIPS, which encrypts packets, and Pluto, which negotiates keys."),
		kong.Writers(e.Stdout, e.Stderr),
		kong.Exit(func(code int) {
			if status < 0 {
				status = code
			}
		}),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Vars{"confdir": e.Paths.Confs, "rundir": e.Paths.Run, "version": versionText()},
		kong.Bind(e),
	)
	if err != nil {
		fmt.Fprintf(e.Stderr, "ipsec: %v\n", err)
		return 2
	}
	e.Kong = parser
	words := commandLine(args)
	if len(words) == 0 {
		words = []string{"--help"}
	}
	ctx, err := parser.Parse(words)
	if status >= 0 { // --help, --version and the like have answered
		return status
	}
	if err != nil {
		usage(e, err)
		if asksDiff(words) {
			return 1
		}
		return 2
	}
	err = ctx.Run(e)
	var code exitStatus
	var wrong usageError
	var malformed options.Malformed
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &wrong), errors.As(err, &malformed):
		fmt.Fprintf(e.Stderr, "ipsec: %v\n", err)
		ctx.Stdout = e.Stderr
		_ = ctx.PrintUsage(true)
		return 2
	}
	prefix := "ipsec: "
	var files conf.Errors
	if errors.As(err, &files) { // each line names its file
		prefix = ""
	}
	for _, line := range conf.Lines(err) {
		fmt.Fprintln(e.Stderr, prefix+line)
	}
	return int(failure(err))
}

// usage says what is wrong with a command line and how to do better.
func usage(e *env, err error) {
	fmt.Fprintf(e.Stderr, "ipsec: %v\n", err)
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		out := parse.Context.Stdout
		parse.Context.Stdout = e.Stderr
		_ = parse.Context.PrintUsage(true)
		parse.Context.Stdout = out
	}
}

// rcLink matches the names under which an init system calls us: the script
// itself, or a link to it for a run level.
var rcLink = regexp.MustCompile(`(^|/)(init\.d/ipsec|rc[0-6S]\.d/[SK][0-9][0-9]ipsec)$`)

// commandLine returns the words after the program's name, in the form that
// the grammar knows: an rc link means setup, and setup's verbs may be spelled
// as options (--start), as the old rc script allowed.
func commandLine(args []string) []string {
	words := append([]string(nil), args[1:]...)
	name := args[0]
	if strings.Contains(name, "/") { // without one, it was found in PATH
		if abs, err := filepath.Abs(name); err == nil {
			name = abs
		}
	}
	if rcLink.MatchString(name) {
		words = append([]string{"setup"}, words...)
	}
	if len(words) > 0 && words[0] == "setup" {
		for i, word := range words[1:] {
			switch word {
			case "--start", "--stop", "--restart", "--try-restart", "--condrestart", "--force-reload", "--diff", "--status",
				"--_autostart", "--_autostop", "--_autorestart":
				words[i+1] = strings.TrimPrefix(word, "--")
			}
		}
	}
	return words
}
