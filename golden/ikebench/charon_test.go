package ikebench

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// charonSubject is strongSwan's, with its ESP in user space.
type charonSubject struct {
	m     *lab.Machine
	dir   string
	cmd   *exec.Cmd
	ended chan error
	vici  *vici
}

func (*charonSubject) name() string { return "charon" }

func (c *charonSubject) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Dir = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "STRONGSWAN_CONF=" + c.dir + "/strongswan.conf", "SWANCTL_DIR=" + c.dir}, "/"
	return cmd
}

func (c *charonSubject) swanctl(args ...string) (string, error) {
	var out strings.Builder
	cmd := c.command("/usr/sbin/swanctl", args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := c.m.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	return out.String(), err
}

func (c *charonSubject) start(b testing.TB, m *lab.Machine, p plan) {
	b.Helper()
	if _, err := os.Stat("/usr/lib/ipsec/charon"); err != nil {
		lab.Missing(b, "this needs strongSwan, which .ci/peers installs")
	}
	c.m, c.dir = m, b.TempDir()
	// Quiet, and with no more than what the measurement needs.
	settings := `charon {
	load = random nonce openssl aes sha1 sha2 hmac kdf gcm curve25519 kernel-libipsec kernel-netlink socket-default vici
	dos_protection = no
	ikesa_table_size = 4096
	ikesa_table_segments = 16
	filelog {
		log {
			path = ` + c.dir + `/log
			default = -1
		}
	}
	plugins { kernel-libipsec { allow_peer_ts = yes } }
}
swanctl { load = random openssl }
`
	var conf strings.Builder
	connection := func(name, own, peer, remote, action string) {
		fmt.Fprintf(&conf, `%s {
 version = 2
 mobike = no
 unique = never
 local_addrs = %s
 remote_addrs = %s
 proposals = aes128gcm16-prfsha256-x25519
 local {
 auth = psk
 id = %s
 }
 remote {
 auth = psk
 id = %s
 }
 children { %s {
 local_ts = 10.255.0.1/32
 remote_ts = %s
 esp_proposals = aes128gcm16
 start_action = %s
 } }
}
`, name, subjectAddr, generatorAddr, own, peer, name, remote, action)
	}
	conf.WriteString("connections {\n")
	connection("any", "subject", "%any", "10.0.0.0/8", "none")
	for i := range p.conns {
		action := "none"
		if p.now {
			action = "start"
		}
		connection(fmt.Sprintf("c%d", i), fmt.Sprintf("s%d", i), "generator", clientOf(i)+"/32", action)
	}
	conf.WriteString("}\nsecrets { ike-1 { secret = \"swordfish\"\n } }\n")
	for name, text := range map[string]string{"strongswan.conf": settings, "swanctl.conf": conf.String()} {
		if err := os.WriteFile(c.dir+"/"+name, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	c.cmd = c.command("/usr/lib/ipsec/charon")
	if err := m.Start(c.cmd); err != nil {
		b.Fatal(err)
	}
	c.ended = make(chan error, 1)
	go func() { c.ended <- c.cmd.Wait() }()
	var out string
	err := lab.Poll(5*time.Second, func() (err error) {
		c.vici, err = dialVici(m)
		return err
	})
	if err == nil {
		if out, err = c.swanctl("--load-all"); err == nil {
			return
		}
	}
	b.Fatalf("charon does not answer: %v\n%s", err, out)
}

func (c *charonSubject) initiate(b testing.TB, i int) {
	b.Helper()
	if err := c.vici.initiate(fmt.Sprintf("c%d", i)); err != nil {
		b.Fatal(err)
	}
}

func (c *charonSubject) processes() []process { return []process{{"charon", c.cmd.Process.Pid}} }

// stop ends it at once: telling thousands of peers would take long.
func (c *charonSubject) stop(testing.TB) {
	c.vici.conn.Close()
	c.cmd.Process.Kill()
	<-c.ended
}
