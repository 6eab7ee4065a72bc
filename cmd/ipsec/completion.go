package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"ipsec/conf"
	"ipsec/pluto/whack"
)

// completionCmd is ipsec completion.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints the completion script of the shell.
func (c *completionCmd) Run(e *env) error {
	words := completions(e.Kong.Model)
	switch c.Shell {
	case "bash":
		return bashCompletion(e.Stdout, words)
	case "zsh":
		return zshCompletion(e.Stdout, words)
	}
	return fishCompletion(e.Stdout, words)
}

// word is a command or an option, with what may follow it.
type word struct {
	name    string
	help    string
	takes   bool     // an option that takes a value
	kind    string   // what the value, or the arguments, are: "file", "dir", "conn", "link", or ""
	values  []string // what they may be, where that is known
	options []word   // of a command
	hidden  bool     // a command that is not offered itself
}

// completions returns the commands, from the grammar of the command line. What an option's value is comes from its enum, or else
// from its tag complete: a kind, or the values with blanks between.
func completions(model *kong.Application) []word {
	root := options(model.Node)
	var commands []word
	for _, node := range model.Children {
		command := word{name: node.Name, help: node.Help, hidden: node.Hidden, options: append(options(node), root...)}
		if n := len(node.Positional); n > 0 {
			command.kind, command.values = values(node.Positional[n-1])
		}
		if node.Name == "whack" { // which reads its options itself
			for _, o := range whack.Options() {
				command.options = append(command.options, word{name: o.Name, help: o.Help, takes: o.Value != ""})
			}
		}
		commands = append(commands, command)
	}
	return commands
}

// options returns the options of a command, the second names of each too.
func options(node *kong.Node) []word {
	var found []word
	for _, flag := range node.Flags {
		if flag.Hidden {
			continue
		}
		kind, list := values(flag.Value)
		for _, name := range append([]string{flag.Name}, flag.Aliases...) {
			found = append(found, word{name: "--" + name, help: flag.Help, takes: !flag.IsBool(), kind: kind, values: list})
		}
	}
	return found
}

func values(v *kong.Value) (kind string, list []string) {
	if v.Enum != "" {
		return "", v.EnumSlice()
	}
	switch hint := v.Tag.Get("complete"); hint {
	case "":
		switch v.Tag.PlaceHolder {
		case "FILE":
			return "file", nil
		case "DIR":
			return "dir", nil
		case "LINK":
			return "link", nil
		case "inet|inet6":
			return "", []string{"inet", "inet6"}
		}
		return "", nil
	case "file", "dir", "conn", "link":
		return hint, nil
	case "keyword":
		return "", keywordNames()
	default:
		return "", strings.Fields(hint)
	}
}

// keywordNames returns the keywords of ipsec.conf in the order of their table.
func keywordNames() []string {
	var names []string
	for _, keyword := range conf.Keywords() {
		if !slices.Contains(names, keyword.Name) {
			names = append(names, keyword.Name)
		}
	}
	return names
}

// script writes lines and keeps the first error.
type script struct {
	w   io.Writer
	err error
}

func (s *script) line(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format+"\n", args...)
	}
}

// names returns the names of words that are offered.
func names(words []word) []string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		if !w.hidden {
			out = append(out, w.name)
		}
	}
	return out
}

// listConns, listLinks are what a shell runs to learn the names that only the
// machine knows.
const (
	listConns = "ipsec _confread --names 2>/dev/null"
	listLinks = "ls /sys/class/net 2>/dev/null"
)

func bashCompletion(w io.Writer, commands []word) error {
	s := &script{w: w}
	s.line("# bash completion for ipsec; source it, or put it in /etc/bash_completion.d")
	s.line("_ipsec() {")
	s.line("    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= flags= kind= words= i")
	s.line("    for ((i = 1; i < COMP_CWORD; i++)); do")
	s.line("        case ${COMP_WORDS[i]} in -*) ;; *) cmd=${COMP_WORDS[i]}; break ;; esac")
	s.line("    done")
	s.line("    case \"$cmd $prev\" in")
	for _, command := range commands {
		for _, option := range command.options {
			if option.takes {
				s.line("    %s) kind=%s words=%s ;;", singleQuote(command.name+" "+option.name),
					orNone(option.kind), singleQuote(strings.Join(option.values, " ")))
			}
		}
	}
	s.line("    *)")
	s.line("        case $cmd in")
	s.line("        '') words=%s ;;", singleQuote(strings.Join(append(names(commands), "--help", "--version", "--confdir"), " ")))
	for _, command := range commands {
		s.line("        %s) flags=%s kind=%s words=%s ;;", command.name, singleQuote(strings.Join(names(command.options), " ")),
			orNone(command.kind), singleQuote(strings.Join(command.values, " ")))
	}
	s.line("        esac")
	s.line("        case $cur:$kind$words in -*|:) kind= words=$flags ;; esac ;;")
	s.line("    esac")
	s.line("    case $kind in")
	s.line("    file) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")) ;;")
	s.line("    dir) compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\")) ;;")
	s.line("    conn) COMPREPLY=($(compgen -W \"$words $(%s)\" -- \"$cur\")) ;;", listConns)
	s.line("    link) COMPREPLY=($(compgen -W \"$words $(%s)\" -- \"$cur\")) ;;", listLinks)
	s.line("    *) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;")
	s.line("    esac")
	s.line("}")
	s.line("complete -F _ipsec ipsec")
	return s.err
}

func orNone(kind string) string {
	if kind == "" {
		return "''"
	}
	return kind
}

func zshCompletion(w io.Writer, commands []word) error {
	action := func(kind string, values []string) string {
		switch kind {
		case "file":
			return "_files"
		case "dir":
			return "_files -/"
		case "conn":
			return "{compadd -- ${(f)\"$(" + listConns + ")\"}}"
		case "link":
			return "{compadd -- ${(f)\"$(" + listLinks + ")\"}}"
		}
		if len(values) == 0 {
			return " "
		}
		return "(" + strings.Join(values, " ") + ")"
	}
	help := strings.NewReplacer("[", `\[`, "]", `\]`, ":", `\:`)
	s := &script{w: w}
	s.line("#compdef ipsec")
	s.line("_ipsec() {")
	s.line("    local -a commands")
	s.line("    commands=(")
	for _, command := range commands {
		if !command.hidden {
			s.line("        %s", singleQuote(command.name+":"+help.Replace(command.help)))
		}
	}
	s.line("    )")
	s.line("    if (( CURRENT == 2 )); then _describe command commands; return; fi")
	s.line("    shift words; (( CURRENT-- ))")
	s.line("    case $words[1] in")
	for _, command := range commands {
		s.line("    %s) _arguments \\", command.name)
		for _, option := range command.options {
			spec := option.name
			if option.takes {
				spec += "="
			}
			spec += "[" + help.Replace(option.help) + "]"
			if option.takes {
				spec += ":value:" + action(option.kind, option.values)
			}
			s.line("        %s \\", singleQuote(spec))
		}
		s.line("        %s ;;", singleQuote("*:argument:"+action(command.kind, command.values)))
	}
	s.line("    esac")
	s.line("}")
	s.line("_ipsec \"$@\"")
	return s.err
}

func fishCompletion(w io.Writer, commands []word) error {
	s := &script{w: w}
	s.line("# fish completion for ipsec; put it in ~/.config/fish/completions/ipsec.fish")
	s.line("complete -c ipsec -f")
	for _, command := range commands {
		if command.hidden {
			continue
		}
		s.line("complete -c ipsec -n __fish_use_subcommand -a %s -d %s", command.name, fishQuote(command.help))
	}
	arguments := func(kind string, values []string) string {
		switch kind {
		case "file":
			return " -F"
		case "dir":
			return " -a " + fishQuote("(__fish_complete_directories)")
		case "conn":
			return " -a " + fishQuote("("+listConns+")")
		case "link":
			return " -a " + fishQuote("("+listLinks+")")
		}
		if len(values) == 0 {
			return ""
		}
		return " -a " + fishQuote(strings.Join(values, " "))
	}
	for _, command := range commands {
		in := "complete -c ipsec -n " + fishQuote("__fish_seen_subcommand_from "+command.name)
		for _, option := range command.options {
			line := in + " -l " + strings.TrimPrefix(option.name, "--") + " -d " + fishQuote(option.help)
			switch {
			case option.takes && option.kind == "file":
				line += " -r -F" // files, which -x excludes
			case option.takes:
				line += " -x" + arguments(option.kind, option.values)
			}
			s.line("%s", line)
		}
		if a := arguments(command.kind, command.values); a != "" {
			s.line("%s%s", in, a)
		}
	}
	return s.err
}

// singleQuote quotes text for sh and zsh.
func singleQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// fishQuote quotes text for fish, where a backslash works within quotes.
func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
