package laws

import (
	"fmt"
	"maps"
	"math/rand"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ipsec/golden/lab"
)

// keywords are the lines of a section, of which each keyword has one.
type keywords map[string]string

func (k keywords) text() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(k)) {
		if k[name] != "" {
			fmt.Fprintf(&b, "\t%s=%s\n", name, k[name])
		}
	}
	return b.String()
}

// drawnConn is a conn of a drawn file.
type drawnConn struct {
	name string
	keywords
}

// drawnFile is a configuration that a test has drawn.
type drawnFile struct {
	setup keywords
	conns []drawnConn
}

func (f drawnFile) text() string {
	s := "version 2.0\n\nconfig setup\n" + f.setup.text()
	for _, c := range f.conns {
		s += "\nconn " + c.name + "\n" + c.text()
	}
	return s
}

func (f drawnFile) clone() drawnFile {
	out := drawnFile{setup: maps.Clone(f.setup)}
	for _, c := range f.conns {
		out.conns = append(out.conns, drawnConn{c.name, maps.Clone(c.keywords)})
	}
	return out
}

// setupValues are what a keyword of config setup is drawn from; "" leaves it out.
var setupValues = map[string][]string{
	"interfaces":     {"", "", `"ipsec0=eth0"`, `"ipsec0=eth0 ipsec1=eth1"`, `"ipsec1=eth1 ipsec0=eth0"`, `"ipsec2=eth0"`, "%defaultroute", "%none"},
	"overridemtu":    {"", "", "1300", "1200"},
	"rp_filter":      {"", "", "1", "2", "%unchanged"},
	"forwardcontrol": {"", "yes", "no"},
	"pluto":          {"", "", "", "", "no"},
	"plutowait":      {"", "", "no"},
	"syslog":         {"", "", "daemon.debug"},
	"uniqueids":      {"", "", "", "", "", "no"},
	"klipsdebug":     {"", "", "", "", "", "", "tunnel"},
	"hidetos":        {"", "", "", "", "", "", "no"},
	"plutodebug":     {"", "", "", "", "", "", "control"},
	"manualstart":    {"", "", "", "c1"},
}

// connValues are what a keyword of a conn is drawn from.
var connValues = map[string][]string{
	"left":             {"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1", "%defaultroute", "10.0.1.1", "2001:db8:1::1", "203.0.113.5"},
	"right":            {"192.0.2.2", "192.0.2.2", "192.0.2.3", "198.51.100.7", "%any", "10.0.1.77"},
	"type":             {"", "", "", "", "tunnel", "transport", "passthrough", "drop", "reject"},
	"auto":             {"add", "route", "route", "start", "ignore", "manual", "manual"},
	"leftsubnet":       {"", "", "10.0.1.0/24", "10.0.1.0/24", "10.0.1.0/25", "2001:db8:a::/64", "10.0.1.0/24,10.0.3.0/24"},
	"rightsubnet":      {"", "10.5.0.0/16", "10.5.1.0/24", "10.5.1.0/24", "10.6.0.0/16", "10.4.0.0/15", "2001:db8:b::/64", "10.7.0.0/24,10.8.0.0/24", "0.0.0.0/0", "10.5.1.7/32"},
	"leftsubnets":      {"", "", "", "", "", "{10.0.1.0/24 10.0.3.0/24}"},
	"rightsubnets":     {"", "", "", "", "{10.5.0.0/16 10.9.0.0/24}", "{10.9.0.0/24 2001:db8:b::/64}"},
	"metric":           {"", "", "", "5", "50"},
	"mtu":              {"", "", "", "1280", "1310"},
	"leftsourceip":     {"", "", "", "", "10.0.1.1", "10.99.0.1"},
	"rightid":          {"", "", "", "@east", "%any"},
	"ike":              {"", "", "", "aes256-sha2_256-modp2048!"},
	"ikelifetime":      {"", "", "", "20m"},
	"keylife":          {"", "", "", "40m"},
	"dpdaction":        {"", "", "", "hold", "clear"},
	"leftupdown":       {"", "", "", "", "/etc/updown"},
	"leftprotoport":    {"", "", "", "", "", "", "tcp/0", "udp/%any"},
	"rightprotoport":   {"", "", "", "", "", "", "tcp/0", "udp/53"},
	"leftnexthop":      {"", "", "", "", "192.0.2.254", "%direct"},
	"espreplay_window": {"", "", "", "128"},
	"compress":         {"", "", "", "yes"},
	"failureshunt":     {"", "", "", "", "drop", "passthrough"},
	"negotiationshunt": {"", "", "", "", "drop", "passthrough"},
	"forceencaps":      {"", "", "", "", "yes"},
	"phase2":           {"", "", "", "", "", "ah"},
	"keyexchange":      {"", "", "", "", "", "", "ikev1", "ikev2"},
	"authby":           {"secret", "secret", "secret", "rsasig", "never"},
	"rekeymargin":      {"", "", "", "2m"},
	"esp":              {"", "", "3des-md5-96", "aes128-sha1"},
	"overlapip":        {"", "", "", "", "yes"},
	"priority":         {"", "", "", "", "7"},
	"reauth":           {"", "", "", "", "yes"},
}

// often are the keywords that each conn has, and that change most.
var often = []string{"left", "right", "type", "auto", "leftsubnet", "rightsubnet"}

// set gives a keyword of a conn a drawn value.
func (c drawnConn) set(r *rand.Rand, name string) {
	c.keywords[name] = pick(r, connValues[name])
}

// complete gives the conn with number n what it needs to be keyed as it is.
func (c drawnConn) complete(n int, started bool) {
	for _, name := range []string{"spi", "espenckey", "espauthkey"} {
		delete(c.keywords, name)
	}
	if c.keywords["leftsubnets"] != "" {
		delete(c.keywords, "leftsubnet")
	}
	if c.keywords["rightsubnets"] != "" {
		delete(c.keywords, "rightsubnet")
	}
	shunt := slices.Contains([]string{"passthrough", "drop", "reject"}, c.keywords["type"])
	if c.keywords["auto"] != "manual" && !started {
		if shunt {
			c.keywords["authby"] = "never"
		} else if c.keywords["authby"] == "never" {
			c.keywords["authby"] = "secret"
		}
		return
	}
	if shunt {
		return
	}
	c.keywords["spi"] = fmt.Sprintf("0x%x", 0x200+0x20*n)
	switch {
	case c.keywords["esp"] == "aes128-sha1":
		c.keywords["espenckey"], c.keywords["espauthkey"] = "0x"+strings.Repeat("0ddba110", 4), "0x"+strings.Repeat("0ddba110", 5)
	default:
		c.keywords["esp"] = "3des-md5-96"
		c.keywords["espenckey"], c.keywords["espauthkey"] = "0x"+strings.Repeat("0ddba110", 6), "0x"+strings.Repeat("0ddba110", 4)
	}
}

// drawConn draws a conn.
func drawConn(r *rand.Rand, name string) drawnConn {
	c := drawnConn{name, keywords{"left": "192.0.2.1", "authby": "secret"}}
	for _, k := range often {
		c.set(r, k)
	}
	for range r.Intn(4) {
		c.set(r, pick(r, slices.Sorted(maps.Keys(connValues))))
	}
	return c
}

// drawFile draws a configuration.
func drawFile(r *rand.Rand) drawnFile {
	f := drawnFile{setup: keywords{}}
	for range r.Intn(5) {
		k := pick(r, slices.Sorted(maps.Keys(setupValues)))
		f.setup[k] = pick(r, setupValues[k])
	}
	for i := range 1 + r.Intn(5) {
		f.conns = append(f.conns, drawConn(r, fmt.Sprintf("c%d", i)))
	}
	return f.complete()
}

// complete mends what would make no file.
func (f drawnFile) complete() drawnFile {
	if f.setup["manualstart"] != "" && !slices.ContainsFunc(f.conns, func(c drawnConn) bool { return c.name == f.setup["manualstart"] }) {
		delete(f.setup, "manualstart")
	}
	for i, c := range f.conns {
		c.complete(i, f.setup["manualstart"] == c.name)
	}
	return f
}

// changed returns a file that differs from f.
func (f drawnFile) changed(r *rand.Rand) drawnFile {
	n := f.clone()
	for range 1 + r.Intn(3) {
		i, j := r.Intn(len(n.conns)), r.Intn(len(n.conns))
		switch r.Intn(12) {
		case 0:
			k := pick(r, slices.Sorted(maps.Keys(setupValues)))
			n.setup[k] = pick(r, setupValues[k])
		case 1:
			if len(n.conns) > 1 {
				n.conns = slices.Delete(n.conns, i, i+1)
			}
		case 2:
			n.conns = append(n.conns, drawConn(r, fmt.Sprintf("d%d", r.Intn(100))))
		case 3:
			n.conns[i].name = fmt.Sprintf("e%d", r.Intn(100))
		case 4:
			n.conns[i].name, n.conns[j].name = n.conns[j].name, n.conns[i].name
		case 5:
			n.conns[i], n.conns[j] = n.conns[j], n.conns[i]
		case 6:
			a, b := n.conns[i].keywords, n.conns[j].keywords
			a["rightsubnet"], b["rightsubnet"] = b["rightsubnet"], a["rightsubnet"]
		case 7:
			a, b := n.conns[i].keywords, n.conns[j].keywords
			a["right"], b["right"] = b["right"], a["right"]
		case 8, 9:
			n.conns[i].set(r, pick(r, often))
		default:
			n.conns[i].set(r, pick(r, slices.Sorted(maps.Keys(connValues))))
		}
	}
	seen := make(map[string]bool)
	n.conns = slices.DeleteFunc(n.conns, func(c drawnConn) bool {
		twice := seen[c.name]
		seen[c.name] = true
		return twice
	})
	return n.complete()
}

// startable draws until a start can be planned.
func (g *gateway) startable(draw func() drawnFile) (drawnFile, string) {
	g.t.Helper()
	for range 200 {
		f := draw()
		text := f.text()
		g.write("/etc/ipsec.conf", text)
		if g.ipsec("setup", "--showonly", "start").status == 0 {
			return f, text
		}
	}
	g.t.Fatal("no file can be started")
	return drawnFile{}, ""
}

// TestReloadRandom: for pairs of files that are drawn, a reload makes of what runs by one what a start by the other
// makes, and back. SEEDS says how many pairs, -seed which one.
func TestReloadRandom(t *testing.T) {
	lab.NeedRoot(t)
	first, pairs := int64(1), int64(10)
	if *seed != 0 {
		first, pairs = *seed, 1
	} else if text := os.Getenv("SEEDS"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatalf("malformed SEEDS %q", text)
		}
		pairs = n
	}
	for n := first; n < first+pairs; n++ {
		t.Run(fmt.Sprintf("seed %d", n), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewSource(n))
			g := newGateway(t, "", crooked+quietly)
			f, one := g.startable(func() drawnFile { return drawFile(r) })
			_, other := g.startable(func() drawnFile {
				if r.Intn(6) == 0 {
					return drawFile(r)
				}
				return f.changed(r)
			})
			g.forthAndBack(one, other)
		})
	}
}
