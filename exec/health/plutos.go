package health

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ipsec/conf"
)

// plutos returns the process numbers of the Plutos of this instance, whatever
// their lock file says: processes of this binary that run pluto, in this network
// namespace and for this run folder. Of each Pluto it is the supervisor, neither
// its worker nor the process that starts it. proc is /proc; what it does not let
// us see of a process is taken to fit.
func plutos(proc string, paths conf.Paths) []int {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && isPluto(filepath.Join(proc, entry.Name()), filepath.Join(proc, "self"), paths) {
			found = append(found, pid)
		}
	}
	slices.Sort(found)
	return found
}

func isPluto(process, self string, paths conf.Paths) bool {
	line, err := os.ReadFile(process + "/cmdline")
	if err != nil {
		return false
	}
	words := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	command := slices.Index(words, "pluto")
	if command < 1 || slices.Contains(words, "--worker") || !slices.Contains(words, "--nofork") {
		return false
	}
	ours, err := os.Stat(self + "/exe")
	theirs, terr := os.Stat(process + "/exe")
	switch {
	case err == nil && terr == nil:
		if !os.SameFile(ours, theirs) {
			return false
		}
	case filepath.Base(words[0]) != "ipsec":
		return false
	}
	space, err := os.Readlink(self + "/ns/net")
	other, oerr := os.Readlink(process + "/ns/net")
	if err == nil && oerr == nil && space != other {
		return false
	}
	return runFolder(process, words[command:]) == paths.Run
}

// runFolder returns the run folder that a Pluto was given.
func runFolder(process string, words []string) string {
	for i, word := range words {
		if base, ok := strings.CutPrefix(word, "--ctlbase="); ok {
			return filepath.Dir(base)
		}
		if word == "--ctlbase" && i+1 < len(words) {
			return filepath.Dir(words[i+1])
		}
	}
	variables, _ := os.ReadFile(process + "/environ")
	return conf.PathsFrom(func(name string) string {
		for variable := range strings.SplitSeq(string(variables), "\x00") {
			if value, ok := strings.CutPrefix(variable, name+"="); ok {
				return value
			}
		}
		return ""
	}).Run
}
