package main

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/plan"
)

// testMachine returns a machine on which a start would go through, below a
// folder of its own.
func testMachine(t *testing.T, config string) *machine {
	t.Helper()
	e, _, _ := testEnv(t)
	root := t.TempDir()
	m := &machine{paths: e.Paths, root: root, facts: plan.Facts{
		Version: plan.FactsVersion,
		Links: []plan.Link{{Name: "eth0", MTU: 1500, Up: true,
			Addrs: []plan.Addr{{Prefix: netip.MustParsePrefix("192.0.2.1/24")}}}},
		Routes: []plan.Route{{Dst: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("192.0.2.254"), Link: "eth0"}},
		TUN:    true, Stacks: []string{"klips"}, RunDir: true,
	}}
	m.put(t, "proc/sys/net/ipv4/ip_forward", "1\n")
	m.put(t, "proc/sys/net/ipv4/conf/all/rp_filter", "0\n")
	m.put(t, "proc/sys/net/ipv4/conf/eth0/rp_filter", "0\n")
	m.put(t, "proc/self/net/udp", "  sl  local_address rem_address\n")
	m.load(t, config)
	return m
}

// put writes a file of the machine's system.
func (m *machine) put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, m.path(name), text, 0o644)
}

func (m *machine) load(t *testing.T, config string) {
	t.Helper()
	write(t, m.paths.Conf, config, 0o644)
	m.config, m.configErr = conf.Load(m.paths)
}

// listen makes a syslog for the machine.
func (m *machine) listen(t *testing.T) {
	t.Helper()
	m.put(t, "dev/.keep", "")
	conn, err := net.ListenPacket("unixgram", m.path("dev/log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
}

const plainConfig = "version 2.0\nconfig setup\n\tinterfaces=%defaultroute\n\trp_filter=%unchanged\n\tpluto=no\n"

// officeConfig has a manually keyed connection between two networks.
const officeConfig = plainConfig + "conn office\n\tleft=192.0.2.1\n\tleftsubnet=10.0.1.0/24\n\tright=198.51.100.1\n\trightsubnet=10.0.2.0/24\n" +
	"\tspibase=0x200\n\tesp=3des-md5-96\n\tespenckey=0x" + encKey + "\n\tespauthkey=0x" + authKey + "\n\tauto=manual\n"

// TestVerify changes one thing of a machine on which all is well at a time.
func TestVerify(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(*testing.T, *machine)
		what    string // of the finding that must not be good
		verdict verdict
		detail  string
	}{
		{"no superuser", func(t *testing.T, m *machine) { m.super = false }, "Superuser", warning, "need the superuser"},
		{"broken configuration", func(t *testing.T, m *machine) { m.load(t, "version 2.0\nconfig setup\n\tinterfces=x\n") }, "Configuration", failed, `did you mean "interfaces"`},
		{"unknown interface", func(t *testing.T, m *machine) {
			m.load(t, "version 2.0\nconfig setup\n\tinterfaces=ipsec0=eth7\n\tpluto=no\n")
		}, "Interface eth7", failed, "ipsec.conf:3"},
		{"no address", func(t *testing.T, m *machine) { m.facts.Links[0].Addrs = nil }, "Interface eth0", failed, "no address"},
		{"interface down", func(t *testing.T, m *machine) { m.facts.Links[0].Up = false }, "Interface eth0", warning, "down"},
		{"no default route", func(t *testing.T, m *machine) { m.facts.Routes = nil }, "Plan of a start", failed, "ipsec.conf:3"},
		{"no forwarding", func(t *testing.T, m *machine) {
			m.load(t, officeConfig)
			m.put(t, "proc/sys/net/ipv4/ip_forward", "0\n")
		}, "Forwarding", warning, "forwardcontrol=yes"},
		{"reverse path of the link", func(t *testing.T, m *machine) { m.put(t, "proc/sys/net/ipv4/conf/eth0/rp_filter", "1\n") }, "Reverse path filter of eth0", warning, "rp_filter=0"},
		{"reverse path of all", func(t *testing.T, m *machine) { m.put(t, "proc/sys/net/ipv4/conf/all/rp_filter", "1\n") }, "Reverse path filter of eth0", warning, "rp_filter=0"},
		{"no device", func(t *testing.T, m *machine) { m.root = t.TempDir(); m.listen(t); m.put(t, "proc/self/net/udp", "") }, "Device /dev/net/tun", failed, "module tun"},
		{"IKEv1 alone", func(t *testing.T, m *machine) {
			m.load(t, strings.Replace(plainConfig, "pluto=no", "pluto=yes", 1)+"conn old\n\tleft=192.0.2.1\n\tright=192.0.2.9\n\tkeyexchange=ikev1\n\tauto=add\n")
		}, "Pluto", warning, "allows IKEv1 alone"},
		{"secrets for all to read", func(t *testing.T, m *machine) { write(t, m.paths.Secrets(), "", 0o644) }, "Secrets", failed, "chmod 600"},
		{"a line of the secrets", func(t *testing.T, m *machine) {
			write(t, m.paths.Secrets(), ": PSK \"right\"\n: PKS \"wrong\"\n", 0o600)
		}, "Secrets", warning, `:2:3: unknown kind of secret after the colon: expected PSK, RSA, ECDSA, PKCS8, XAUTH or EAP; did you mean "PSK"?`},
		{"keys for all to read", func(t *testing.T, m *machine) { m.load(t, officeConfig) }, "Keys in", warning, "chmod 600"},
		{"port of IKE taken", func(t *testing.T, m *machine) {
			m.load(t, strings.Replace(plainConfig, "pluto=no", "pluto=yes", 1))
			m.put(t, "proc/self/net/udp", "  sl  local_address rem_address\n 10: 00000000:01F4 00000000:0000 07\n")
		}, "UDP port 500", failed, "another program"},
		{"no secrets for a conn that needs them", func(t *testing.T, m *machine) {
			m.load(t, plainConfig+"\nconn psk\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tauthby=secret\n\tauto=add\n")
		}, "Secrets", warning, "with mode 600"},
		{"no certificates for a conn that needs them", func(t *testing.T, m *machine) {
			m.load(t, plainConfig+"\nconn cert\n\tleft=192.0.2.1\n\tleftcert=west.pem\n\tright=192.0.2.2\n\tauto=add\n")
		}, "Certificates", warning, "not there, and conn \"cert\""},
		{"private keys for all", func(t *testing.T, m *machine) {
			if err := os.MkdirAll(filepath.Join(m.paths.Dir(), "private"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, "Certificates", warning, "chmod 700"},
		{"port of ESP taken", func(t *testing.T, m *machine) {
			m.put(t, "proc/self/net/udp6", "  sl  local_address rem_address\n 10: 00000000000000000000000000000000:1194 00000000000000000000000000000000:0000 07\n")
		}, "UDP port 4500", warning, "another program"},
		{"run folder for all to write", func(t *testing.T, m *machine) {
			if err := os.Chmod(m.paths.Run, 0o777); err != nil {
				t.Fatal(err)
			}
		}, "Run folder", failed, "chmod 755"},
		{"no syslog", func(t *testing.T, m *machine) { os.Remove(m.path("dev/log")) }, "Syslog", warning, "standard output alone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := testMachine(t, plainConfig)
			m.super = true
			m.listen(t)
			m.device(t)
			self := filepath.Join(t.TempDir(), "ipsec")
			write(t, self, "", 0o755)
			for _, f := range m.verify(self) {
				if f.verdict != good {
					t.Fatalf("before the change: %+v", f)
				}
			}
			test.change(t, m)
			findings := m.verify(self)
			i := slices.IndexFunc(findings, func(f finding) bool { return strings.HasPrefix(f.what, test.what) })
			if i < 0 {
				t.Fatalf("there is no finding %q: %+v", test.what, findings)
			}
			f := findings[i]
			if f.verdict != test.verdict || !strings.Contains(strings.Join(f.details, "\n"), test.detail) {
				t.Errorf("found %+v, want %s and %q", f, test.verdict, test.detail)
			}
			if strings.Contains(strings.Join(f.details, "\n"), encKey[:8]) {
				t.Errorf("a key is shown: %+v", f)
			}
		})
	}
}

// device gives the machine a TUN device: any character device that opens.
func (m *machine) device(t *testing.T) {
	t.Helper()
	m.put(t, "dev/net/.keep", "")
	if err := os.Symlink(os.DevNull, m.path("dev/net/tun")); err != nil {
		t.Fatal(err)
	}
}
