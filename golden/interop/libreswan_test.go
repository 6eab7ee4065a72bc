package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// libreswan is the Pluto of Libreswan, in a guest: it needs a kernel that has ESP.
type libreswan struct {
	host
	dir string // where .ci/peers has unpacked it
	// identities are keys and certificates of its own by nickname, made known
	// before it starts; cas are authorities that it trusts.
	identities map[string]leaf
	cas        map[string]*pki
}

const libreDir = "/run/libre"

// needLibreswan returns the folder of Libreswan, and calls lab.Missing where it is
// not unpacked.
func needLibreswan(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("IPSEC_PEERS")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			cache = "/var/.cache"
		}
		dir = filepath.Join(cache, "ipsec-peers")
	}
	if _, err := os.Stat(filepath.Join(dir, "usr/libexec/ipsec/pluto")); err != nil {
		lab.Missing(t, "this test needs Libreswan, which .ci/peers unpacks, in $IPSEC_PEERS or %s", dir)
	}
	return dir
}

func (l *libreswan) name() string { return "Libreswan" }
func (l *libreswan) esp() string  { return "raw" }

// install makes a database of NSS with its keys, and the path that is compiled into
// it. The database is made on the host, whose files the guest sees.
func (l *libreswan) install(t testing.TB) {
	t.Helper()
	dir := t.TempDir()
	tool := func(name string, args ...string) {
		t.Helper()
		lab.NeedProgram(t, name)
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
	}
	file := func(name string, text []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "nss"), 0o700); err != nil {
		t.Fatal(err)
	}
	tool("certutil", "-N", "-d", "sql:nss", "--empty-password")
	for name, ca := range l.cas {
		file("ca.pem", ca.pem())
		tool("certutil", "-A", "-d", "sql:nss", "-n", name, "-t", "CT,,", "-i", "ca.pem")
	}
	for name, own := range l.identities {
		file("own.pem", own.cert)
		file("own.key", own.key)
		tool("openssl", "pkcs12", "-export", "-in", "own.pem", "-inkey", "own.key", "-name", name, "-passout", "pass:", "-out", "own.p12")
		tool("pk12util", "-i", "own.p12", "-d", "sql:nss", "-W", "", "-K", "")
	}
	write(t, l, map[string]string{libreDir + "/d/policies/private": "", libreDir + "/dump/none": ""})
	if out, err := l.Try("mount -t tmpfs tmpfs /usr/libexec\nln -s " + l.dir + "/usr/libexec/ipsec /usr/libexec/ipsec\ncp -r " + dir + "/nss " + libreDir + "/nss"); err != nil {
		t.Fatalf("failed to install Libreswan: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Libreswan's log:\n%s", l.log())
		}
	})
}

const libreEnv = "export PATH=/usr/libexec/ipsec:/usr/sbin:/usr/bin:/sbin:/bin IPSEC_EXECDIR=/usr/libexec/ipsec HOME=/run TMPDIR=/run\n"

func (l *libreswan) start(t testing.TB) {
	t.Helper()
	write(t, l, map[string]string{libreDir + "/ipsec.conf": "config setup\n", libreDir + "/ipsec.secrets": usualSecret})
	_, err := l.Try(libreEnv + `cd ` + libreDir + `
mkdir -p /run/pluto
rm -f /run/pluto/*
pluto --nofork --use-xfrm --config $PWD/ipsec.conf --rundir /run/pluto --nssdir $PWD/nss --secretsfile $PWD/ipsec.secrets \
	--ipsecdir $PWD/d --dumpdir $PWD/dump --logfile $PWD/pluto.log --no-dnssec --nhelpers 1 >/dev/null 2>&1 </dev/null &
echo $! > pid`)
	if err == nil {
		err = lab.Poll(10*time.Second, func() error {
			_, err := l.Try(libreEnv + "[ -S /run/pluto/pluto.ctl ] && whack --rundir /run/pluto --listen")
			return err
		})
	}
	if err != nil {
		t.Fatalf("Libreswan does not answer: %v\n%s", err, l.log())
	}
}

func (l *libreswan) kill(t testing.TB) {
	t.Helper()
	if _, err := l.Try("kill -9 $(cat " + libreDir + "/pid)\nip xfrm state flush\nip xfrm policy flush"); err != nil {
		t.Fatalf("failed to kill Libreswan: %v", err)
	}
}

func (l *libreswan) stop(t testing.TB) {
	t.Helper()
	if _, err := l.whack("--shutdown"); err != nil {
		t.Fatalf("failed to stop Libreswan: %v", err)
	}
}

func (l *libreswan) whack(args string) (string, error) {
	return l.Try(libreEnv + "exec timeout 12 whack --rundir /run/pluto " + args)
}

// conf is its ipsec.conf: it is left.
func (l *libreswan) conf(p *pairing) string {
	return `config setup
conn %default
	left=` + peerAddr + `
	right=` + ourAddr + `
	leftid=@peer.test
	rightid=@ours.test
	leftsubnet=` + peerHost + `/32
	rightsubnet=` + ourHost + `/32
	ikev2=insist
	authby=secret
	keyingtries=1
	retransmit-timeout=5s
	leftupdown=%disabled
conn t
` + indent(p.libre) + "\n" + p.libreMore
}

func (l *libreswan) load(t testing.TB, p *pairing) {
	t.Helper()
	conf := l.conf(p)
	write(t, l, map[string]string{libreDir + "/ipsec.conf": conf, libreDir + "/ipsec.secrets": or(p.libreSecret, usualSecret)})
	script := "for c in t second; do whack --rundir /run/pluto --delete --name $c || :; done\nwhack --rundir /run/pluto --rereadsecrets\n"
	for _, name := range connName.FindAllStringSubmatch("conn t\n"+p.libreMore, -1) {
		script += "addconn --ctlsocket /run/pluto/pluto.ctl --config " + libreDir + "/ipsec.conf " + name[1] + "\n"
	}
	if out, err := l.Try(libreEnv + script); err != nil {
		t.Fatalf("Libreswan does not take this: %v\n%s\n%s", err, out, conf)
	}
}

func (l *libreswan) initiate(child string) (string, error) {
	return l.whack("--initiate --name " + map[string]string{"c": "t", "d": "second"}[child])
}

func (l *libreswan) rekey(what string) (string, error) {
	return l.whack(map[string]string{"ike": "--rekey-ike", "child": "--rekey-ipsec"}[what] + " --name t")
}

func (l *libreswan) terminate() (string, error) {
	l.whack("--terminate --name second") // which there may not be
	return l.whack("--terminate --name t")
}

var libreState = regexp.MustCompile(`(?m)^.*STATE_V2_ESTABLISHED.*$`)

func (l *libreswan) sas() string {
	out, err := l.whack("--showstates")
	if err != nil {
		return err.Error()
	}
	return strings.Join(libreState.FindAllString(out, -1), "\n")
}

var xfrmCount = regexp.MustCompile(`lifetime current:\s+\d+\(bytes\), (\d+)\(packets\)`)

func (l *libreswan) packets(t testing.TB) int {
	out, err := l.Try("ip -s xfrm state")
	if err != nil {
		t.Fatal(err)
	}
	return sum(xfrmCount, out)
}

func (l *libreswan) log() string {
	out, _ := l.Try("tail -n 80 " + libreDir + "/pluto.log")
	return out
}
