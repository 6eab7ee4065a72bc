package completion

import (
	"io"
	"strings"
)

// fish writes the script of fish.
func fish(w io.Writer, commands []word) error {
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
