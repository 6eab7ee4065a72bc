package host

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

const valid = `{
  "version": 1, "host": "gw", "paths": {"bin": "/usr/sbin", "confs": "/etc", "conf": "/etc/ipsec.conf", "run": "/var/run/pluto"},
  "links": [{"name": "eth0", "mtu": 1500, "up": true, "addrs": [{"prefix": "192.0.2.1/24", "broadcast": "192.0.2.255"}, {"prefix": "2001:db8::1/64"}]},
            {"name": "ppp0", "mtu": 1492, "up": true, "pointtopoint": true, "addrs": [{"prefix": "198.51.100.1/32", "peer": "198.51.100.9"}]}],
  "routes": [{"dst": "0.0.0.0/0", "gateway": "192.0.2.254", "link": "eth0", "metric": 3}],
  "tun": true, "modprobe": true, "ipv6": true, "stacks": ["klips"], "randomness": ["/dev/random"], "rundir": true, "subsysdir": false,
  "running": {"setup": true, "klips": false, "pluto": false, "info": ["defaultroutephys=eth0"]}
}`

func TestRead(t *testing.T) {
	facts, err := Read(strings.NewReader(valid))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Write(&b, facts); err != nil {
		t.Fatal(err)
	}
	again, err := Read(&b)
	if err != nil || !reflect.DeepEqual(again, facts) {
		t.Errorf("read %+v, %v; want %+v", again, err, facts)
	}
	if len(facts.Links) != 2 || facts.Links[1].Addrs[0].Peer.String() != "198.51.100.9" || facts.Routes[0].Metric != 3 || facts.Running.Info[0] != "defaultroutephys=eth0" {
		t.Errorf("%+v", facts)
	}
	// Facts written by hand may be short.
	short, err := Read(strings.NewReader(`{"version": 1}`))
	if err != nil || short.Links == nil || short.Routes == nil || short.Stacks == nil || short.Randomness == nil || short.Running.Info == nil {
		t.Errorf("%+v, %v", short, err)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"no version", `"version": 1,`, ``, `"version": 1`},
		{"another version", `"version": 1`, `"version": 2`, "gather them again"},
		{"unknown field", `"ipv6"`, `"ipv7"`, `"ipv7"; correct that`},
		{"unknown field within", `"metric"`, `"cost"`, `"cost"`},
		{"not JSON", `"tun": true`, "\n\"tun\": yes", "line 7: invalid character 'y'"},
		{"wrong type", `"mtu": 1500`, `"mtu": "big"`, "line 3:"},
		{"trailing text", `"defaultroutephys=eth0"]}` + "\n}", `"defaultroutephys=eth0"]}` + "\n}{}", "malformed facts"},
		{"malformed prefix", `192.0.2.1/24`, `192.0.2.1`, "192.0.2.1"},
		{"zone", `2001:db8::1/64`, `fe80::1%eth0/64`, "zone"},
		{"gateway with a zone", `"192.0.2.254"`, `"fe80::1%eth0"`, "zone"},
		{"mapped", `2001:db8::1/64`, `::ffff:192.0.2.1/120`, "prefix"},
		{"no prefix", `{"prefix": "192.0.2.1/24", "broadcast": "192.0.2.255"}`, `{}`, "prefix"},
		{"no destination", `"dst": "0.0.0.0/0", `, ``, "dst"},
		{"link name, newline", `"name": "eth0"`, `"name": "eth0\nrm"`, "name of a link"},
		{"link name, space", `"name": "eth0"`, `"name": "eth 0"`, "name of a link"},
		{"link name, slash", `"name": "eth0"`, `"name": "../../x"`, "name of a link"},
		{"link name, long", `"name": "eth0"`, `"name": "abcdefghijklmnop"`, "name of a link"},
		{"link name, none", `"name": "eth0"`, `"name": ""`, "name of a link"},
		{"route's link", `"link": "eth0"`, `"link": "eth0;"` + `, "src": "1.2.3.4%x"`, "malformed facts"},
		{"MTU", `"mtu": 1492`, `"mtu": -1`, "negative"},
		{"metric", `"metric": 3`, `"metric": -3`, "negative"},
		{"host", `"host": "gw"`, `"host": "gw\u0000"`, "one line"},
		{"relative bin", `"/usr/sbin"`, `"sbin"`, "absolute path"},
		{"stack", `"klips"]`, `"ipx"]`, "klips or netkey"},
		{"randomness", `["/dev/random"]`, `["/etc/passwd"]`, "/dev/urandom"},
		{"info", `"defaultroutephys=eth0"`, `"x=1\ny=2"`, "name=value"},
		{"info without a name", `"defaultroutephys=eth0"`, `"=x"`, "name=value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(valid, c.old, c.new, 1)
			if text == valid {
				t.Fatal("the case changes nothing")
			}
			facts, err := Read(strings.NewReader(text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Read = %+v, %v; want an error with %q", facts, err, c.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(valid))
	f.Add([]byte(`{"version": 1}`))
	f.Add([]byte(`{"version": 1, "routes": [{"dst": "::/0", "link": "a"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		facts, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := Write(&b, facts); err != nil {
			t.Fatal(err)
		}
		again, err := Read(&b)
		if err != nil || !reflect.DeepEqual(again, facts) {
			t.Fatalf("%+v, %v; want %+v", again, err, facts)
		}
	})
}
