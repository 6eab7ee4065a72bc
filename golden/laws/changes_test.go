package laws

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"ipsec/golden/report"
)

// TestChanges runs the commands of doc/changes.md, one after the other, on a gateway with the configuration that it
// shows: the document is what comes of that, but for the time of day.
func TestChanges(t *testing.T) {
	const file = "../../doc/changes.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, config, found := strings.Cut(string(text), "```ipsec.conf\n")
	config, _, closed := strings.Cut(config, "```\n")
	if !found || !closed {
		t.Fatal("there is no configuration")
	}
	g := newGateway(t, config, "")
	g.syslog()
	g.must(0, "setup", "start")
	block := regexp.MustCompile("(?s)```console([^\n]*)\n(.*?)```\n")
	var doc report.Document
	doc.Add(block.ReplaceAllStringFunc(string(text), func(whole string) string {
		m := block.FindStringSubmatch(whole)
		out := "```console" + m[1] + "\n"
		for line := range strings.Lines(m[2]) {
			command, ok := strings.CutPrefix(line, "$ ")
			if !ok {
				continue
			}
			words := []string{"sh", "-c", "cd /dev/shm; PATH=" + bin + ":$PATH; { " + strings.TrimSpace(command) + "; } 2>&1"}
			if m[1] == " new login" {
				words = append([]string{"setsid", "-w"}, words...)
			}
			r := g.do(words[0], words[1:]...)
			out += line + timeOfDay.ReplaceAllString(plutoPID.ReplaceAllString(r.stdout, "pluto pid 1234"), "until 14:05:07 ")
		}
		return out + "```\n"
	}))
	doc.Compare(t, file)
	g.must(0, "setup", "stop")
}

var (
	timeOfDay = regexp.MustCompile(`until \d\d:\d\d:\d\d `)
	plutoPID  = regexp.MustCompile(`pluto pid \d+`)
)
