package completion

import (
	"io"
	"strings"
)

// zsh writes the script of zsh.
func zsh(w io.Writer, commands []word) error {
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
