package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ipsec/golden/lab"
)

var updateReadme = flag.Bool("update-readme", false, "write what the commands of README.md print into it")

// drawn are the SPIs of a Child SA.
var drawn = regexp.MustCompile(`(ESP=>|<)0x[0-9a-f]{8}\b`)

// TestReadme runs the commands of README.md, each the first line of a block of
// the kind "console", and compares what they print.
func TestReadme(t *testing.T) {
	const readme = "../../README.md"
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	dir := binary(t)
	path, program := dir+":"+os.Getenv("PATH"), filepath.Join(dir, "ipsec")
	block := regexp.MustCompile("(?s)```console\n\\$ ([^\n]*)\n(.*?)```\n")
	ran := 0
	updated := block.ReplaceAllStringFunc(string(text), func(whole string) string {
		ran++
		m := block.FindStringSubmatch(whole)
		if strings.HasPrefix(m[1], "demo/run") {
			lab.NeedTUN(t)
			lab.NeedProgram(t, "tcpdump")
		}
		cmd := exec.Command("sh", "-c", m[1])
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "PATH="+path, "IPSEC="+program)
		out, _ := cmd.CombinedOutput() // a block may show a failure
		got := strings.TrimSuffix(string(out), "\n") + "\n"
		if drawn.ReplaceAllString(got, "$1") == drawn.ReplaceAllString(m[2], "$1") {
			return whole // what is drawn at random is as it was
		}
		if !*updateReadme {
			t.Errorf("$ %s\nprints\n%s\nREADME.md says\n%s", m[1], got, m[2])
		}
		return "```console\n$ " + m[1] + "\n" + got + "```\n"
	})
	if ran == 0 {
		t.Fatal("no command found")
	}
	if *updateReadme {
		if err := os.WriteFile(readme, []byte(updated), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
