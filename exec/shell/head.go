package shell

import (
	"fmt"

	"ipsec/conf"
	"ipsec/plan"
)

// Format is the version of the form of scripts. It changes when a reviewed plan of before cannot be
// compared with one of now.
const Format = "1"

// What stands in the comments of the head: verb, version of the form and of the program, digests.
const (
	verbLine    = "# ipsec setup "
	manualLine  = "# ipsec manual"
	autoLine    = "# ipsec auto"
	formatWords = "# plan format "
	formatLine  = formatWords + Format
	writerMark  = ", by ipsec "
	digestLine  = "# of the configuration "
	noDigest    = "# of no configuration"
	factsLine   = "# of the facts "
)

// usage is the rest of the comments of the head.
func usage(verb plan.Verb) []string {
	if verb == plan.Manual || verb == plan.Automat {
		return []string{"# Each line is a step; the comment above it says where it comes from. sh runs it."}
	}
	return []string{
		"# Each line is a step; the comment above it says where it comes from. sh runs",
		fmt.Sprintf("# it, and so does 'ipsec setup %s --plan FILE' if it still is today's plan.", verb),
	}
}

// head returns the lines before the function undo.
func head(p plan.Plan) (comments []string, commands []command) {
	comments = append(comments, "#!/bin/sh")
	switch p.Verb {
	case plan.Manual:
		comments = append(comments, manualLine)
	case plan.Automat:
		comments = append(comments, autoLine)
	default:
		comments = append(comments, verbLine+string(p.Verb))
	}
	format := formatLine
	if p.Writer != "" {
		format += writerMark + p.Writer
	}
	comments = append(comments, format)
	if p.Digest != "" {
		comments = append(comments, digestLine+p.Digest)
	} else {
		comments = append(comments, noDigest)
	}
	if p.Facts != "" {
		comments = append(comments, factsLine+p.Facts)
	}
	comments = append(comments, usage(p.Verb)...)

	commands = append(commands, literal("umask", "022"))
	export := func(name, value string) {
		commands = append(commands, command{env: []variable{{name, value}}}, literal("export", name))
	}
	export("PATH", p.Paths.Path())
	commands = append(commands, literal("unset", conf.EnvConfs, conf.EnvConf, conf.EnvRun, conf.EnvSyslog))
	for _, e := range environment(&p) {
		if *e.value != e.usual() {
			export(e.name, *e.value)
		}
	}
	return comments, append(commands, command{env: []variable{{"status", "0"}}}, literal("trap", "exit 1", "HUP", "INT", "TERM"))
}

func literal(words ...string) command {
	var c command
	for _, w := range words {
		c.words = append(c.words, word{text: w})
	}
	return c
}

// DefaultSyslog is the facility and priority of what is said where a plan has
// no other: that of ipsec _log without -p and IPSEC_SYSLOG.
const DefaultSyslog = "daemon.error"

// setting is a variable of the environment and what of a plan it carries. The head
// exports it to the commands of this program where it is not the usual one, and
// unsets it first, so that a script does the same in any environment.
type setting struct {
	name  string
	value *string
	usual func() string
}

// environment returns the settings of p, in the order of the head. The usual
// value of one may depend on those before it.
func environment(p *plan.Plan) []setting {
	usual := conf.DefaultPaths()
	return []setting{
		{conf.EnvConfs, &p.Paths.Confs, func() string { return usual.Confs }},
		{conf.EnvConf, &p.Paths.Conf, func() string { return p.Paths.Confs + "/ipsec.conf" }},
		{conf.EnvRun, &p.Paths.Run, func() string { return usual.Run }},
		{conf.EnvSyslog, &p.Syslog, func() string { return DefaultSyslog }},
	}
}
