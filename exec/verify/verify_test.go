package verify

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

// world is a machine on which a start would go through, below a folder of its
// own, until a test changes something.
type world struct {
	t     *testing.T
	root  string // of proc and dev
	paths conf.Paths
	super bool
	facts plan.Facts
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, root: t.TempDir(), super: true,
		paths: conf.Paths{Bin: dir, Confs: dir, Conf: filepath.Join(dir, "ipsec.conf"), Run: dir},
		facts: plan.Facts{
			Version: plan.FactsVersion,
			Links: []plan.Link{{Name: "eth0", MTU: 1500, Up: true,
				Addrs: []plan.Addr{{Prefix: netip.MustParsePrefix("192.0.2.1/24")}}}},
			Routes: []plan.Route{{Dst: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("192.0.2.254"), Link: "eth0"}},
			TUN:    true, Stacks: []string{"klips"}, RunDir: true,
		}}
	w.put("proc/sys/net/ipv4/ip_forward", "1\n")
	w.put("proc/sys/net/ipv4/conf/all/rp_filter", "0\n")
	w.put("proc/sys/net/ipv4/conf/eth0/rp_filter", "0\n")
	w.put("proc/self/net/udp", "  sl  local_address rem_address\n")
	w.device()
	w.listen()
	w.write(w.self(), "", 0o755)
	w.load(plainConfig)
	return w
}

// check gathers and checks.
func (w *world) check() []Finding {
	return gather(w.root, w.paths, w.self(), w.super, w.facts, nil).Check()
}

func (w *world) self() string { return filepath.Join(w.paths.Bin, "ipsec") }

func (w *world) path(name string) string { return filepath.Join(w.root, name) }

func (w *world) write(name, text string, mode os.FileMode) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		w.t.Fatal(err)
	}
}

// put writes a file of the system.
func (w *world) put(name, text string) { w.t.Helper(); w.write(w.path(name), text, 0o644) }

// load makes text the configuration.
func (w *world) load(text string) { w.t.Helper(); w.write(w.paths.Conf, text, 0o644) }

// listen makes a syslog.
func (w *world) listen() {
	w.t.Helper()
	w.put("dev/.keep", "")
	conn, err := net.ListenPacket("unixgram", w.path("dev/log"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
}

// device makes a TUN device: any character device that opens.
func (w *world) device() {
	w.t.Helper()
	w.put("dev/net/.keep", "")
	if err := os.Symlink(os.DevNull, w.path("dev/net/tun")); err != nil {
		w.t.Fatal(err)
	}
}

const (
	encKey  = "000102030405060708090a0b0c0d0e0f1011121314151617"
	authKey = "202122232425262728292a2b2c2d2e2f"
)

// plainConfig asks for little.
const plainConfig = "version 2.0\nconfig setup\n\tinterfaces=%defaultroute\n\trp_filter=%unchanged\n\tpluto=no\n"

// officeConfig has a manually keyed connection between two networks.
const officeConfig = plainConfig + "conn office\n\tleft=192.0.2.1\n\tleftsubnet=10.0.1.0/24\n\tright=198.51.100.1\n\trightsubnet=10.0.2.0/24\n" +
	"\tspibase=0x200\n\tesp=3des-md5-96\n\tespenckey=0x" + encKey + "\n\tespauthkey=0x" + authKey + "\n\tauto=manual\n"

// TestVerify changes one thing of a machine on which all is well at a time.
func TestVerify(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(*world)
		asks    string // of the finding that must not be OK
		verdict Verdict
		detail  string
	}{
		{"no superuser", func(w *world) { w.super = false }, "Superuser", Warning, "need the superuser"},
		{"broken configuration", func(w *world) { w.load("version 2.0\nconfig setup\n\tinterfces=x\n") }, "Configuration", Failed, `did you mean "interfaces"`},
		{"unknown interface", func(w *world) {
			w.load("version 2.0\nconfig setup\n\tinterfaces=ipsec0=eth7\n\tpluto=no\n")
		}, "Interface eth7", Failed, "ipsec.conf:3"},
		{"no address", func(w *world) { w.facts.Links[0].Addrs = nil }, "Interface eth0", Failed, "no address"},
		{"interface down", func(w *world) { w.facts.Links[0].Up = false }, "Interface eth0", Warning, "down"},
		{"no default route", func(w *world) { w.facts.Routes = nil }, "Plan of a start", Failed, "ipsec.conf:3"},
		{"no forwarding", func(w *world) {
			w.load(officeConfig)
			w.put("proc/sys/net/ipv4/ip_forward", "0\n")
		}, "Forwarding", Warning, "forwardcontrol=yes"},
		{"reverse path of the link", func(w *world) { w.put("proc/sys/net/ipv4/conf/eth0/rp_filter", "1\n") }, "Reverse path filter of eth0", Warning, "rp_filter=0"},
		{"reverse path of all", func(w *world) { w.put("proc/sys/net/ipv4/conf/all/rp_filter", "1\n") }, "Reverse path filter of eth0", Warning, "rp_filter=0"},
		{"no device", func(w *world) { w.root = w.t.TempDir(); w.listen(); w.put("proc/self/net/udp", "") }, "Device /dev/net/tun", Failed, "module tun"},
		{"IKEv1 alone", func(w *world) {
			w.load(strings.Replace(plainConfig, "pluto=no", "pluto=yes", 1) + "conn old\n\tleft=192.0.2.1\n\tright=192.0.2.9\n\tkeyexchange=ikev1\n\tauto=add\n")
		}, "Connections", Warning, "conn old is not loaded: keyexchange=ikev1: IKEv1 is not spoken"},
		{"a conn that Pluto would refuse", func(w *world) {
			w.load(strings.Replace(plainConfig, "pluto=no", "pluto=yes", 1) + "conn a\n\tleft=192.0.2.1\n\tright=192.0.2.9\n\tpfsgroup=modp2048,modp3072\n\tauto=add\n")
		}, "Connections", Warning, "conn a is not loaded: pfsgroup=modp2048,modp3072: expected one group"},
		{"values without effect", func(w *world) {
			w.load(strings.Replace(plainConfig, "pluto=no", "pluto=yes\n\tnhelpers=2", 1))
		}, "Values without effect", OK, "nhelpers=2: Pluto has one worker"},
		{"secrets for all to read", func(w *world) { w.write(w.paths.Secrets(), "", 0o644) }, "Secrets", Failed, "chmod 600"},
		{"a line of the secrets", func(w *world) {
			w.write(w.paths.Secrets(), ": PSK \"right\"\n: PKS \"wrong\"\n", 0o600)
		}, "Secrets", Warning, `:2:3: unknown kind of secret after the colon: expected PSK, RSA, ECDSA, PKCS8, XAUTH or EAP; did you mean "PSK"?`},
		{"keys for all to read", func(w *world) { w.load(officeConfig) }, "Keys in", Warning, "chmod 600"},
		{"port of IKE taken", func(w *world) {
			w.load(strings.Replace(plainConfig, "pluto=no", "pluto=yes", 1))
			w.put("proc/self/net/udp", "  sl  local_address rem_address\n 10: 00000000:01F4 00000000:0000 07\n")
		}, "UDP port 500", Failed, "another program"},
		{"no secrets for a conn that needs them", func(w *world) {
			w.load(plainConfig + "\nconn psk\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tauthby=secret\n\tauto=add\n")
		}, "Secrets", Warning, "with mode 600"},
		{"no certificates for a conn that needs them", func(w *world) {
			w.load(plainConfig + "\nconn cert\n\tleft=192.0.2.1\n\tleftcert=west.pem\n\tright=192.0.2.2\n\tauto=add\n")
		}, "Certificates", Warning, "not there, and conn \"cert\""},
		{"private keys for all", func(w *world) {
			if err := os.MkdirAll(filepath.Join(w.paths.Dir(), "private"), 0o755); err != nil {
				w.t.Fatal(err)
			}
		}, "Certificates", Warning, "chmod 700"},
		{"port of ESP taken", func(w *world) {
			w.put("proc/self/net/udp6", "  sl  local_address rem_address\n 10: 00000000000000000000000000000000:1194 00000000000000000000000000000000:0000 07\n")
		}, "UDP port 4500", Warning, "another program"},
		{"run folder for all to write", func(w *world) {
			if err := os.Chmod(w.paths.Run, 0o777); err != nil {
				w.t.Fatal(err)
			}
		}, "Run folder", Failed, "chmod 755"},
		{"no syslog", func(w *world) { os.Remove(w.path("dev/log")) }, "Syslog", Warning, "standard output alone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			for _, f := range w.check() {
				if f.Verdict != OK {
					t.Fatalf("before the change: %+v", f)
				}
			}
			test.change(w)
			findings := w.check()
			i := slices.IndexFunc(findings, func(f Finding) bool { return strings.HasPrefix(f.Asks, test.asks) })
			if i < 0 {
				t.Fatalf("there is no finding %q: %+v", test.asks, findings)
			}
			f := findings[i]
			if f.Verdict != test.verdict || !strings.Contains(text(f), test.detail) {
				t.Errorf("found %+v, want %s and %q", f, test.verdict, test.detail)
			}
			if strings.Contains(text(f), encKey[:8]) {
				t.Errorf("a key is shown: %+v", f)
			}
		})
	}
}

// text returns the details of a finding, a line each.
func text(f Finding) string {
	var lines []string
	for _, d := range f.Details {
		lines = append(lines, d.String())
	}
	return strings.Join(lines, "\n")
}

// Of several default routes the one of the lowest metric is meant, and IPv6
// where there is none of IPv4: what is looked at is what a start takes.
func TestDefaultRoute(t *testing.T) {
	route := func(dst, link string, metric int) plan.Route {
		return plan.Route{Dst: netip.MustParsePrefix(dst), Link: link, Metric: metric}
	}
	for _, test := range []struct {
		name   string
		routes []plan.Route
		want   []string // interfaces that are looked at
		failed bool
	}{
		{"a spare one without an address", []plan.Route{route("0.0.0.0/0", "eth0", 100), route("0.0.0.0/0", "spare", 200)}, []string{"Interface eth0"}, false},
		{"IPv6 alone", []plan.Route{route("::/0", "eth0", 0)}, []string{"Interface eth0"}, true}, // which has no such address
		{"the spare one is better", []plan.Route{route("0.0.0.0/0", "eth0", 300), route("0.0.0.0/0", "spare", 200)}, []string{"Interface spare"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.facts.Links = append(w.facts.Links, plan.Link{Name: "spare", MTU: 1500, Up: true})
			w.facts.Routes = test.routes
			var got []string
			failed := false
			for _, f := range w.check() {
				if strings.HasPrefix(f.Asks, "Interface ") {
					got = append(got, f.Asks)
				}
				failed = failed || f.Verdict == Failed
			}
			if !slices.Equal(got, test.want) || failed != test.failed {
				t.Errorf("looked at %q, failed %t; want %q, %t", got, failed, test.want, test.failed)
			}
		})
	}
}

// Without a data plane no interface is looked at, and no device.
func TestNoStack(t *testing.T) {
	w := newWorld(t)
	w.root = t.TempDir()
	w.put("proc/self/net/udp", "")
	w.load("version 2.0\nconfig setup\n\tprotostack=none\n\tinterfaces=%none\n")
	for _, f := range w.check() {
		if f.Verdict == Failed || strings.HasPrefix(f.Asks, "Interface") {
			t.Errorf("found %+v", f)
		}
	}
}
