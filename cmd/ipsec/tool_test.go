package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"ipsec/conf"
	"ipsec/klips"
	"ipsec/klips/klipstest"
	"ipsec/klips/options"
	"ipsec/klips/said"
	"ipsec/plan"
)

// parseTool reads a command line down to the command, as main does.
func parseTool(t *testing.T, e *env, words ...string) (any, error) {
	t.Helper()
	var c cli
	parser, err := kong.New(&c, kong.Name("ipsec"), kong.Writers(e.Stdout, e.Stderr), kong.Bind(e),
		kong.Vars{"confdir": "/etc", "rundir": "/run", "version": "v"}, kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := parser.Parse(words)
	if err != nil {
		return nil, err
	}
	return ctx.Selected().Target.Addr().Interface(), nil
}

// testEnv returns an environment below a new folder, and what is written to
// its stdout and stderr.
func testEnv(t *testing.T) (e *env, stdout, stderr *bytes.Buffer) {
	dir := t.TempDir()
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	e = &env{Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr,
		Getenv: func(string) string { return "" },
		Paths:  conf.Paths{Bin: dir, Confs: dir, Conf: filepath.Join(dir, "ipsec.conf"), Run: dir}}
	return e, stdout, stderr
}

// testResolver knows one host, and the files below /etc.
func testResolver() options.Resolver {
	return options.Resolver{
		Open: os.Open,
		Lookup: func(_ context.Context, network, host string) ([]netip.Addr, error) {
			switch {
			case host == "gw2.example" && network != "ip6":
				return []netip.Addr{netip.MustParseAddr("192.0.2.2")}, nil
			case host == "many.example":
				return []netip.Addr{netip.MustParseAddr("192.0.2.3"), netip.MustParseAddr("192.0.2.4")}, nil
			}
			return nil, errors.New("no such host")
		},
	}
}

// recorder is a table that remembers the SAs set, with their keys.
type recorder struct {
	*klipstest.Table
	added []klips.SA
}

func (r *recorder) AddSA(sa klips.SA) error {
	r.added = append(r.added, sa)
	return r.Table.AddSA(sa)
}

func id(text string) said.SAID {
	id, err := said.Parse(text)
	if err != nil {
		panic(err)
	}
	return id
}

func flow(src, dst string) plan.Flow {
	return plan.Flow{Src: netip.MustParsePrefix(src), Dst: netip.MustParsePrefix(dst)}
}

var (
	addr1, addr2 = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	addr6, addr7 = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
)

// TestToolOps holds the command lines that are the shell form of an op.
func TestToolOps(t *testing.T) {
	ported := flow("10.0.1.0/24", "10.0.2.0/24")
	ported.Proto, ported.SrcPort, ported.DstPort = 6, 1024, 110
	for _, test := range []struct {
		line string
		op   plan.Op
	}{
		{"tncfg --attach --virtual ipsec0 --physical eth0 --xdp=on", plan.Attach{Virtual: "ipsec0", Physical: "eth0", XDP: "on"}},
		{"tncfg --attach --virtual ipsec0 --physical eth0", plan.Attach{Virtual: "ipsec0", Physical: "eth0", XDP: "auto"}},
		{"tncfg --detach --virtual ipsec0", plan.Detach{Virtual: "ipsec0"}},
		{"tncfg --clear", plan.ClearInterfaces{}},
		{"eroute --clear", plan.ClearEroutes{}},
		{"eroute --replace --eraf inet --src 10.0.1.0/24 --dst 10.0.2.0/24 --said tun0x201@192.0.2.2",
			plan.AddEroute{Flow: flow("10.0.1.0/24", "10.0.2.0/24"), SAID: id("tun0x201@192.0.2.2")}},
		{"eroute --replace --eraf inet --src 10.0.1.0/24 --dst 10.0.2.0/24 --transport-proto 6 --src-port 1024 --dst-port 110 --said %trap",
			plan.AddEroute{Flow: ported, SAID: id("%trap")}},
		{"eroute --replace --eraf inet --src 10.0.1.0/255.255.255.0 --dst 10.0.2.7/24 --transport-proto tcp --src-port 0x400 --dst-port 0156 --said %pass",
			plan.AddEroute{Flow: ported, SAID: id("%pass")}},
		{"eroute --replace --eraf inet --src 10.0.1.1 --dst gw2.example/32 --said tun.135@gw2.example",
			plan.AddEroute{Flow: flow("10.0.1.1/32", "192.0.2.2/32"), SAID: id("tun0x135@192.0.2.2")}},
		{"eroute --replace --eraf inet6 --src 2001:db8:1::/48 --dst 2001:db8:2::/48 --af inet6 --edst 2001:db8::2 --spi 0x145 --proto tun",
			plan.AddEroute{Flow: flow("2001:db8:1::/48", "2001:db8:2::/48"), SAID: id("tun0x145@2001:db8::2")}},
		{"eroute --replace --eraf inet --src 0.0.0.0/0 --dst 10.0.2.0/24 --said %passthrough4",
			plan.AddEroute{Flow: flow("0.0.0.0/0", "10.0.2.0/24"), SAID: id("%pass")}},
		{"eroute --add --inbound --eraf inet --src 10.0.2.0/24 --dst 10.0.1.0/24 --said esp0x200@192.0.2.1",
			plan.AddInflow{Flow: flow("10.0.2.0/24", "10.0.1.0/24"), SAID: id("esp0x200@192.0.2.1")}},
		{"eroute --del --eraf inet --src 10.0.1.0/24 --dst 10.0.2.0/24", plan.DelEroute{Flow: flow("10.0.1.0/24", "10.0.2.0/24")}},
		{"eroute --del --eraf inet --src 10.0.1.0/24 --dst 10.0.2.0/24 --said %passthrough4", plan.DelEroute{Flow: flow("10.0.1.0/24", "10.0.2.0/24")}},
		{"spi --clear", plan.ClearSAs{}},
		{"spi --del --said tun.987@192.0.2.2", plan.DelSA{SAID: id("tun0x987@192.0.2.2")}},
		{"spi --del --af inet --edst 192.0.2.2 --spi 512 --proto esp --src 192.0.2.1", plan.DelSA{SAID: id("esp0x200@192.0.2.2")}},
		{"spi --said tun0x201@192.0.2.2 --ip4 --src 192.0.2.1 --dst 192.0.2.2", plan.AddTunnel{SAID: id("tun0x201@192.0.2.2"), Src: addr1, Dst: addr2}},
		{"spi --said tun0x201@2001:db8::2 --ip6 --src 2001:db8::1 --dst 2001:db8::2", plan.AddTunnel{SAID: id("tun0x201@2001:db8::2"), Src: addr6, Dst: addr7}},
		{"spi --said comp0x201@192.0.2.2 --src 192.0.2.1 --comp deflate", plan.AddComp{SAID: id("comp0x201@192.0.2.2"), Src: addr1}},
		{"spi --said esp0x200@192.0.2.2 --src 192.0.2.1 --esp 3des-md5-96 --replay_window 64 --keys-of office",
			plan.AddSA{SAID: id("esp0x200@192.0.2.2"), Src: addr1, Algorithm: "3des-md5-96", ReplayWindow: 64, KeysOf: "office"}},
		{"spi --said esp0x200@192.0.2.2 --src 192.0.2.1 --esp aes128gcm16 --replay-window 0 --encap 4500:4500 --keys-of office",
			plan.AddSA{SAID: id("esp0x200@192.0.2.2"), Src: addr1, Algorithm: "aes128gcm16", EncapSrc: 4500, EncapDst: 4500, KeysOf: "office"}},
		{"spi --said ah0x200@192.0.2.2 --src 192.0.2.1 --ah hmac-md5-96 --replay_window 32 --keys-of office",
			plan.AddSA{SAID: id("ah0x200@192.0.2.2"), Src: addr1, Algorithm: "hmac-md5-96", ReplayWindow: 32, KeysOf: "office"}},
		{"spigrp tun0x201@192.0.2.2 esp0x200@192.0.2.2", plan.GroupSAs{SAIDs: []said.SAID{id("tun0x201@192.0.2.2"), id("esp0x200@192.0.2.2")}}},
		{"spigrp --said tun.201@gw2.example esp.200@gw2.example", plan.GroupSAs{SAIDs: []said.SAID{id("tun0x201@192.0.2.2"), id("esp0x200@192.0.2.2")}}},
		{"spigrp --label x inet 192.0.2.2 0x201 tun inet 192.0.2.2 0x200 esp inet 192.0.2.2 0x202 ah",
			plan.GroupSAs{SAIDs: []said.SAID{id("tun0x201@192.0.2.2"), id("esp0x200@192.0.2.2"), id("ah0x202@192.0.2.2")}}},
	} {
		t.Run(test.line, func(t *testing.T) {
			e, _, _ := testEnv(t)
			command, err := parseTool(t, e, strings.Fields(test.line)...)
			if err != nil {
				t.Fatal(err)
			}
			got, err := command.(tool).request(e, testResolver())
			if err != nil {
				t.Fatal(err)
			}
			if got.call != nil || !reflect.DeepEqual(got.op, test.op) {
				t.Errorf("request is\n%#v, want\n%#v", got.op, test.op)
			}
		})
	}
}

// TestToolErrors holds the command lines that are refused, and a part of the
// message.
func TestToolErrors(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"tncfg --attach --virtual ipsec0", "--attach needs --physical"},
		{"tncfg --attach --detach --virtual ipsec0", "--attach and --detach exclude each other"},
		{"tncfg --virtual ipsec0", "expected --attach or --detach"},
		{"tncfg --clear --virtual ipsec0", "--virtual does not go with --clear"},
		{"eroute --add --src 10.0.1.0/24 --dst 10.0.2.0/24", "expected --said SAID"},
		{"eroute --add --src 10.0.1.0/24 --said %pass", "--add needs --dst"},
		{"eroute --add --eraf inet4 --src 10.0.1.0/24 --dst 10.0.2.0/24 --said %pass", "expected inet or inet6"},
		{"eroute --add --eraf inet6 --src 10.0.1.0/24 --dst 10.0.2.0/24 --said %pass", "--src=10.0.1.0: expected an address of family inet6"},
		{"eroute --add --src 10.0.1.0/24 --dst 2001:db8::/32 --said %pass", "--dst=2001:db8::: expected an address of family inet"},
		{"eroute --add --src 10.0.1.0/33 --dst 10.0.2.0/24 --said %pass", "a mask of 0 to 32 bits"},
		{"eroute --add --src 10.0.1.0/255.0.255.0 --dst 10.0.2.0/24 --said %pass", "ones after zeros"},
		{"eroute --add --src 10.0.1.0/24 --dst 10.0.2.0/24 --src-port 1 --said %pass", "a port needs --transport-proto"},
		{"eroute --add --src 10.0.1.0/24 --dst 10.0.2.0/24 --transport-proto 256 --said %pass", "a number from 0 to 255"},
		{"eroute --add --src 10.0.1.0/24 --dst 10.0.2.0/24 --transport-proto 6 --dst-port 65536 --said %pass", "a number from 0 to 65535"},
		{"eroute --add --src 10.0.1.0/24 --dst 10.0.2.0/24 --said %psas", "%pass, %drop"},
		{"eroute --add --src many.example --dst 10.0.2.0/24 --said %pass", "2 addresses"},
		{"eroute --add --src none.example --dst 10.0.2.0/24 --said %pass", "no such host"},
		{"eroute --add --src 10.0.1.0/24 --dst 10.0.2.0/24 --said tun0x201@192.0.2.2 --spi 0x201", "leave out --af"},
		{"eroute --add --inbound --src 10.0.1.0/24 --dst 10.0.2.0/24 --said %pass", "no packet comes out of %pass"},
		{"eroute --replace --inbound --src 10.0.1.0/24 --dst 10.0.2.0/24 --said tun0x201@192.0.2.2", "--inbound goes with --add or --del"},
		{"eroute --src 10.0.1.0/24", "expected --add"},
		{"eroute --clear --src 10.0.1.0/24", "a flow does not go with --clear"},
		{"spi --said esp0x200@192.0.2.2", "expected --esp, --ah"},
		{"spi --said esp0x200@192.0.2.2 --esp 3des --ah md5", "exclude each other"},
		{"spi --said ah0x200@192.0.2.2 --src 192.0.2.1 --esp 3des-md5-96 --keys-of c", "--esp sets an SA of protocol esp"},
		{"spi --said esp0xff@192.0.2.2 --src 192.0.2.1 --esp 3des-md5-96 --keys-of c", "below 0x100"},
		{"spi --said esp0x200@192.0.2.2 --src 192.0.2.1 --esp 4des --keys-of c", "malformed ESP algorithm"},
		{"spi --said esp0x200@192.0.2.2 --src 2001:db8::1 --esp 3des --keys-of c", "an address of family inet"},
		{"spi --said esp0x200@192.0.2.2 --src 192.0.2.1 --esp 3des-md5-96 --keys-of c --keys-fd 3", "exclude each other"},
		{"spi --said esp0x200@192.0.2.2 --src 192.0.2.1 --esp 3des-md5-96 --replay_window 4097 --keys-of c", "0, or 32 to 4096"},
		{"spi --said esp0x200@192.0.2.2 --src 192.0.2.1 --esp 3des-md5-96 --encap 4500 --keys-of c", "two ports"},
		{"spi --said esp0x200@192.0.2.2 --src 192.0.2.1 --esp 3des-md5-96 --life soft-byte=1 --keys-of c", "soft or hard"},
		{"spi --said esp0x200@192.0.2.2 --src 192.0.2.1 --esp 3des-md5-96 --life soft-bytes=x --keys-of c", "expected a number"},
		{"spi --said tun0x200@192.0.2.2 --ip4 --src 192.0.2.1", "--ip4 needs --dst"},
		{"spi --said tun0x200@192.0.2.2 --ip4 --dst 192.0.2.2", "--ip4 needs --src"},
		{"spi --said tun0x200@192.0.2.2 --ip4 --src 192.0.2.1 --dst 192.0.2.2 --enckey 0x00", "--enckey does not go with --ip4"},
		{"spi --said comp0x200@192.0.2.2 --src 192.0.2.1 --comp lzs", "expected deflate"},
		{"spi --clear --said esp0x200@192.0.2.2", "an SA does not go with --clear"},
		{"spigrp --said", "one to four SAIDs"},
		{"spigrp esp0x1@1.1.1.1 esp0x2@1.1.1.1 esp0x3@1.1.1.1 esp0x4@1.1.1.1 esp0x5@1.1.1.1", "at most four SAs, found 5"},
		{"spigrp inet 192.0.2.2 0x201", "four words for each SA"},
		{"spigrp inet 192.0.2.2 0x201 tunnel", "expected ah, esp, comp or tun"},
		{"klipsdebug --set tunel", "expected one of tunnel"},
		{"klipsdebug --set tunnel --all", "exclude each other"},
	} {
		t.Run(test.line, func(t *testing.T) {
			e, _, _ := testEnv(t)
			command, err := parseTool(t, e, strings.Fields(test.line)...)
			if err == nil {
				_, err = command.(tool).request(e, testResolver())
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
		})
	}
}

// call runs the request of a command line that is a call of the table.
func call(t *testing.T, e *env, table klips.Table, line string) error {
	t.Helper()
	command, err := parseTool(t, e, strings.Fields(line)...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := command.(tool).request(e, testResolver())
	if err != nil {
		return err
	}
	if r.call == nil {
		t.Fatalf("%s is no call: %#v", line, r)
	}
	return r.call(table)
}

func TestErouteCalls(t *testing.T) {
	e, _, _ := testEnv(t)
	table := klipstest.New(klips.Settings{})
	add := "eroute --add --eraf inet --src 10.0.1.0/24 --dst 10.0.2.0/24 --said %trap"
	if err := call(t, e, table, add); err != nil {
		t.Fatal(err)
	}
	if err := call(t, e, table, add); err == nil {
		t.Error("the second --add of a flow went through")
	}
	want := []klips.Eroute{{Selector: selector(flow("10.0.1.0/24", "10.0.2.0/24")), SAID: id("%trap")}}
	if got, _ := table.ListEroutes(); !reflect.DeepEqual(got, want) {
		t.Errorf("eroutes are %v, want %v", got, want)
	}
}

func TestInbound(t *testing.T) {
	e, _, _ := testEnv(t)
	table := klipstest.New(klips.Settings{})
	s := selector(flow("10.0.2.0/24", "10.0.1.0/24"))
	if err := table.AddSA(klips.SA{ID: id("esp0x200@192.0.2.1"), Enc: "null", Auth: "md5-96", Inflow: []klips.Selector{s}}); err != nil {
		t.Fatal(err)
	}
	if err := call(t, e, table, "eroute --del --inbound --src 10.0.2.0/24 --dst 10.0.1.0/24 --said esp0x200@192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	if sa, _ := table.GetSA(id("esp0x200@192.0.2.1")); len(sa.Inflow) != 0 {
		t.Errorf("inbound policy is %v, want none", sa.Inflow)
	}
}

func TestKlipsdebugCalls(t *testing.T) {
	e, _, _ := testEnv(t)
	table := klipstest.New(klips.Settings{})
	for _, test := range []struct {
		line string
		want string
	}{
		{"klipsdebug --set esp", "esp"},
		{"klipsdebug --set tunnel", "tunnel esp"},
		{"klipsdebug --set tunnel", "tunnel esp"},
		{"klipsdebug --clear esp", "tunnel"},
		{"klipsdebug --all", "tunnel tunnel-xmit netlink xform eroute spi radij esp ah rcv pfkey ipcomp"},
		{"klipsdebug --set verbose", "tunnel tunnel-xmit netlink xform eroute spi radij esp ah rcv pfkey ipcomp verbose"},
		{"klipsdebug --none", ""},
	} {
		if err := call(t, e, table, test.line); err != nil {
			t.Fatalf("%s: %v", test.line, err)
		}
		settings, _ := table.GetSettings()
		if got := strings.Join(settings.Debug, " "); got != test.want {
			t.Errorf("after %s the flags are %q, want %q", test.line, got, test.want)
		}
	}
}

func TestPfkey(t *testing.T) {
	events := []klips.Event{
		klips.Acquire{Packet: selector(flow("10.0.1.1/32", "10.0.2.1/32")), Trap: selector(flow("10.0.1.0/24", "10.0.2.0/24")), Ident: [2]string{"@a", "@b"}},
		klips.Expire{ID: id("esp0x200@192.0.2.1"), Hard: true, Usage: klips.Usage{Bytes: 84, Packets: 1}},
		klips.Expire{ID: id("ah0x200@192.0.2.1")},
		klips.NewMapping{ID: id("esp0x200@192.0.2.1"), Old: netip.MustParseAddrPort("192.0.2.2:4500"), New: netip.MustParseAddrPort("192.0.2.2:1024")},
	}
	const (
		acquire = `2026-01-01T00:00:00Z ACQUIRE 10.0.1.1/32 -> 10.0.2.1/32, trapped by 10.0.1.0/24 -> 10.0.2.0/24, identities "@a" and "@b"` + "\n"
		esp     = "2026-01-01T00:00:00Z EXPIRE hard esp0x200@192.0.2.1, 84 bytes, 1 packets\n"
		ah      = "2026-01-01T00:00:00Z EXPIRE soft ah0x200@192.0.2.1, 0 bytes, 0 packets\n"
		mapping = "2026-01-01T00:00:00Z NAT_T_NEW_MAPPING esp0x200@192.0.2.1 from 192.0.2.2:4500 to 192.0.2.2:1024\n"
	)
	for _, test := range []struct {
		command pfkeyCmd
		want    string
	}{
		{pfkeyCmd{}, acquire + esp + ah + mapping},
		{pfkeyCmd{Esp: true}, acquire + esp + mapping},
		{pfkeyCmd{Ah: true, Ipip: true, Ipcomp: true}, acquire + ah},
	} {
		rest := events
		next := func() (klips.Event, error) {
			if len(rest) == 0 {
				return nil, io.EOF
			}
			event := rest[0]
			rest = rest[1:]
			return event, nil
		}
		var out bytes.Buffer
		err := test.command.print(&out, next, func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) })
		if err != io.EOF || out.String() != test.want {
			t.Errorf("%+v prints\n%s(%v), want\n%s", test.command, out.String(), err, test.want)
		}
	}
}
