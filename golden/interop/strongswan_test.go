package interop

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

const (
	charon  = "/usr/lib/ipsec/charon"
	swanctl = "/usr/sbin/swanctl"

	// swanDir is its configuration, in the host's own /run.
	swanDir = "/run/swan"
)

// strongswan is charon in a host.
type strongswan struct {
	host
	kernel bool // ESP is the kernel's; otherwise its own, in UDP, always
}

// needStrongswan calls lab.Missing where it is not installed.
func needStrongswan(t testing.TB) {
	t.Helper()
	for _, file := range []string{charon, swanctl} {
		if _, err := os.Stat(file); err != nil {
			lab.Missing(t, "this test needs strongSwan, which .ci/peers installs: %v", err)
		}
	}
}

// startStrongswan starts charon; it ends with its host.
func startStrongswan(t testing.TB, h host, kernel bool) *strongswan {
	t.Helper()
	needStrongswan(t)
	s := &strongswan{host: h, kernel: kernel}
	s.configure(t, "")
	s.start(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("charon's log:\n%s", s.log())
		}
	})
	return s
}

// configure writes strongswan.conf, with more lines for charon, which reads it when it
// starts.
func (s *strongswan) configure(t testing.TB, more string) {
	t.Helper()
	own := "kernel-libipsec "
	if s.kernel {
		own = ""
	}
	// openssl first, for speed.
	write(t, s, map[string]string{swanDir + "/strongswan.conf": fmt.Sprintf(`charon {
	load = random nonce openssl aes sha1 sha2 md5 hmac kdf mgf1 gcm ctr ccm cmac xcbc chapoly curve25519 gmp x509 constraints revocation pubkey pkcs1 pkcs8 pem des %skernel-netlink socket-default vici updown
	retransmit_tries = 3
	retransmit_timeout = 1.0
	delete_rekeyed_delay = 1
%s
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
`, own, more, swanDir)})
}

const swanEnv = "export PATH=/usr/sbin:/usr/bin:/sbin:/bin STRONGSWAN_CONF=" + swanDir + "/strongswan.conf SWANCTL_DIR=" + swanDir + "\n"

func (s *strongswan) start(t testing.TB) {
	t.Helper()
	// A process that was killed may not have been waited for, and would be
	// taken for one that runs.
	_, err := s.Try(swanEnv + `rm -f /run/charon.pid /run/charon.vici
` + charon + ` >/dev/null 2>&1 </dev/null &
echo $! > ` + swanDir + `/pid`)
	if err == nil {
		err = lab.Poll(10*time.Second, func() error {
			_, err := s.Try(swanEnv + "[ -S /run/charon.vici ] && swanctl --stats")
			return err
		})
	}
	if err != nil {
		t.Fatalf("charon does not answer: %v\n%s", err, s.log())
	}
}

func (s *strongswan) kill(t testing.TB) {
	t.Helper()
	if _, err := s.Try("kill -9 $(cat " + swanDir + "/pid)"); err != nil {
		t.Fatalf("failed to kill charon: %v", err)
	}
}

// stop ends it by SIGTERM and waits until it has ended.
func (s *strongswan) stop(t testing.TB) {
	t.Helper()
	_, err := s.Try("kill $(cat " + swanDir + "/pid)")
	if err == nil {
		err = lab.Poll(5*time.Second, func() error {
			_, err := s.Try("[ ! -e /run/charon.pid ]")
			return err
		})
	}
	if err != nil {
		t.Fatalf("failed to stop charon: %v", err)
	}
}

func (s *strongswan) name() string {
	if s.kernel {
		return "strongSwan, kernel"
	}
	return "strongSwan"
}

func (s *strongswan) esp() string {
	if s.kernel {
		return "raw"
	}
	return "udp"
}

// swanctl runs a command of swanctl(8) and returns what it printed.
func (s *strongswan) swanctl(args string) (string, error) {
	return s.Try(swanEnv + "exec swanctl " + args)
}

// load makes swanctl.conf and the files that it names.
func (s *strongswan) load(t testing.TB, p *pairing) {
	t.Helper()
	files := map[string]string{swanDir + "/swanctl.conf": p.swan.conf()}
	for name, text := range p.swan.files {
		files[swanDir+"/"+name] = text
	}
	s.swanctl("--terminate --ike t --force --timeout 1")
	if _, err := s.Try("cd " + swanDir + "; rm -rf x509 x509ca x509crl private pubkey"); err != nil {
		t.Fatal(err)
	}
	write(t, s, files)
	if out, err := s.swanctl("--load-all --clear"); err != nil {
		t.Fatalf("swanctl --load-all: %v\n%s\n%s", err, out, p.swan.conf())
	}
}

func (s *strongswan) initiate(child string) (string, error) {
	return s.swanctl("--initiate --child " + child + " --timeout 10")
}

func (s *strongswan) rekey(what string) (string, error) {
	return s.swanctl("--rekey --" + map[string]string{"ike": "ike t", "child": "child c"}[what])
}

func (s *strongswan) terminate() (string, error) {
	return s.swanctl("--terminate --ike t --timeout 5")
}

func (s *strongswan) sas() string {
	out, err := s.swanctl("--list-sas")
	if err != nil {
		return err.Error()
	}
	// One that has no connection yet is not counted.
	if !strings.Contains(out, "ESTABLISHED") && strings.HasPrefix(out, "(unnamed)") {
		return ""
	}
	return strings.TrimSpace(out)
}

var swanCount = regexp.MustCompile(`(?m)^\s+(?:in|out)\s.*,\s+(\d+) packets`)

func (s *strongswan) packets(testing.TB) int { return sum(swanCount, s.sas()) }

// sum adds up what the first group of a pattern matches.
func sum(pattern *regexp.Regexp, text string) int {
	total := 0
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1])
		total += n
	}
	return total
}

func (s *strongswan) log() string {
	out, _ := s.Try("tail -n 120 " + swanDir + "/charon.log")
	return out
}

// swan is strongSwan's side of a pairing. Zero fields mean the usual.
type swan struct {
	addr, ourAddr string // its own address and ours
	conn          string // further lines of the connection
	local, remote string // the authentication sections; "" for PSK
	child         string // further lines of the child
	localTS       string
	remoteTS      string
	children      string // further children
	secrets       string
	files         map[string]string
}

// conf is swanctl.conf.
func (x swan) conf() string {
	return fmt.Sprintf(`connections { t {
 version = 2
 mobike = no
 local_addrs = %s
 remote_addrs = %s
%s
 local {
 %s
 }
 remote {
 %s
 }
 children {
 c {
 local_ts = %s
 remote_ts = %s
%s
 }
%s
 }
} }
secrets {
%s
}
`, or(x.addr, peerAddr), or(x.ourAddr, ourAddr), x.conn,
		or(x.local, "auth = psk\n id = peer.test"), or(x.remote, "auth = psk\n id = ours.test"),
		or(x.localTS, peerHost+"/32"), or(x.remoteTS, ourHost+"/32"), x.child, x.children,
		or(x.secrets, "ike-1 {\n secret = \"swordfish\"\n }"))
}

func or(s, usual string) string {
	if s == "" {
		return usual
	}
	return s
}
