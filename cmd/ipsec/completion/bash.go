package completion

import (
	"io"
	"strings"
)

// bash writes the script of bash.
func bash(w io.Writer, commands []word) error {
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
