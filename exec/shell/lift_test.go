package shell

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/exec/exectest"
	"ipsec/plan"
)

// modest is a plan that has one of everything that has lines of its own.
func modest() plan.Plan {
	p := exectest.Plan(nil)
	p.Digest, p.Facts, p.Writer = "5feceb66ffc86f38", "6b86b273ff34fce1", "1.2 (abc)"
	p.Paths = conf.Paths{Bin: "/opt/ipsec", Confs: "/etc/east", Conf: "/etc/my.conf", Run: "/run/east"}
	p.Syslog = "local0.info"
	step := func(op plan.Op, kind plan.FailKind, message, reason string) plan.Node {
		return plan.Step{Op: op, OnFail: plan.OnFail{Kind: kind, Message: message}, Reason: reason}
	}
	p.Undo = []plan.Node{step(plan.ClearInterfaces{}, plan.FailIgnore, "", "what start made")}
	p.Nodes = []plan.Node{
		plan.If{Cond: plan.Exists{Path: "/run/east/ipsec_setup.pid"}, Then: []plan.Node{
			step(plan.Log{Text: "already running"}, plan.FailIgnore, "", ""),
			plan.Exit{Status: 1},
		}, Reason: "the running check"},
		plan.Try{Op: plan.MakeDir{Path: "/run/east"}, Else: []plan.Node{step(plan.Touch{Path: "/x"}, plan.FailStatus1, "", "")}},
		step(plan.LinkUp{Link: "ipsec0"}, plan.FailUndo, "...failed", "east.conf:7"),
		step(plan.Initiate{Name: "a b"}, plan.FailWarn, "failed to initiate it", "east.conf:9"),
		plan.Exit{Status: plan.StatusRegister},
	}
	return p
}

const modestScript = `#!/bin/sh
# ipsec setup start
# plan format 1, by ipsec 1.2 (abc)
# of the configuration 5feceb66ffc86f38
# of the facts 6b86b273ff34fce1
# Each line is a step; the comment above it says where it comes from. sh runs
# it, and so does 'ipsec setup start --plan FILE' if it still is today's plan.
umask 022
PATH=/opt/ipsec:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
unset IPSEC_CONFS IPSEC_CONF IPSEC_RUNDIR IPSEC_SYSLOG
IPSEC_CONFS=/etc/east
export IPSEC_CONFS
IPSEC_CONF=/etc/my.conf
export IPSEC_CONF
IPSEC_RUNDIR=/run/east
export IPSEC_RUNDIR
IPSEC_SYSLOG=local0.info
export IPSEC_SYSLOG
status=0
trap 'exit 1' HUP INT TERM
undo() {
	trap '' HUP INT TERM
	ipsec _log "$1"
	# what start made
	ipsec tncfg --clear || :
	exit 1
}
# the running check
if test -e /run/east/ipsec_setup.pid; then
	ipsec _log 'already running'
	exit 1
fi
mkdir /run/east || {
	touch /x || status=1
}
trap 'undo interrupted' HUP INT TERM
# east.conf:7
ip link set dev ipsec0 up || undo ...failed
# east.conf:9
ipsec whack --name 'a b' --initiate || ipsec _log 'failed to initiate it'
exit "$status"
`

func TestScript(t *testing.T) {
	if got := script(t, modest()); got != modestScript {
		t.Errorf("got\n%s\nwant\n%s", got, modestScript)
	}
	roundTrip(t, modest())
}

func TestText(t *testing.T) {
	var b strings.Builder
	if err := Text(&b, modest()); err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for line := range strings.Lines(modestScript) {
		if !strings.HasPrefix(strings.TrimLeft(line, "\t"), "#") {
			want.WriteString("ipsec_setup: \t " + line)
		}
	}
	if b.String() != want.String() {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want.String())
	}
}

func TestLiftRefuses(t *testing.T) {
	for _, c := range []struct {
		name, old, new string // what is replaced in the script
		want           string
	}{
		{"empty", modestScript, "", `f:1:1: expected a script of ipsec setup --showonly --format sh`},
		{"other script", modestScript, "#!/bin/sh\nrm -rf /\n", `f:1:1: expected a script of`},
		{"other shell", "#!/bin/sh", "#!/bin/bash", `f:1:8: expected "#!/bin/sh", found "#!/bin/bash"`},
		{"other verb", "setup start\n", "setup status\n", `f:1:1: malformed plan: malformed verb "status"`},
		{"other umask", "umask 022", "umask 077", `f:8:8: expected "umask 022", found "umask 077"`},
		{"other PATH", "/opt/ipsec:/usr/sbin", "/opt/ipsec:.:/usr/sbin", `f:1:1: malformed plan: malformed binary folder`},
		{"PATH without the system", "PATH=/opt/ipsec:/usr/sbin:/usr/bin:/sbin:/bin", "PATH=/opt/ipsec", `f:9:`},
		{"substitution in PATH", "PATH=/opt", "PATH=$(evil)/opt", `f:9:1: expected NAME=value with a literal value`},
		{"more in the head", "status=0\n", "status=0\ntrue\n", `f:21:3: expected "trap 'exit 1' HUP INT TERM", found "true"`},
		{"other trap in the head", "trap 'exit 1'", "trap reboot", `f:21:6: expected "trap 'exit 1' HUP INT TERM", found "trap reboot HUP INT TERM"`},
		{"undo that is cut short", "\ttrap '' HUP INT TERM\n", "", `f:23:2: expected "\ttrap '' HUP INT TERM"`},
		{"no trap", "trap 'undo interrupted' HUP INT TERM\n", "", `expected the line "trap 'undo interrupted' HUP INT TERM" before the first step`},
		{"early trap", "# the running check\n", "trap 'undo interrupted' HUP INT TERM\n# the running check\n", `"trap" is no step of a plan`},
		{"trap before all", "# the running check\nif", "trap 'undo interrupted' HUP INT TERM\nif", `"trap" is no step of a plan`},
		{"late trap", "undo interrupted' HUP INT TERM\n# east.conf:7\nip link set dev ipsec0 up || undo ...failed\n", "undo interrupted' HUP INT TERM\n# east.conf:9\nip link set dev ipsec0 up || :\n",
			`f:37:1: expected the line "trap 'undo interrupted' HUP INT TERM" before the first step that is undone when it fails, and nowhere else`},
		{"default export", "IPSEC_CONFS=/etc/east\nexport IPSEC_CONFS\nIPSEC_CONF", "IPSEC_CONFS=/etc\nexport IPSEC_CONFS\nIPSEC_CONF", `f:12:`},
		{"other undo", "\texit 1\n}\n# the", "\texit 0\n}\n# the", `f:27:1: an undo ends with status 1`},
		{"exit in undo", "\t# what start made\n", "\texit 0\n", `f:25:1: an undo ends with status 1`},
		{"command", "touch /x", "shred /x", `f:35:2: "shred" is no step of a plan`},
		{"subcommand", "ipsec whack --name", "ipsec setup --name", `f:41:7: expected`},
		{"option", "--initiate", "--initiate --oops", `f:41:1: malformed AddConn`},
		{"more words", "ip link set dev ipsec0 up", "ip link set dev ipsec0 up now", `f:39:27: expected the end of the step, found "now"`},
		{"fewer words", "ip link set dev ipsec0 up", "ip link set dev ipsec0", `f:39:1: expected up or mtu, found the end after "ipsec0"`},
		{"no policy", "touch /x || status=1", "touch /x", `f:35:10: expected ||`},
		{"other policy", "touch /x || status=1", "touch /x || status=2", `f:35:14: expected what follows`},
		{"two policies", "touch /x || status=1", "touch /x || : || :", `f:35:`},
		{"substitution", "'failed to initiate it'", "\"$(reboot)\"", `f:41:51: expected a literal word`},
		{"backquotes", "'failed to initiate it'", "\"`reboot`\"", `f:41:51: expected a literal word`},
		{"parameter", "touch /x", "touch $HOME", `f:35:8: expected a literal word`},
		{"quoted parameter", "touch /x", "touch \"$HOME\"", `f:35:`},
		{"glob", "touch /x", "touch /*", `f:35:8: expected "\ttouch '/*' || status=1"`},
		{"tilde", "touch /x", "touch /~", `f:35:8: expected`},
		{"escape", "touch /x", `touch /\x`, `f:35:8: expected`},
		{"relative path", "touch /x", "touch x", `absolute`},
		{"other quotes", "'a b'", `"a b"`, `f:41:20: expected "ipsec whack --name 'a b' --initiate`},
		{"parts of a word", "'a b'", `a' b'`, `f:41:20: expected a literal word`},
		{"environment", "touch /x", "A=b touch /x", `f:35:6: expected a step without variables before it`},
		{"environment of a condition", "if test", "if A=b test", `f:30:4: expected the condition`},
		{"redirection", "touch /x", "touch /x > /y", `f:35:`},
		{"two redirections", "touch /x", "touch /x > /y 2>&1", `expected one redirection at most`},
		{"background", "touch /x ||", "touch /x & true ||", `f:35:2: expected one step`},
		{"background step", "|| undo ...failed", "|| undo ...failed &", `f:39:`},
		{"two steps", "touch /x || status=1", "touch /x || status=1; reboot", `f:35:2: expected one step`},
		{"pipe", "touch /x", "touch /x | sh", `f:35:`},
		{"subshell", "touch /x", "(touch /x)", `f:35:2: expected a simple command`},
		{"here document", "touch /x", "touch /x <<E", `f:35:`},
		{"negated", "\ttouch /x", "\t! touch /x", `f:35:2: expected`},
		{"loop", "touch /x || status=1", "while :; do :; done", `f:35:2: expected a simple command`},
		{"condition", "test -e /run", "test -f /run", `f:30:4: expected the condition`},
		{"condition that acts", "if test -e /run/east/ipsec_setup.pid", "if touch /x", `f:30:4: expected the condition`},
		{"no indentation", "\ttouch", "touch", `f:35:1: expected a step that is 1 tabs`},
		{"more indentation", "\ttouch", "\t\ttouch", `f:35:2: expected "\ttouch`},
		{"spaces", "touch /x", "touch  /x", `f:35:8: expected`},
		{"continued line", "touch /x", "touch \\\n/x", `f:35:`},
		{"carriage return", "touch /x || status=1\n", "touch /x || status=1\r\n", `f:35:`},
		{"comment behind", "|| status=1\n", "|| status=1 # x\n", `f:35:`},
		{"bidi comment", "# east.conf:9\n", "# \u202eeast\n", `f:40:3: expected a comment of printable text`},
		{"empty body", "\ttouch /x || status=1\n", "", `f:35:1: expected a step, found "}"`},
		{"no end", "}\ntrap", "trap", `f:36:1: expected a step that is 1 tabs`},
		{"no last newline", "exit \"$status\"\n", "exit \"$status\"", `f:42:15: expected the end of the line`},
		{"no exit", "exit \"$status\"\n", "", `its last node is not an Exit`},
		{"exit 2", "exit \"$status\"\n", "exit 2\n", `f:42:1: "exit" is no step`},
		{"exit without quotes", "exit \"$status\"\n", "exit $status\n", `f:42:6: expected a literal word`},
		{"undo in undo", "--clear || :", "--clear || undo x", `f:26:1: an undo is not undone itself`},
		{"NUL", "/x", "/\x00x", `f:35:`},
		{"invalid UTF-8", "/x", "/\xff", `f:35:`},
		{"long line", "/x", "/" + strings.Repeat("x", MaxLine), `f:35:131073: the line is longer`},
		{"nesting", "touch /x", strings.Repeat("$(", 5000), `f:35:`},
		{"too deep", "\ttouch /x || status=1\n", deep(40), `more than 32 deep`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(modestScript, c.old) {
				t.Fatalf("%q is not there", c.old)
			}
			text := strings.Replace(modestScript, c.old, c.new, 1)
			p, err := Lift("f", text)
			switch {
			case err == nil && c.want == "" && script(t, p) == text:
				// What is left is a script in the form of a plan.
			case err == nil:
				t.Errorf("it was taken for %+v", p)
			case !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "f:"):
				t.Errorf("got  %v\nwant %s", err, c.want)
			default:
				t.Log(err)
			}
		})
	}
}

func deep(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat("\t", i+1) + "if test -e /x; then\n")
	}
	return b.String()
}

func TestScriptRefuses(t *testing.T) {
	p := modest()
	p.Nodes = append([]plan.Node{plan.Step{Op: plan.AddConn{Name: "x", Args: []string{strings.Repeat("x", MaxLine)}},
		OnFail: plan.OnFail{Kind: plan.FailIgnore}}}, p.Nodes...)
	if err := Script(&strings.Builder{}, p); err == nil || !strings.Contains(err.Error(), "longer") {
		t.Errorf("a line of %d bytes: %v", MaxLine, err)
	}
	if err := Script(&strings.Builder{}, plan.Plan{}); err == nil {
		t.Error("the zero plan is written")
	}
	if _, err := Lower(plan.Step{}); err == nil {
		t.Error("the zero step is lowered")
	}
	if _, err := Line(plan.Step{}); err == nil {
		t.Error("the zero step has a line")
	}
}

func TestCompare(t *testing.T) {
	p, q := modest(), modest()
	q.Digest = ""
	step := q.Nodes[2].(plan.Step)
	step.Reason = "east.conf:8"
	q.Nodes[2] = step
	if got := Compare(p, q); got != "" {
		t.Errorf("they do the same, but differ by\n%s", got)
	}
	step.Op = plan.LinkUp{Link: "ipsec1"}
	q.Nodes[2] = step
	got := Compare(p, q)
	for _, line := range []string{"--- reviewed\n+++ now\n", "\n-ip link set dev ipsec0 up || undo ...failed\n+ip link set dev ipsec1 up || undo ...failed\n"} {
		if !strings.Contains(got, line) {
			t.Errorf("got\n%s\nwant\n%s", got, line)
		}
	}
	if Compare(p, plan.Plan{}) == "" {
		t.Error("a plan and none are the same")
	}
}

// uncommentedLines returns the lines of a script but for comments and blank ones.
func uncommentedLines(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), isComment)
}

// TestLiftComments: a reviewer may add comments and blank lines, and what the plan does is the same.
func TestLiftComments(t *testing.T) {
	var text strings.Builder
	for i, line := range strings.SplitAfter(modestScript, "\n") {
		if i > 0 && line != "" {
			text.WriteString("\n# looks good: A. B.\n\t#\n#\n")
		}
		text.WriteString(line)
	}
	text.WriteString("# signed\n\n")
	p, err := Lift("f", text.String())
	if err != nil {
		t.Fatal(err)
	}
	if difference := Compare(p, modest()); difference != "" {
		t.Error(difference)
	}
}

// TestLiftWithoutXDP reads a plan of before, whose interfaces say nothing of AF_XDP, as one with what it meant.
func TestLiftWithoutXDP(t *testing.T) {
	now := modest()
	now.Nodes[2] = plan.Step{Op: plan.Attach{Virtual: "ipsec0", Physical: "eth0", XDP: "auto"}, OnFail: plan.OnFail{Kind: plan.FailUndo, Message: "...failed"}}
	text := script(t, now)
	before := strings.Replace(text, " --xdp auto", "", 1)
	p, err := Lift("f", before)
	if err != nil || before == text {
		t.Fatal(err, before)
	}
	if difference := Compare(p, now); difference != "" {
		t.Error(difference)
	}
}

// TestLiftInvisible: a comment that a terminal would not show as it is, is refused wherever it stands.
func TestLiftInvisible(t *testing.T) {
	for _, comment := range []string{"# \x1b[8m hidden\n", "# a\rb\n", "# \u202e\n", "# \xff\n", "\t# \x00\n"} {
		for _, before := range []string{"umask 022\n", "# east.conf:9\n", "}\n", "exit \"$status\"\n"} {
			text := strings.Replace(modestScript, before, comment+before, 1)
			if _, err := Lift("f", text); err == nil || !strings.Contains(err.Error(), "expected a comment of printable text") {
				t.Errorf("%q before %q: %v", comment, before, err)
			}
		}
	}
}

func FuzzLift(f *testing.F) {
	f.Add(modestScript)
	f.Add("#!/bin/sh\nundo() {\n")
	start, _, _ := strings.Cut(modestScript, "# the running check")
	for _, c := range forms {
		line, err := Line(plan.Step{Op: c.op, OnFail: plan.OnFail{Kind: plan.FailIgnore}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(start + line + "\nexit 0\n")
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, text := range []string{text, start + text} {
			p, err := Lift("f", text)
			if err != nil {
				if !strings.HasPrefix(err.Error(), "f:") {
					t.Fatalf("an error without a place: %v", err)
				}
				continue
			}
			again := script(t, p)
			if !slices.Equal(uncommentedLines(again), uncommentedLines(text)) {
				t.Fatalf("%q is written as %q", text, again)
			}
			back, err := Lift("f", again)
			if err != nil || !reflect.DeepEqual(back, p) {
				t.Fatalf("%+v is read back as %+v, %v", p, back, err)
			}
		}
	})
}

// TestReviewedShape: a file that is no script of a plan is told from one by what it is.
func TestReviewedShape(t *testing.T) {
	var text, asJSON strings.Builder
	if err := Text(&text, modest()); err != nil {
		t.Fatal(err)
	}
	asJSON.WriteString("{\n\"version\": 1,\n")
	for _, c := range []struct{ text, want string }{
		{modestScript, ""},
		{strings.ReplaceAll(modestScript, "\n", "\r\n"), "f: its lines end in CR LF"},
		{text.String(), "f: it is a plan in the form text"},
		{asJSON.String(), "f: it is a plan in the form json"},
		{"", "f: the file is empty"},
		{"hello\n", "f: it is no plan"},
		{"#!/bin/sh\necho hello\n", "f:1:1: expected a script of ipsec setup"},
		{strings.Replace(modestScript, "setup start", "setup stop", 2), "f is a plan of stop, not of start"},
		{strings.Replace(modestScript, "ipsec0", "ipsec1", 1), "f is not what ipsec setup start would do here and now"},
	} {
		err := Reviewed("f", c.text, modest())
		switch {
		case err == nil && c.want != "", err != nil && (c.want == "" || !strings.HasPrefix(err.Error(), c.want)):
			t.Errorf("%.40q: %v\nexpected %q", c.text, err, c.want)
		}
	}
}
