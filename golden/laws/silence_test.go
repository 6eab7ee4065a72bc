package laws

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// The canaries. No command, log or file may show any of them, in any encoding.
const (
	canaryHex  = "c0ffee5ec2e7" // six bytes, again and again in each hex key
	canaryText = "CaNaRy"       // six characters, again and again in each key of text
)

// canaries are the canaries in each encoding.
func canaries() []string {
	b, err := hex.DecodeString(canaryHex)
	if err != nil {
		panic(err)
	}
	var list []string
	for _, raw := range [][]byte{b, []byte(canaryText)} {
		list = append(list, strings.ToLower(hex.EncodeToString(raw)), strings.ToLower(string(raw)), strings.ToLower(fmt.Sprintf("%q", raw)),
			strings.Trim(fmt.Sprint(raw), "[]"), fmt.Sprintf("% x", raw), strings.Trim(fmt.Sprintf("%#v", raw), "[]byte{}"))
		// At each of the three offsets that they may have in base64.
		for skip := range 3 {
			text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(raw), 3))[skip:])
			list = append(list, strings.ToLower(text[:8]))
		}
	}
	return list
}

// sings returns the canary that text holds, and where; "" where it holds none.
func sings(text string) string {
	text = strings.ToLower(text)
	for _, form := range []string{text, strings.NewReplacer("_", "", ":", "").Replace(text)} {
		for _, c := range canaries() {
			if at := strings.Index(form, c); at >= 0 {
				return fmt.Sprintf("%q in …%s…", c, form[max(0, at-80):min(len(form), at+len(c)+40)])
			}
		}
	}
	return ""
}

// silent fails the test where text holds a canary.
func silent(t *testing.T, what, text string) {
	t.Helper()
	if song := sings(text); song != "" {
		t.Errorf("%s: a canary sings: %s", what, song)
	}
}

// TestSings checks that sings finds the canaries in each encoding.
func TestSings(t *testing.T) {
	raw, err := hex.DecodeString(canaryHex)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		hexKey(8), textKey(8), base64Key(8), base64Key(20)[5:], strings.ToUpper(hexKey(16)), "0x" + canaryHex[:4] + "_" + canaryHex[4:],
		fmt.Sprint(raw), fmt.Sprintf("%#v", raw), fmt.Sprintf("% X", raw), fmt.Sprintf("%q", raw), hex.EncodeToString([]byte(canaryText)), string(raw),
	} {
		if sings("key "+text+" of") == "" {
			t.Errorf("%q is not heard", text)
		}
	}
	if song := sings("0x0ddba110 esp0x200@192.0.2.1"); song != "" {
		t.Error(song)
	}
}

// hexKey and textKey are keys of so many bytes.
func hexKey(n int) string { return "0x" + strings.Repeat(canaryHex, n)[:2*n] }

func textKey(n int) string { return "0t" + strings.Repeat(canaryText, n)[:n] }

func base64Key(n int) string {
	b, err := hex.DecodeString(strings.Repeat(canaryHex, n)[:2*n])
	if err != nil {
		panic(err)
	}
	return "0s" + base64.StdEncoding.EncodeToString(b)
}

// secretive is a configuration with a key in each keyword that takes one.
func secretive() string {
	conn := func(name string, spi int, lines ...string) string {
		return fmt.Sprintf("\nconn %s%s\tspi=%#x\n\t%s\n", name, ends, spi, strings.Join(lines, "\n\t"))
	}
	underscores := "0x" + strings.Repeat(canaryHex+"_", 3) + canaryHex
	return "version 2.0\n\nconfig setup\n\tplutodebug=\"all private\"\n\nconn psk\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tauthby=secret\n\tauto=start\n" +
		conn("hex", 0x200, "leftsubnet=10.0.1.0/24", "rightsubnet=10.0.2.0/24", "esp=3des-md5-96", "espenckey="+underscores, "espauthkey="+hexKey(16)) +
		conn("text", 0x210, "rightsubnet=10.0.3.0/24", "esp=3des-md5-96", "espenckey="+textKey(24), "espauthkey="+textKey(16)) +
		conn("base64", 0x220, "rightsubnet=10.0.4.0/24", "esp=aes128-sha1", "espenckey="+base64Key(16), "espauthkey="+base64Key(20)) +
		conn("sides", 0x230, "rightsubnet=10.0.5.0/24", "esp=3des-md5-96", "ah=hmac-sha1-96",
			"leftespenckey="+hexKey(24), "rightespenckey="+textKey(24), "leftespauthkey="+textKey(16), "rightespauthkey="+hexKey(16),
			"leftahkey="+hexKey(20), "rightahkey="+textKey(20)) +
		conn("ah", 0x240, "type=transport", "ah=hmac-md5-96", "ahkey="+hexKey(16)) +
		conn("aead", 0x250, "rightsubnet=10.0.6.0/24", "esp=aes128gcm16", "espenckey="+hexKey(20)) +
		conn("updown", 0x260, "rightsubnet=10.0.8.0/24", "esp=3des-md5-96", "espenckey="+hexKey(24), "espauthkey="+hexKey(16), "leftupdown=/etc/updown")
}

const secrets = `: PSK "CaNaRyCaNaRyCaNaRy"
@west @east : PSK 0xc0ffee5ec2e7c0ffee5ec2e7
: RSA {
	Modulus: 0xc0ffee5ec2e7c0ffee5ec2e7
	PrivateExponent: 0xc0ffee5ec2e7c0ffee5ec2e7
	}
: XAUTH CaNaRy
`

// commands print something of the subsystem.
var commands = [][]string{
	{"setup", "--showonly", "start"}, {"setup", "--showonly", "--format", "sh", "restart"}, {"setup", "--showonly", "--format", "json", "start"},
	{"setup", "--showonly", "stop"}, {"setup", "status"}, {"_confread"}, {"_confread", "sides"}, {"verify"}, {"showdefaults"}, {"facts"},
	{"spi"}, {"spigrp"}, {"eroute"}, {"tncfg"}, {"klipsdebug"}, {"look"},
	{"manual", "--showonly", "--up", "hex", "text", "base64", "sides", "ah", "aead", "updown"}, {"manual", "--showonly", "--down", "hex"},
	{"whack", "--debug-all"}, {"whack", "--status"}, {"whack", "--status", "--format", "json"}, {"auto", "--status"}, {"auto", "--listall"},
	{"auto", "--rereadall"}, {"auto", "--show", "--replace", "psk"}, {"auto", "--show", "--asynchronous", "--up", "psk"}, {"auto", "--showonly", "--add", "psk"},
	{"manual", "--show", "--down", "hex"}, {"manual", "--show", "--up", "hex"},
}

// TestSilence runs all commands, and looks for canaries in all output, logs, files,
// arguments and environments.
func TestSilence(t *testing.T) {
	t.Parallel()
	g := newGateway(t, secretive(), updownScript+"cat > /etc/ipsec.secrets <<'.'\n"+secrets+".\nchmod 600 /etc/ipsec.secrets\n")
	log := g.syslog()
	watch := g.watch()
	hear := func(args ...string) {
		r := g.ipsec(args...)
		silent(t, fmt.Sprint(args), r.stdout+r.stderr)
	}
	for _, when := range []string{"stopped", "started"} {
		if when == "started" {
			hear("klips")
			hear("setup", "stop")
			r := g.ipsec("setup", "--show", "start")
			silent(t, "start", r.stdout+r.stderr)
			if r.status != 0 || !strings.Contains(g.tables(), "esp0x250@192.0.2.2") {
				t.Fatalf("start ends with %d\n%s", r.status, r.stdout)
			}
			g.must(0, "klipsdebug", "--all")
		}
		for _, args := range commands {
			hear(args...)
		}
	}
	state := g.state()
	silent(t, "files", state)
	if !strings.Contains(state, "klips=started") {
		t.Errorf("ipsec.info is not in\n%s", state)
	}
	script := g.must(0, "setup", "--showonly", "--format", "sh", "restart")
	g.write("/dev/shm/script", script)
	r := g.do("/bin/sh", "-x", "/dev/shm/script")
	silent(t, "sh -x", r.stdout+r.stderr)
	if r.status != 0 {
		t.Errorf("the script ends with %d\n%s", r.status, r.stderr)
	}
	hear("setup", "--show", "restart")
	other := strings.NewReplacer("0x"+canaryHex, "0x"+canaryHex[6:]+canaryHex[:6], "0t"+canaryText, "0t"+canaryText[2:]+canaryText[:2]).Replace(secretive())
	g.write("/etc/ipsec.conf", other)
	if r := g.ipsec("setup", "diff"); strings.Count(r.stdout, "it has other keys than ipsec.conf") != 14 {
		t.Errorf("diff with other keys: %d\n%s%s", r.status, r.stdout, r.stderr)
	}
	for _, args := range [][]string{{"diff"}, {"--format", "json", "diff"}, {"--showonly", "reload"}, {"--format", "sh", "--showonly", "reload"}, {"--show", "reload"}, {"diff"}} {
		hear(append([]string{"setup"}, args...)...)
	}
	hear("setup", "--show", "stop")
	lines := strings.Join(log.take(), "\n")
	if !strings.Contains(lines, "...IPsec started") {
		t.Errorf("syslog has not heard of it:\n%s", lines)
	}
	silent(t, "syslog", lines)
	seen := watch()
	if !strings.Contains(seen, "klips") || !strings.Contains(seen, "pluto") {
		t.Errorf("no process was seen:\n%s", seen)
	}
	silent(t, "processes", seen)
}

// watch reads the arguments and the environment of each process of the gateway, over
// and over, until the function that it returns is called, which returns them.
func (g *gateway) watch() (seen func() string) {
	stop := make(chan struct{})
	all := make(map[string]bool)
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			for _, pid := range g.pids() {
				for _, file := range []string{"cmdline", "environ"} {
					if text, err := os.ReadFile("/proc/" + pid + "/" + file); err == nil {
						all[strings.ReplaceAll(string(text), "\x00", " ")] = true
					}
				}
			}
		}
	})
	end := sync.OnceFunc(func() { close(stop); wait.Wait() })
	g.t.Cleanup(end)
	return func() string {
		end()
		var b strings.Builder
		for text := range all {
			b.WriteString(text + "\n")
		}
		return b.String()
	}
}

// TestSilenceOfErrors has a malformed key in each keyword that takes one: what
// is said of it does not show it.
func TestSilenceOfErrors(t *testing.T) {
	t.Parallel()
	g := newGateway(t, setup, "")
	log := g.syslog()
	bad := map[string]string{
		"odd": "0x" + canaryHex + "c", "digits": "0x" + canaryHex + "zz", "short": "0x" + canaryHex, "long": hexKey(64),
		"prefix": canaryHex + canaryHex, "base64": "0s" + canaryText + "!", "text": "0t" + canaryText, "unknown": "0q" + canaryText,
		"blank": `"0t` + canaryText + " " + canaryText + `"`, "two": `0t"` + canaryText,
	}
	for _, keyword := range []string{"espenckey", "espauthkey", "ahkey"} {
		for _, side := range []string{"", "left", "right"} {
			for name, key := range bad {
				what := side + keyword + "=" + name
				text := secretive() + "\nconn bad" + ends + "\tspi=0x900\n\tesp=3des-md5-96\n\tah=hmac-md5-96\n\t" +
					"espenckey=" + hexKey(24) + "\n\tespauthkey=" + hexKey(16) + "\n\tahkey=" + hexKey(16) + "\n"
				if side == "" {
					text = text[:strings.LastIndex(text, keyword+"=")] + keyword + "=" + key + "\n"
				} else {
					text += "\t" + side + keyword + "=" + key + "\n"
				}
				g.write("/etc/ipsec.conf", text)
				for _, args := range [][]string{{"_confread"}, {"setup", "--showonly", "start"}} {
					r := g.ipsec(args...)
					silent(t, what+" "+fmt.Sprint(args), r.stdout+r.stderr)
				}
				if side == "left" {
					r := g.ipsec("setup", "start")
					silent(t, what+" start", r.stdout+r.stderr)
					r = g.ipsec("setup", "stop")
					silent(t, what+" stop", r.stdout+r.stderr)
				}
			}
		}
	}
	g.write("/etc/ipsec.conf", setup)
	g.must(0, "setup", "start")
	for _, key := range bad {
		key = strings.Trim(key, `"`)
		for _, args := range [][]string{
			{"spi", "--said", "esp0x200@192.0.2.2", "--src", "192.0.2.1", "--esp", "3des-md5-96", "--enckey", key, "--authkey", hexKey(16)},
			{"spi", "--said", "esp0x200@192.0.2.2", "--src", "192.0.2.1", "--esp", "3des-md5-96", "--enckey", hexKey(24), "--authkey", key},
			{"spi", "--said", "ah0x200@192.0.2.2", "--src", "192.0.2.1", "--ah", "hmac-md5-96", "--authkey", key},
			{"spi", "--said", "nonsense", "--ah", "hmac-md5-96", "--authkey", key},
			{"spi", "--said", "esp0x200@192.0.2.2", "--esp", "nonsense", "--enckey=" + key, "--authky=" + key},
		} {
			r := g.ipsec(args...)
			silent(t, fmt.Sprint(args[:6]), r.stdout+r.stderr)
		}
	}
	g.must(0, "setup", "stop")
	silent(t, "syslog", strings.Join(log.take(), "\n"))
}
