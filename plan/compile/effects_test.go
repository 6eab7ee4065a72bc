package compile_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/conf/keyword"
	"ipsec/plan"
	"ipsec/plan/compile"
)

// effectContexts are configurations in one of which, at least, each keyword matters that acts: SETUP
// and CONN stand where the line is put that gives one.
var effectContexts = []string{
	// Negotiated by shared secrets, with all that depends on something else; our end is left.
	"config setup\n\tinterfaces=ipsec0=eth0\n\tSETUP\nconn t\n\tleft=192.0.2.1\n\tleftsubnet=10.0.1.0/24\n\tright=198.51.100.2\n\trightsubnet=10.2.0.0/16\n" +
		"\tauthby=secret\n\tdpddelay=30\n\tCONN\n\tauto=start\n",
	// Hosts alone, by signatures; the conn says nothing else.
	"config setup\n\tSETUP\nconn t\n\tleft=192.0.2.1\n\tright=198.51.100.2\n\tleftcert=a.pem\n\trightcert=b.pem\n\tCONN\n\tauto=route\n",
	// Any peer, and everything at both ends.
	"config setup\n\tSETUP\nconn t\n\tleft=192.0.2.1\n\tright=%any\n\tauthby=secret\n\tCONN\n\tauto=add\n",
	"config setup\n\tSETUP\nconn t\n\tleft=192.0.2.1\n\tright=198.51.100.2\n\tleftsubnet=0.0.0.0/0\n\trightsubnet=0.0.0.0/0\n\tauthby=secret\n\tCONN\n\tauto=add\n",
	// AH alone.
	"config setup\n\tSETUP\nconn t\n\tleft=192.0.2.1\n\tright=198.51.100.2\n\tauth=ah\n\tauthby=secret\n\tCONN\n\tauto=add\n",
	// Keyed by hand, and not brought up.
	"config setup\n\tinterfaces=ipsec0=eth0\n\tSETUP\nconn t\n\tleft=192.0.2.1\n\tright=198.51.100.2\n\tah=hmac-sha1-96\n\tspi=0x300\n\tahkey=0x" + strings.Repeat("03", 20) + "\n\tCONN\n",
	// Keyed by hand.
	"config setup\n\tinterfaces=ipsec0=eth0\n\tSETUP\nconn t\n\tleft=192.0.2.1\n\tright=198.51.100.2\n\tesp=aes128-sha1\n\tah=hmac-sha1-96\n\tspi=0x300\n" +
		"\tespenckey=0x" + strings.Repeat("01", 16) + "\n\tespauthkey=0x" + strings.Repeat("02", 20) + "\n\tahkey=0x" + strings.Repeat("03", 20) + "\n\tCONN\n\tauto=manual\n",
	"config setup\n\tinterfaces=ipsec0=eth0\n\tSETUP\nconn t\n\tleft=192.0.2.1\n\tright=198.51.100.2\n\tesp=aes128-sha1\n" +
		"\tespenckey=0x" + strings.Repeat("01", 16) + "\n\tespauthkey=0x" + strings.Repeat("02", 20) + "\n\tCONN\n\tauto=manual\n",
}

// effectSamples are values of keywords whose values no list has.
var effectSamples = map[string]string{
	"interfaces": "ipsec0=eth1", "syslog": "local0.info", "plutoopts": "--debug-raw", "plutostderrlog": "/var/log/pluto", "dumpdir": "/var/tmp",
	"manualstart": "t", "prepluto": "/bin/true", "postpluto": "/bin/true", "overridemtu": "1300", "virtual_private": "%v4:10.0.0.0/8",
	"keep_alive": "30", "myid": "@me", "crlcheckinterval": "600", "ocspuri": "http://ocsp.example/", "nhelpers": "2",
	"ike": "aes256-sha2;modp2048", "esp": "aes256-sha2", "ah": "sha2_512", "pfsgroup": "modp3072", "ikelifetime": "100", "keylife": "100", "rekeymargin": "10",
	"rekeyfuzz": "50%", "keyingtries": "3", "dpddelay": "5", "dpdtimeout": "55", "mtu": "1300", "metric": "5", "replay-window": "128", "spi": "0x400", "spibase": "0x200",
	"espreplay_window": "128", "ahreplay_window": "128", "left": "192.0.2.77", "leftsubnet": "10.3.0.0/16", "leftsubnets": "{10.3.0.0/16 10.4.0.0/16}", "leftsubnetwithin": "10.0.0.0/8",
	"leftnexthop": "192.0.2.254", "leftsourceip": "10.0.1.1", "leftprotoport": "17/1701", "leftupdown": "/bin/true", "leftid": "@someone", "leftikeport": "501",
	"leftrsasigkey": effectRSA, "leftrsasigkey2": effectRSA, "leftecdsakey": effectKey, "leftpubkey": effectKey, "leftcert": "c.pem", "leftca": "C=US, O=Example",
	"leftgroups": "staff", "leftxauthusername": "somebody", "leftespspi": "0x500", "leftahspi": "0x500",
}

const (
	effectRSA = "0sAwEAAcMz8YBpLzh8x6NE0eXedaqzXp/Yfiu9ztPoIed88dim6ccEc74rXvbcUNiie7yV5tSsyUsdnQmNcJzTf0rMqqlnGwfqYYy8aq7gAaKfmnBv2dz9vZ87yiJiPH9KVSF7eaNN+VSfeICvTE3n+L0kcTRJcMcCxnKpf8H2Mmfc47Jt"
	effectKey = "0sMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q=="
)

// effectValues returns values of each class that the values of k have.
func effectValues(k *keyword.Keyword) []string {
	var list []string
	add := func(values ...string) {
		for _, v := range values {
			if v != "" && !slices.Contains(list, v) {
				list = append(list, v)
			}
		}
	}
	add(effectSamples[k.Name], k.Default)
	add(k.Values...)
	if k.Type == keyword.TypeBool {
		add("yes", "no")
	}
	for _, c := range k.Cases {
		switch {
		case strings.Contains(c.Values, "pool"):
			add("%config", "10.9.0.0/24")
		case strings.Contains(c.Values, "several addresses"):
			add("10.0.1.1,10.0.1.2")
		case strings.Contains(c.Values, "eap,"):
			add("eap-tls")
		case !strings.Contains(c.Values, "another"):
			add(strings.Fields(c.Values)...)
		}
	}
	if len(list) == 0 || !slices.ContainsFunc(list, func(v string) bool { return v != k.Default }) {
		add("x")
	}
	return list
}

// outcome is what comes of a context with a line put into it.
type outcome struct {
	config *conf.Config
	err    error // of the configuration
	plan   plan.Plan
	failed error
}

func (o outcome) same(other outcome) bool {
	if (o.err == nil) != (other.err == nil) || (o.failed == nil) != (other.failed == nil) {
		return false
	}
	a, b := o.plan.WithoutReasons(), other.plan.WithoutReasons()
	return reflect.DeepEqual(a.Nodes, b.Nodes) && reflect.DeepEqual(a.Undo, b.Undo) && a.Syslog == b.Syslog
}

// refused reports whether the plan says that the conn is not loaded or not brought up, or there is none.
func (o outcome) refused() bool {
	if o.err != nil || o.failed != nil {
		return true
	}
	return slices.ContainsFunc(o.plan.Nodes, func(n plan.Node) bool {
		step, ok := n.(plan.Step)
		if !ok {
			return false
		}
		said, ok := step.Op.(plan.Log)
		return ok && strings.HasPrefix(said.Text, `conn "t" is not `)
	})
}

func outcomeOf(context string, section keyword.Section, line string) (o outcome) {
	at := map[bool]string{true: "SETUP", false: "CONN"}[section == keyword.SectionSetup]
	name, _, _ := strings.Cut(line, "=")
	var kept []string
	for _, l := range strings.Split(context, "\n") {
		switch word := strings.TrimSpace(l); {
		case word == at:
			kept = append(kept, "\t"+line)
		case word == "SETUP", word == "CONN", line != "" && strings.HasPrefix(word, name+"="):
		default:
			kept = append(kept, l)
		}
	}
	o.config, o.err = conf.Parse("f", []byte(strings.Join(kept, "\n")))
	if o.err == nil {
		o.plan, o.failed = compile.Setup(plan.Start, o.config, gateway(), conf.DefaultPaths())
	}
	return o
}

// TestEffects takes each value of each keyword through a start. One that acts changes the plan, in which what
// Pluto is told stands, too, unless it is the default; one that is essential keeps the conn, or the start, from being;
// and what becomes of the others is said.
func TestEffects(t *testing.T) {
	var without []outcome
	for _, context := range effectContexts {
		without = append(without, outcomeOf(context, keyword.SectionConn, ""))
	}
	for _, k := range keyword.All() {
		if k.Reference || k.Type == keyword.TypeSecret { // keys are in no plan
			continue
		}
		for _, side := range []keyword.Side{keyword.Left, keyword.Right} {
			if k.Section != keyword.SectionEnd && side == keyword.Right {
				continue
			}
			for _, value := range effectValues(&k) {
				checkEffect(t, without, &k, side, value)
			}
		}
	}
}

func checkEffect(t *testing.T, without []outcome, k *keyword.Keyword, side keyword.Side, value string) {
	t.Helper()
	ruling := k.On(value)
	name := k.Spelling(side)
	line := name + "=" + value
	if strings.Contains(value, " ") {
		line = name + "=\"" + value + "\""
	}
	if ruling.Why == "" && ruling.Effect != keyword.Acts {
		t.Errorf("%s is %s, and nothing says why", line, ruling.Effect)
	}
	if k.Section == keyword.SectionCA {
		o := outcomeOf("ca a\n\tCONN\n", k.Section, line)
		checkSaid(t, line, ruling, o.config)
		return
	}
	changes, refused := false, false
	for i, context := range effectContexts {
		with := outcomeOf(context, k.Section, line)
		if with.err != nil && ruling.Effect < keyword.Essential {
			continue // what the context has does not go with it
		}
		refused = with.refused() && !without[i].refused()
		changes = !with.same(without[i])
		checkSaid(t, line, ruling, with.config)
		if ruling.Effect == keyword.Acts && !changes || ruling.Effect == keyword.Essential && !refused {
			continue // another context may show it
		}
		break
	}
	usual := slices.ContainsFunc(k.Cases, func(c keyword.Case) bool { return c.Ruling == ruling }) || strings.EqualFold(value, k.Default)
	counts := ruling.Of == keyword.Either || ruling.Of == keyword.Ours == (side == keyword.Left)
	switch {
	case ruling.Effect == keyword.Acts && !changes && !usual:
		t.Errorf("%s acts, they say, and no plan is another with it", line)
	case ruling.Effect == keyword.Essential && !refused && counts:
		t.Errorf("%s is essential, and nothing is refused for it", line)
	}
}

// checkSaid has a value that is harmless or differs be told.
func checkSaid(t *testing.T, line string, ruling keyword.Ruling, config *conf.Config) {
	t.Helper()
	has := func(list []conf.Diagnostic) bool {
		return slices.ContainsFunc(list, func(d conf.Diagnostic) bool { return strings.HasSuffix(d.Text, ": "+ruling.Why) })
	}
	switch {
	case ruling.Effect == keyword.Differs && !has(config.Warnings):
		t.Errorf("%s differs, and no warning says so", line)
	case ruling.Effect == keyword.Harmless && !has(config.Harmless):
		t.Errorf("%s is harmless, and nothing says so", line)
	}
}
