package ikebench

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ipsec/golden/lab"
	"ipsec/pluto/whack"
)

// plutoSubject is ours, with KLIPS.
type plutoSubject struct {
	m                         *lab.Machine
	supervisor, worker, klips int
	session                   whack.Session
}

func (*plutoSubject) name() string { return "ours" }

func (p *plutoSubject) ipsec(b testing.TB, args ...string) string {
	b.Helper()
	var out strings.Builder
	cmd := exec.Command(bin+"/ipsec", args...)
	cmd.Env, cmd.Dir = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, "/"
	cmd.Stdout, cmd.Stderr = &out, &out
	err := p.m.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		b.Fatalf("ipsec %q: %v\n%s", args, err, out.String())
	}
	return out.String()
}

func (p *plutoSubject) start(b testing.TB, m *lab.Machine, pl plan) {
	b.Helper()
	p.m = m
	own, peer := subjectAddr, generatorAddr
	if pl.peer {
		own, peer = peer, own
	}
	var conf strings.Builder
	fmt.Fprintf(&conf, `
config setup
	interfaces="ipsec0=eth0"
	uniqueids=no
conn %%default
	left=%s
	right=%s
	authby=secret
	keyexchange=ikev2
	ike=aes128gcm16-prfsha256-curve25519
	esp=aes128gcm16
	auto=add
`, own, peer)
	if pl.peer {
		fmt.Fprintf(&conf, "conn peer\n\tleftid=@generator\n\tleftsubnet=%s/32\n\trightid=@s0\n\trightsubnet=10.255.0.1/32\n", clientOf(0))
	} else {
		conf.WriteString("conn any\n\tleftid=@subject\n\tleftsubnet=10.255.0.1/32\n\trightid=%any\n\trightsubnetwithin=10.0.0.0/8\n")
	}
	for i := range pl.conns {
		fmt.Fprintf(&conf, "conn c%d\n\tleftid=@s%d\n\tleftsubnet=10.255.0.1/32\n\trightid=@generator\n\trightsubnet=%s/32\n", i, i, clientOf(i))
		if pl.now {
			conf.WriteString("\tauto=start\n")
		}
	}
	err := m.Do(func() error {
		if err := os.WriteFile("/etc/ipsec.conf", []byte(conf.String()), 0o644); err != nil {
			return err
		}
		return os.WriteFile("/etc/ipsec.secrets", []byte(": PSK \"swordfish\"\n"), 0o600)
	})
	if err != nil {
		b.Fatal(err)
	}
	p.ipsec(b, "setup", "start")
	p.find(b)
}

// find looks for the processes of this subject, which are those in its network
// namespace that run our binary.
func (p *plutoSubject) find(b testing.TB) {
	b.Helper()
	var here string
	if err := p.m.Do(func() (err error) { here, err = os.Readlink("/proc/thread-self/ns/net"); return err }); err != nil {
		b.Fatal(err)
	}
	p.klips, p.supervisor, p.worker = 0, 0, 0
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		if there, err := os.Readlink(dir + "/ns/net"); err != nil || there != here {
			continue
		}
		var pid int
		fmt.Sscanf(filepath.Base(dir), "%d", &pid)
		switch line := commandLine(pid); {
		case strings.HasPrefix(line, bin+"/ipsec klips "):
			p.klips = pid
		case strings.HasPrefix(line, bin+"/ipsec pluto ") && strings.Contains(line, "--worker"):
			p.worker = pid
		case strings.HasPrefix(line, bin+"/ipsec pluto "):
			p.supervisor = pid
		}
	}
	if p.klips == 0 || p.supervisor == 0 || p.worker == 0 {
		b.Fatal("KLIPS and Pluto do not run")
	}
}

func commandLine(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.ReplaceAll(string(text), "\x00", " ")
}

func (p *plutoSubject) initiate(b testing.TB, i int) {
	b.Helper()
	p.session.Path = "/var/run/pluto/pluto.ctl"
	err := p.m.Do(func() error {
		status, err := p.session.Do(context.Background(), []string{"--name", fmt.Sprintf("c%d", i), "--initiate", "--asynchronous"}, io.Discard)
		if err == nil && status != 0 {
			err = fmt.Errorf("whack: status %d", status)
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

func (p *plutoSubject) processes() []process {
	return []process{{"Pluto", p.worker}, {"its supervisor", p.supervisor}, {"KLIPS", p.klips}}
}

func (p *plutoSubject) stop(b testing.TB) {
	p.session.Close()
	p.ipsec(b, "setup", "stop")
}
