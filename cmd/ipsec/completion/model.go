// Package completion writes completion scripts of bash, zsh and fish from the
// grammar of the command line.
package completion

import (
	"fmt"
	"github.com/alecthomas/kong"
	"io"
	"slices"
	"strings"

	"ipsec/conf/keyword"
	"ipsec/pluto/whack/cmdline"
)

// Write writes the completion script of a shell: bash, zsh or fish.
func Write(w io.Writer, shell string, model *kong.Application) error {
	commands := words(model)
	switch shell {
	case "bash":
		return bash(w, commands)
	case "zsh":
		return zsh(w, commands)
	case "fish":
		return fish(w, commands)
	}
	return fmt.Errorf("unknown shell %q: expected bash, zsh or fish", shell)
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

// words returns the commands. What an option's value is comes from its enum, or
// else from its tag complete: a kind, or the values with blanks between.
func words(model *kong.Application) []word {
	root := options(model.Node)
	var commands []word
	for _, node := range model.Children {
		command := word{name: node.Name, help: node.Help, hidden: node.Hidden, options: append(options(node), root...)}
		if n := len(node.Positional); n > 0 {
			command.kind, command.values = values(node.Positional[n-1])
		}
		if node.Name == "whack" { // which reads its options itself
			for _, o := range cmdline.Options() {
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
	for _, keyword := range keyword.All() {
		if !slices.Contains(names, keyword.Name) {
			names = append(names, keyword.Name)
		}
	}
	return names
}
