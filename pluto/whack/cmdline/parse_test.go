package cmdline

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ipsec/pluto"
)

const key = "0sAQOF8tZ2NZt7Y2P0"

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		line string
		want Request
	}{
		{"--listen", Request{Listen: true}},
		{"--name a --initiate --asynchronous", Request{Name: "a", Initiate: true, Asynchronous: true}},
		{"--name=a --route", Request{Name: "a", Route: true}},
		{"--status --format json --name a", Request{Name: "a", Status: true, JSON: true}},
		{"--rereadsecrets --rereadcrls", Request{Reread: RereadSecrets | RereadCRLs}},
		{"--rereadall --listall", Request{Reread: RereadAll, List: ListAll}},
		{"--debug-none --debug-control", Request{Debug: []string{"none", "control"}}},
		{"--keyid @a --addkey --pubkeyrsa " + key, Request{Key: &Key{ID: "@a", Text: key, Add: true}}},
		{"--pubkey " + key + " --keyid @a", Request{Key: &Key{ID: "@a", Text: key}}},
		{"--deletestate 7", Request{DeleteState: 7}},
		{"--shutdown", Request{Shutdown: true}},
	} {
		got, err := Parse(strings.Fields(tt.line))
		if err != nil || !reflect.DeepEqual(*got, tt.want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", tt.line, got, err, tt.want)
		}
	}
}

func TestParseConnection(t *testing.T) {
	const line = "--name a --psk --encrypt --tunnel --pfs --ikev2-allow --ikelifetime 3600 --keyingtries 0 --ipv4" +
		" --id @west --host 192.0.2.1 --nexthop 192.0.2.254 --client 10.0.1.0/24,10.0.3.0/24 --clientprotoport 17/%any" +
		" --to --host %any --client 10.0.2.0/24"
	r, err := Parse(strings.Fields(line))
	if err != nil {
		t.Fatal(err)
	}
	c := r.Add
	switch {
	case c.Name != "a", !slices.Equal(c.AuthBy, []pluto.AuthMethod{pluto.AuthPSK}), c.Mode != pluto.TunnelMode, !c.PFS, !c.Rekey,
		c.Versions != pluto.Versions{IKEv1: true, IKEv2: true}, c.Local.ID.String() != "@west", len(c.Local.Clients) != 2,
		!c.Local.AnyPort, c.Local.Proto != 17, c.Remote.Host.Kind != pluto.HostAny:
		t.Errorf("%+v", c)
	}
}

func TestParseErrors(t *testing.T) {
	const conn = "--name a --psk --encrypt --host 192.0.2.1 --to --host 192.0.2.2 "
	for _, tt := range []struct{ line, want string }{
		{"", "nothing to do: expected something such as --status, or --name NAME --initiate"},
		{"status", `unexpected "status": expected an option, which begins with --`},
		{"--statsu", `unknown option "--statsu": expected one of ipsec_whack(8); did you mean "--status"?`},
		{"--status=yes", `--status takes no value, found "yes"`},
		{"--name", "--name needs a value: expected the name of a connection"},
		{"--name --status", "--name needs a value: expected the name of a connection"},
		{"--name a --name b --status", "--name is given twice"},
		{"--route", "--route needs --name NAME"},
		{"--status --format xml", `malformed --format "xml": expected text or json`},
		{"--format json", "--format goes with --status"},
		{"--listen --asynchronous", "--asynchronous goes with --initiate or --terminate"},
		{"--deletestate 0", `malformed --deletestate "0": expected the number of a state, from 1 on`},
		{"--name a --psk", "--psk is about a connection, which needs --host before --to"},
		{"--name a --psk --host 192.0.2.1", "--psk is about a connection, which needs --to and --host behind it"},
		{"--name a --psk --host 192.0.2.1 --to", "--psk is about a connection, which needs --host behind --to"},
		{"--psk --encrypt --host 192.0.2.1 --to --host 192.0.2.2", "the description of a connection needs --name NAME"},
		{"--name a --psk --host 192.0.2.1 --to --host 192.0.2.2", "a connection needs one of --encrypt, --authenticate, --pass, --drop and --reject"},
		{"--name a --encrypt --host 192.0.2.1 --to --host 192.0.2.2", "a connection needs a way to prove who the peers are, such as --psk or --rsasig"},
		{conn + "--pass", "--pass does not go with --encrypt"},
		{conn + "--host 192.0.2.3", "--to --host is given twice"},
		{conn + "--ikelifetime 1h", `malformed --ikelifetime "1h": expected a number of seconds`},
		{conn + "--client 10.0.0.1/24", `malformed --client "10.0.0.1/24": it has bits beyond its mask: expected 10.0.0.0/24`},
		{conn + "--client 10.0.0.0/24,10.0.0.0/24", `malformed --client "10.0.0.0/24,10.0.0.0/24": it is given twice`},
		{conn + "--ike foo", `malformed --ike "foo": malformed "foo": expected`},
		{conn + "--ah sha1", "--ah goes with --authenticate"},
		{conn + "--ikev1-disable", "--ikev1-disable without --ikev2-allow leaves no version of IKE"},
		{"--name a --psk --encrypt --host 192.0.2.1 --to --host %any6", "--host %any6 does not go with an IPv4 address"},
		{conn + "--ipv6", "--host 192.0.2.1 is not IPv6, as --ipv6 says"},
		{conn + "--pubkey 0sAQ=x", `malformed --pubkey "0sAQ=x": expected a public key, 0s and base64`},
		{conn + "--keyid @a", "--keyid does not go with --psk"},
		{"--pubkey " + key, "--pubkey needs --keyid, or a connection that it belongs to"},
		{"--name a --psk --encrypt --host 192.0.2.1 --to --host 2001:db8::1", "--host 192.0.2.1 and --host 2001:db8::1 are not of one address family"},
	} {
		if _, err := Parse(strings.Fields(tt.line)); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s:\n got %v\nwant %s", tt.line, err, tt.want)
		}
	}
	for _, odd := range []string{"a\nb", "a\x1bb", "a\u202eb", "a\u2066b", "a\u2028b", "a\u200bb", "a\xffb"} {
		if _, err := Parse([]string{"--name", odd, "--status"}); err == nil {
			t.Errorf("the name %q is taken", odd)
		}
	}
}

// samples are values of options, by what they want.
var samples = map[string][]string{
	"the name of a conn":                                   {"a", "é"},
	"proposals such as aes256-sha2":                        {"aes256-sha2", "aes128gcm16!", "3des-md5"},
	"a group such as modp2048":                             {"modp2048", "dh19"},
	"yes, no or either":                                    {"yes", "no", "either"},
	wantSeconds:                                            {"0", "1", "2147483647"},
	"a percentage":                                         {"0", "200"},
	"a number, 0 for no end":                               {"0", "3"},
	"a number":                                             {"0", "7"},
	"a number from 68 to 65535":                            {"68", "1500"},
	"hold, clear, restart, restart_by_peer or none":        {"hold", "clear", "restart", "restart_by_peer", "none"},
	"a number of packets, at most 4096":                    {"0", "64", "4096"},
	"yes, no or force":                                     {"yes", "no", "force"},
	"file, pam or alwaysok":                                {"file", "pam"},
	"an address, %any, or a host name":                     {"192.0.2.7", "%any", "gate.example.org", "%group", "2001:db8::7", "%any6"},
	"a port from 1 to 65535":                               {"1", "65535"},
	"an identity such as @gate.example.org":                {"@a", "a@b", "192.0.2.9", "@#0102", "C=US, O=E, CN=x", "%fromcert", "%myid"},
	"the name of a file":                                   {"west.pem", "--x", "a b"},
	"a distinguished name, %same or %any":                  {"%same", "C=US, CN=x"},
	"always, ifasked or never":                             {"always", "ifasked", "never", "forcedtype"},
	"a public key, 0s and base64":                          {key, "0x0102"},
	"names of groups":                                      {"a,b"},
	"an address or %direct":                                {"192.0.2.254", "%direct"},
	"networks with commas between them, vhost:… or vnet:…": {"10.0.0.0/8", "10.0.1.0/24,10.0.2.0/24", "2001:db8::/64", "vhost:%priv,%no", "0.0.0.0/0"},
	"a network":                                            {"10.0.0.0/8"},
	"PROTOCOL/PORT in numbers, the port %any or 0 for all": {"17/1701", "6/%any", "47/0", "0/0"},
	"an address":                                           {"10.0.1.1"},
	"secret, rsasig, ecdsa, eddsa or null":                 {"secret", "rsasig", "eddsa"},
	"a command":                                            {"ipsec _updown --x", "/bin/true 'a b'"},
	"the name of a user":                                   {"joe"},
}

// Any line of options with values that each may have is refused, or reads as a
// connection that Format writes and Parse reads as the same one.
func TestFormatRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	add := func(line []string, list []option, chance int) []string {
		for _, o := range list {
			if r.IntN(100) >= chance || o.name == "--to" || o.name == "--host" {
				continue
			}
			if o.want == "" {
				line = append(line, o.name)
				continue
			}
			values := samples[o.want]
			if len(values) == 0 {
				t.Fatalf("no sample of %s: %s", o.name, o.want)
			}
			line = append(line, o.name+"="+pick(values))
		}
		return line
	}
	hosts := samples["an address, %any, or a host name"]
	taken := 0
	for range 20000 {
		line := []string{"--name", "n", "--" + pick([]string{"psk", "rsasig", "ecdsa-sha2_256", "authnull"})}
		line = add(line, connOptions(), 12)
		line = append(line, "--host", pick(hosts))
		line = add(line, endOptions(), 25)
		line = append(line, "--to", "--host", pick(hosts))
		line = add(line, endOptions(), 25)
		request, err := Parse(line)
		if err != nil {
			continue
		}
		taken++
		roundTrip(t, request.Add)
	}
	if taken < 1000 {
		t.Errorf("only %d lines make sense", taken)
	}
}

func roundTrip(t *testing.T, c *pluto.Connection) {
	t.Helper()
	again, err := Parse(Format(c))
	if err != nil || !reflect.DeepEqual(again.Add, c) {
		t.Fatalf("%q\n got %+v, %v\nwant %+v", Format(c), again, err, c)
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"--status",
		"--name a --psk --encrypt --tunnel --host 192.0.2.1 --client 10.0.0.0/8 --to --host %any --clientprotoport 17/%any",
		"--name a --pass --host 192.0.2.1 --to --host 192.0.2.2",
		"--name a --rsasig --authenticate --ah sha2_256 --host %any6 --pubkey 0x01 --to --host 2001:db8::1 --id=@#01",
	} {
		f.Add(strings.ReplaceAll(line, " ", "\x00") + "\x00")
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := strings.Split(strings.TrimSuffix(text, "\x00"), "\x00")
		if r, err := Parse(words); err == nil && r.Add != nil {
			roundTrip(t, r.Add)
		}
	})
}
