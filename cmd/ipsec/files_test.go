package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"ipsec/conf"
	"ipsec/golden/lab"
	"ipsec/pluto/whack/cmdline"
)

// The files of packaging and doc, which this program must live up to.

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSampleConfig reads the ipsec.conf that is installed, as it is and with its
// examples in force.
func TestSampleConfig(t *testing.T) {
	sample := readFile(t, "../../packaging/ipsec.conf")
	key := "0x" + strings.Repeat("5a", 32)
	keys := "\nconn manual-keys\n\tespenckey=" + key + "\n\tespauthkey=" + key + "\n"
	example := regexp.MustCompile(`(?m)^# ?(conn |\t)`).ReplaceAllString(sample, "$1")
	example = strings.ReplaceAll(example, "\tipsec ranbits", "# ipsec ranbits")
	for _, test := range []struct {
		name, text string
		conns      int
	}{{"as it is", sample, 0}, {"with the examples", example + keys, 3}} {
		config, err := conf.Parse("ipsec.conf", []byte(test.text))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if len(config.Warnings) > 0 {
			t.Errorf("%s: warnings %v", test.name, config.Warnings)
		}
		named := 0
		for _, conn := range config.Conns {
			if !conn.PolicyGroup {
				named++
			}
		}
		if named != test.conns {
			t.Errorf("%s: %d conns, want %d", test.name, named, test.conns)
		}
	}
}

// TestUnit checks that the unit does nothing but start and stop.
func TestUnit(t *testing.T) {
	unit := readFile(t, "../../packaging/ipsec.service")
	var commands []string
	for _, m := range regexp.MustCompile(`(?m)^Exec(\w+)=(.*)$`).FindAllStringSubmatch(unit, -1) {
		commands = append(commands, m[1]+": "+m[2])
	}
	want := "Start: /usr/sbin/ipsec setup start, Stop: /usr/sbin/ipsec setup stop"
	if got := strings.Join(commands, ", "); got != want {
		t.Errorf("the unit has %s, want %s", got, want)
	}
}

// TestManualPages checks that the manual pages name every command and every
// option of setup, and that groff has nothing against them.
func TestManualPages(t *testing.T) {
	parser, err := kong.New(new(cli), kong.Vars{"confdir": "", "rundir": "", "version": ""})
	if err != nil {
		t.Fatal(err)
	}
	general, setup, auto := readFile(t, "../../doc/ipsec.8"), readFile(t, "../../doc/ipsec_setup.8"), readFile(t, "../../doc/ipsec_auto.8")
	for _, command := range parser.Model.Children {
		if !command.Hidden && !strings.Contains(general, "\n.It Cm "+command.Name+"\n") {
			t.Errorf("ipsec.8 says nothing of %s", command.Name)
		}
		page, ok := map[string]string{"setup": setup, "auto": auto}[command.Name]
		for _, option := range command.Flags {
			if ok && !strings.Contains(page, "\n.It Fl Fl "+option.Name) {
				t.Errorf("ipsec_%s.8 says nothing of --%s", command.Name, option.Name)
			}
		}
	}
	page := readFile(t, "../../doc/ipsec_whack.8")
	for _, option := range cmdline.Options() {
		if name := strings.TrimPrefix(option.Name, "--"); !strings.HasPrefix(name, "debug-") && !strings.Contains(page, "Fl Fl "+name+" ") && !strings.Contains(page, "Fl Fl "+name+"\n") {
			t.Errorf("ipsec_whack.8 says nothing of --%s", name)
		}
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		lab.Missing(t, "groff is not installed")
	}
	for _, page := range []string{"../../doc/ipsec.8", "../../doc/ipsec_setup.8", "../../doc/ipsec_whack.8", "../../doc/ipsec_auto.8", "../../doc/ipsec_pluto.8"} {
		if out, err := exec.Command(groff, "-mandoc", "-Tutf8", "-ww", "-z", page).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", page, err, out)
		}
	}
}
