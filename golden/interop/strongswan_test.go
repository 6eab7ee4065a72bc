package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

const (
	charon  = "/usr/lib/ipsec/charon"
	swanctl = "/usr/sbin/swanctl"
)

// strongswan is charon in a machine, with its ESP in user space: in UDP, always.
type strongswan struct {
	*lab.Machine
	t     testing.TB
	dir   string // its configuration
	cmd   *exec.Cmd
	ended chan error
}

// plugins, in the order of their loading: openssl first, for speed.
const plugins = "random nonce openssl aes sha1 sha2 md5 hmac kdf gcm ctr ccm cmac xcbc chapoly curve25519 gmp x509 constraints " +
	"revocation pubkey pkcs1 pkcs8 pem des kernel-libipsec kernel-netlink socket-default vici updown"

// startStrongswan starts charon in m; it ends with the test.
func startStrongswan(t testing.TB, m *lab.Machine) *strongswan {
	t.Helper()
	for _, file := range []string{charon, swanctl} {
		if _, err := os.Stat(file); err != nil {
			lab.Missing(t, "this test needs strongSwan, which .ci/peers installs: %v", err)
		}
	}
	s := &strongswan{Machine: m, t: t, dir: t.TempDir()}
	s.write("strongswan.conf", fmt.Sprintf(`charon {
	load = %s
	retransmit_tries = 3
	retransmit_timeout = 1.0
	delete_rekeyed_delay = 1
	filelog {
		log {
			path = %s/charon.log
			default = 1
			flush_line = yes
		}
	}
	plugins {
		kernel-libipsec { allow_peer_ts = yes }
	}
}
swanctl { load = random openssl pem pkcs1 pkcs8 x509 pubkey }
`, plugins, s.dir))
	s.start()
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("charon's log:\n%s", s.log())
		}
	})
	return s
}

// start starts charon and waits until it answers.
func (s *strongswan) start() {
	s.t.Helper()
	s.cmd = s.command(charon)
	if err := s.Start(s.cmd); err != nil {
		s.t.Fatalf("failed to start charon: %v", err)
	}
	s.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan<- error) { ended <- cmd.Wait() }(s.cmd, s.ended)
	for range 200 {
		if _, err := s.swanctl("--version"); err == nil {
			if _, err := s.swanctl("--stats"); err == nil {
				return
			}
		}
		time.Sleep(25 * time.Millisecond)
	}
	s.t.Fatalf("charon does not answer:\n%s", s.log())
}

// kill is a crash: no peer is told.
func (s *strongswan) kill() {
	s.cmd.Process.Kill()
	<-s.ended
	s.cmd = nil
}

func (s *strongswan) stop() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Signal(os.Interrupt)
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		s.kill()
	}
	s.cmd = nil
}

func (s *strongswan) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "STRONGSWAN_CONF=" + s.dir + "/strongswan.conf", "SWANCTL_DIR=" + s.dir}
	cmd.Dir = "/"
	return cmd
}

// swanctl runs a command of swanctl(8) and returns what it printed.
func (s *strongswan) swanctl(args ...string) (string, error) {
	var out strings.Builder
	cmd := s.command(swanctl, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := s.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	return out.String(), err
}

// write writes a file of its configuration.
func (s *strongswan) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// load makes conf, the text of swanctl.conf, and files its whole configuration.
func (s *strongswan) load(t testing.TB, conf string, files map[string]string) {
	t.Helper()
	for _, dir := range []string{"x509", "x509ca", "x509crl", "private", "pubkey"} {
		os.RemoveAll(filepath.Join(s.dir, dir))
	}
	for name, text := range files {
		s.write(name, text)
	}
	s.write("swanctl.conf", conf)
	if out, err := s.swanctl("--load-all", "--clear"); err != nil {
		t.Fatalf("swanctl --load-all: %v\n%s\n%s", err, out, conf)
	}
}

// initiate brings a child up.
func (s *strongswan) initiate(child string) (string, error) {
	return s.swanctl("--initiate", "--child", child, "--timeout", "10")
}

// clear ends all SAs, without a word to the peers.
func (s *strongswan) clear() {
	s.swanctl("--terminate", "--ike", "*", "--force", "--timeout", "1")
}

func (s *strongswan) log() string {
	text, _ := os.ReadFile(s.dir + "/charon.log")
	return string(text)
}
