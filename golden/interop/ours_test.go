package interop

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
	"ipsec/pluto/whack/status"
)

// gateway is our side.
type gateway struct {
	machine
	logged int // how much of the log was written before the case
}

const ourLog = "/run/pluto.log"

// base is the beginning of each configuration of ours. It is without AF_XDP, whose
// packets no capture sees.
const base = `
config setup
	interfaces="ipsec0=eth0"
	nooffload=xdp
	uniqueids=yes
	nat_traversal=yes
	plutostderrlog=` + ourLog + `

conn %default
	left=192.0.2.1
	right=192.0.2.2
	leftsubnet=10.0.1.1/32
	rightsubnet=10.0.2.1/32
	leftid=@ours.test
	rightid=@peer.test
	keyexchange=ikev2
	authby=secret
	keyingtries=1

`

// startOurs starts the subsystem; it stops with the test.
func startOurs(t testing.TB, m *lab.Machine) *gateway {
	t.Helper()
	g := &gateway{machine: machine{m}}
	write(t, g, map[string]string{"/etc/ipsec.conf": base})
	if out, err := g.ipsec("setup", "start"); err != nil {
		t.Fatalf("ipsec setup start: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := g.ipsec("setup", "stop"); err != nil {
			t.Errorf("ipsec setup stop: %v\n%s", err, out)
		}
	})
	return g
}

// ipsec runs our binary and returns what it printed.
func (g *gateway) ipsec(args ...string) (string, error) {
	cmd := exec.Command(bin+"/ipsec", args...)
	cmd.Env, cmd.Dir, cmd.WaitDelay = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, "/", 5*time.Second
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	err := g.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	return out.String(), err
}

// try is like ipsec, for a command that may fail.
func (g *gateway) try(args ...string) string {
	out, err := g.ipsec(args...)
	if err != nil {
		out += err.Error()
	}
	return out
}

var connName = regexp.MustCompile(`(?m)^conn (\S+)`)

// forget drops all connections. Their peers are told, or not there any more.
func (g *gateway) forget(t testing.TB) error {
	t.Helper()
	for _, c := range g.status(t).Connections {
		if c.Instance == 0 {
			g.try("auto", "--delete", c.Name)
		}
	}
	return lab.Poll(5*time.Second, func() error {
		if len(g.status(t).SAs) == 0 {
			return nil
		}
		return fmt.Errorf("we still have SAs:\n%s", tail(g.try("whack", "--status"), 30))
	})
}

// load makes the conn "t", with further ones, its secrets and files our
// configuration.
func (g *gateway) load(t testing.TB, p *pairing) {
	t.Helper()
	g.logged = len(g.wholeLog())
	files := map[string]string{
		"/etc/ipsec.conf":    base + "conn t\n" + indent(p.ours) + "\n" + p.more,
		"/etc/ipsec.secrets": or(p.secret, usualSecret),
	}
	for name, text := range p.files {
		files["/etc/ipsec.d/"+name] = text
	}
	if _, err := g.Try("rm -rf /etc/ipsec.d"); err != nil {
		t.Fatal(err)
	}
	write(t, g, files)
	if out, err := g.ipsec("auto", "--rereadall"); err != nil {
		t.Fatalf("ipsec auto --rereadall: %v\n%s", err, out)
	}
	for _, name := range connName.FindAllStringSubmatch("conn t\n"+p.more, -1) {
		if out, err := g.ipsec("auto", "--add", name[1]); err != nil {
			t.Fatalf("ipsec auto --add %s: %v\n%s", name[1], err, out)
		}
	}
}

func indent(keywords string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(keywords)) {
		b.WriteString("\t" + strings.TrimSpace(line) + "\n")
	}
	return b.String()
}

// status returns the status of our Pluto.
func (g *gateway) status(t testing.TB) status.Document {
	t.Helper()
	out, err := g.ipsec("whack", "--status", "--format", "json")
	var d status.Document
	if err == nil {
		err = json.Unmarshal([]byte(out), &d)
	}
	if err != nil {
		t.Fatalf("failed to read the status: %v\n%s", err, out)
	}
	return d
}

// packets returns how many packets our SAs have carried, both ways.
func (g *gateway) packets(t testing.TB) int {
	t.Helper()
	total := uint64(0)
	for _, sa := range g.status(t).SAs {
		if sa.Child != nil {
			total += sa.Child.InPackets + sa.Child.OutPackets
		}
	}
	return int(total)
}

// log returns what Pluto has logged since the case began.
func (g *gateway) log() string {
	text := g.wholeLog()
	return text[min(g.logged, len(text)):]
}

func (g *gateway) wholeLog() string {
	var text []byte
	g.Do(func() (err error) {
		text, err = os.ReadFile(filepath.Clean(ourLog))
		return err
	})
	return string(text)
}
