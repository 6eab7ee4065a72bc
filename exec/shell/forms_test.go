package shell

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"

	"ipsec/exec"
	"ipsec/klips/said"
	"ipsec/plan"
)

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func id(s string) said.SAID {
	v, err := said.Parse(s)
	if err != nil {
		panic(err)
	}
	return v
}

var (
	tcp  = plan.Flow{Src: prefix("10.0.1.0/24"), Dst: prefix("10.0.2.0/24"), Proto: 6, SrcPort: 1024, DstPort: 80}
	icmp = plan.Flow{Src: prefix("10.0.1.0/24"), Dst: prefix("10.0.2.0/24"), Proto: 1}
	all6 = plan.Flow{Src: prefix("2001:db8:1::/48"), Dst: prefix("::/0")}
)

// forms is each op and the one line of shell that it is.
var forms = []struct {
	op   plan.Op
	want string
}{
	{plan.Log{Text: "Starting Openswan IPsec..."}, `ipsec _log 'Starting Openswan IPsec...'`},
	{plan.Log{Text: "it's $HOME", Priority: "local0.info", SyslogOnly: true}, `ipsec _log -p local0.info --syslog-only "it's \$HOME"`},
	{plan.Lock{Dir: "/var/run/pluto"}, `command exec 9< /var/run/pluto && flock -n 9 || :`},
	{plan.Save{Paths: []string{"/proc/sys/net/ipv4/ip_forward"}}, `ipsec _save /proc/sys/net/ipv4/ip_forward || :`},
	{plan.Restore{Paths: []string{"/proc/sys/net/ipv4/ip_forward", "/x"}}, `ipsec _restore /proc/sys/net/ipv4/ip_forward /x || :`},
	{plan.Keep{Path: "/run/pluto/ipsec.kept"}, `ipsec _keep /run/pluto/ipsec.kept || :`},
	{plan.Arm{Seconds: 120}, `ipsec _arm 120 || :`},
	{plan.Disarm{Login: "any"}, `ipsec _disarm any || :`},
	{plan.GoBack{}, `ipsec _goback || :`},
	{plan.Ping{Addr: addr("10.0.2.1"), Seconds: 10}, `ping -c 1 -w 10 10.0.2.1 || :`},
	{plan.Ping{Addr: addr("10.0.2.1"), From: addr("10.0.1.1"), Seconds: 10}, `ping -c 1 -w 10 -I 10.0.1.1 10.0.2.1 || :`},
	{plan.MakeDir{Path: "/run/a b"}, `mkdir '/run/a b' || :`},
	{plan.MakeDirs{Path: "/run/pluto"}, `mkdir -p /run/pluto || :`},
	{plan.RemoveDir{Path: "/run/pluto"}, `rmdir /run/pluto || :`},
	{plan.Remove{Paths: []string{"/run/a", "/run/b"}}, `rm -f /run/a /run/b || :`},
	{plan.Write{Path: "/proc/sys/net/ipv4/ip_forward", Text: "1"}, `printf '%s\n' 1 > /proc/sys/net/ipv4/ip_forward || :`},
	{plan.Write{Path: "/run/x", Text: ""}, `printf '%s\n' '' > /run/x || :`},
	{plan.Append{Path: "/run/ipsec.info", Text: "defaultrouteaddr=192.0.2.1"}, `printf '%s\n' 'defaultrouteaddr=192.0.2.1' >> /run/ipsec.info || :`},
	{plan.Touch{Path: "/var/lock/subsys/ipsec"}, `touch /var/lock/subsys/ipsec || :`},
	{plan.WritePID{Path: "/run/ipsec_setup.pid"}, `printf '%s\n' "$$" > /run/ipsec_setup.pid || :`},
	{plan.AddAddr{Link: "ipsec0", Prefix: prefix("192.0.2.1/32")}, `ip addr replace 192.0.2.1/32 dev ipsec0 || :`},
	{plan.DelAddr{Link: "ipsec0", Prefix: prefix("2001:db8::1/128")}, `ip addr del 2001:db8::1/128 dev ipsec0 || :`},
	{plan.SetMTU{Link: "ipsec0", MTU: 1400}, `ip link set dev ipsec0 mtu 1400 || :`},
	{plan.LinkUp{Link: "ipsec0"}, `ip link set dev ipsec0 up || :`},
	{plan.AddRoute{Dst: prefix("10.0.2.0/24"), Link: "ipsec0"}, `ip route replace 10.0.2.0/24 dev ipsec0 || :`},
	{plan.AddRoute{Dst: prefix("10.0.2.0/24"), Link: "ipsec0", Src: addr("10.0.1.1"), MTU: 1400, Metric: 5}, `ip route replace 10.0.2.0/24 dev ipsec0 src 10.0.1.1 mtu 1400 metric 5 || :`},
	{plan.DelRoute{Dst: prefix("2001:db8::/32"), Link: "ipsec0"}, `ip route del 2001:db8::/32 dev ipsec0 || :`},
	{plan.DelRoute{Dst: prefix("10.0.2.0/24"), Link: "ipsec0", Metric: 5}, `ip route del 10.0.2.0/24 dev ipsec0 metric 5 || :`},
	{plan.RPFilter{Value: "0", Links: []string{"eth0", "ipsec0"}}, `ipsec _rpfilter 0 eth0 ipsec0 || :`},
	{plan.Modprobe{Module: "tun"}, `modprobe tun || :`},
	{plan.Run{Words: "/etc/before; echo 'x'"}, `/bin/sh -c "/etc/before; echo 'x'" 9<&- || :`},
	{plan.StartKlips{}, `ipsec klips || :`},
	{plan.StartKlips{FragICMP: true, HideTOS: true, NoOffload: []string{"packet", "xdp"}, Debug: []string{"tunnel", "xmit"}}, `ipsec klips --fragicmp --hidetos --no-offload packet,xdp --debug tunnel,xmit || :`},
	{plan.StartPluto{Args: []string{"--secretsfile", "/etc/ipsec.secrets"}}, `ipsec pluto --secretsfile /etc/ipsec.secrets || :`},
	{plan.EndDaemon{Part: plan.Pluto}, `ipsec _end pluto || :`},
	{plan.Attach{Virtual: "ipsec0", Physical: "eth0", XDP: "auto"}, `ipsec tncfg --attach --virtual ipsec0 --physical eth0 --xdp auto || :`},
	{plan.Attach{Virtual: "ipsec0", Physical: "eth0", XDP: "off"}, `ipsec tncfg --attach --virtual ipsec0 --physical eth0 --xdp off || :`},
	{plan.Detach{Virtual: "ipsec0"}, `ipsec tncfg --detach --virtual ipsec0 || :`},
	{plan.ClearInterfaces{}, `ipsec tncfg --clear || :`},
	{plan.ClearEroutes{}, `ipsec eroute --clear || :`},
	{plan.ClearSAs{}, `ipsec spi --clear || :`},
	{plan.AddSA{SAID: id("esp0x200@192.1.2.45"), Src: addr("192.1.2.23"), Algorithm: "3des-md5-96", KeysOf: "east-west"},
		`ipsec spi --said esp0x200@192.1.2.45 --src 192.1.2.23 --esp 3des-md5-96 --keys-of east-west || :`},
	{plan.AddSA{SAID: id("ah0x200@2001:db8::2"), Src: addr("2001:db8::1"), Algorithm: "hmac-sha1-96", ReplayWindow: 64, KeysOf: "b"},
		`ipsec spi --said ah0x200@2001:db8::2 --src 2001:db8::1 --ah hmac-sha1-96 --replay_window 64 --keys-of b || :`},
	{plan.AddSA{SAID: id("esp0x200@192.1.2.45"), Src: addr("192.1.2.23"), Algorithm: "aes128gcm16", EncapSrc: 4500, EncapDst: 4501, KeysOf: "c"},
		`ipsec spi --said esp0x200@192.1.2.45 --src 192.1.2.23 --esp aes128gcm16 --encap 4500:4501 --keys-of c || :`},
	{plan.AddComp{SAID: id("comp0x2@192.1.2.45"), Src: addr("192.1.2.23")}, `ipsec spi --said comp0x2@192.1.2.45 --src 192.1.2.23 --comp deflate || :`},
	{plan.AddTunnel{SAID: id("tun0x200@192.1.2.45"), Src: addr("192.1.2.23"), Dst: addr("192.1.2.45")},
		`ipsec spi --said tun0x200@192.1.2.45 --ip4 --src 192.1.2.23 --dst 192.1.2.45 || :`},
	{plan.AddTunnel{SAID: id("tun0x200@2001:db8::2"), Src: addr("2001:db8::1"), Dst: addr("2001:db8::2")},
		`ipsec spi --said tun0x200@2001:db8::2 --ip6 --src 2001:db8::1 --dst 2001:db8::2 || :`},
	{plan.DelSA{SAID: id("esp0x200@192.1.2.45")}, `ipsec spi --del --said esp0x200@192.1.2.45 || :`},
	{plan.GroupSAs{SAIDs: []said.SAID{id("tun0x200@192.1.2.45"), id("esp0x200@192.1.2.45")}}, `ipsec spigrp tun0x200@192.1.2.45 esp0x200@192.1.2.45 || :`},
	{plan.AddEroute{Flow: icmp, SAID: id("tun0x200@192.1.2.45")},
		`ipsec eroute --replace --eraf inet --src 10.0.1.0/24 --dst 10.0.2.0/24 --transport-proto 1 --said tun0x200@192.1.2.45 || :`},
	{plan.AddEroute{Flow: all6, SAID: id("%trap")}, `ipsec eroute --replace --eraf inet6 --src 2001:db8:1::/48 --dst ::/0 --said %trap || :`},
	{plan.AddInflow{Flow: tcp, SAID: id("tun0x200@192.1.2.45")},
		`ipsec eroute --add --inbound --eraf inet --src 10.0.1.0/24 --dst 10.0.2.0/24 --transport-proto 6 --src-port 1024 --dst-port 80 --said tun0x200@192.1.2.45 || :`},
	{plan.DelEroute{Flow: tcp}, `ipsec eroute --del --eraf inet --src 10.0.1.0/24 --dst 10.0.2.0/24 --transport-proto 6 --src-port 1024 --dst-port 80 || :`},
	{plan.Updown{Command: "/etc/my updown", Env: []string{"PLUTO_VERB=up-client", "PLUTO_PEER_ID=C=DE, O=x", "PLUTO_MY_PORT="}},
		`PLUTO_VERB=up-client PLUTO_PEER_ID='C=DE, O=x' PLUTO_MY_PORT='' /bin/sh -c '/etc/my updown' 9<&- || :`},
	{plan.AddConn{Name: "east-west", Args: []string{"--host", "192.1.2.23", "--id", "@east"}}, `ipsec whack --name east-west --host 192.1.2.23 --id @east || :`},
	{plan.Listen{}, `ipsec whack --listen || :`},
	{plan.RouteConn{Name: "private#10.0.0.0/8"}, `ipsec whack --name 'private#10.0.0.0/8' --route || :`},
	{plan.Initiate{Name: "east-west"}, `ipsec whack --name east-west --initiate || :`},
	{plan.Whack{Args: []string{"--terminate", "--name", "east-west"}}, `ipsec whack --terminate --name east-west || :`},
	{plan.Initiate{Name: "east-west", Asynchronous: true}, `ipsec whack --name east-west --initiate --asynchronous || :`},
}

func TestForms(t *testing.T) {
	var shown []string
	for _, c := range forms {
		shown = append(shown, reflect.TypeOf(c.op).Name())
		got, err := Line(plan.Step{Op: c.op, OnFail: plan.OnFail{Kind: plan.FailIgnore}})
		if err != nil || got != c.want {
			t.Errorf("%#v is\n%s, %v; want\n%s", c.op, got, err, c.want)
		}
	}
	for _, zero := range exec.Zeros() {
		if name := reflect.TypeOf(zero).Name(); !slices.Contains(shown, name) {
			t.Errorf("the form of %s is not shown", name)
		}
	}
}

func TestNodeForms(t *testing.T) {
	touch := plan.Step{Op: plan.Touch{Path: "/b"}, OnFail: plan.OnFail{Kind: plan.FailStatus1}}
	for _, c := range []struct {
		node       plan.Node
		line, want string
	}{
		{plan.Exit{Status: 0}, "exit 0", "exit 0\n"},
		{plan.Exit{Status: 1, Reason: "it's over"}, "exit 1", "# it's over\nexit 1\n"},
		{plan.Exit{Status: plan.StatusRegister}, `exit "$status"`, "exit \"$status\"\n"},
		{plan.SetStatus{Reason: "r"}, "status=1", "# r\nstatus=1\n"},
		{touch, "touch /b || status=1", "touch /b || status=1\n"},
		{plan.Step{Op: plan.ClearSAs{}, OnFail: plan.OnFail{Kind: plan.FailUndo, Message: "...failed to start, it's over"}, Reason: "east.conf:3 x=1"},
			`ipsec spi --clear || undo "...failed to start, it's over"`,
			"# east.conf:3 x=1\nipsec spi --clear || undo \"...failed to start, it's over\"\n"},
		{plan.Step{Op: plan.ClearSAs{}, OnFail: plan.OnFail{Kind: plan.FailWarn, Message: "a b"}}, "ipsec spi --clear || ipsec _log 'a b'", "ipsec spi --clear || ipsec _log 'a b'\n"},
		{plan.Step{Op: plan.Log{Text: "a b"}, OnFail: plan.OnFail{Kind: plan.FailStatus1}}, "ipsec _log 'a b' || status=1", "ipsec _log 'a b' || status=1\n"},
		{plan.Try{Op: plan.Lock{Dir: "/run"}, Else: []plan.Node{touch, plan.Exit{Status: 1, Reason: "r"}}}, "command exec 9< /run && flock -n 9",
			"command exec 9< /run && flock -n 9 || {\n\ttouch /b || status=1\n\t# r\n\texit 1\n}\n"},
		{plan.If{Cond: plan.Exists{Path: "/a b"}, Then: []plan.Node{touch}}, "test -e '/a b'", "if test -e '/a b'; then\n\ttouch /b || status=1\nfi\n"},
		{plan.If{Cond: plan.Not{Cond: plan.Device{Path: "/dev/random"}}, Then: []plan.Node{touch}, Else: []plan.Node{
			plan.If{Cond: plan.Alive{Parts: []plan.Part{plan.Klips, plan.Pluto}}, Then: []plan.Node{touch}}}, Reason: "r"},
			"! test -c /dev/random",
			"# r\nif ! test -c /dev/random; then\n\ttouch /b || status=1\nelse\n\tif ipsec _alive klips pluto; then\n\t\ttouch /b || status=1\n\tfi\nfi\n"},
		{plan.If{Cond: plan.HasSA{SAIDs: []said.SAID{id("esp0x200@192.0.2.1"), id("tun0x200@192.0.2.1")}}, Then: []plan.Node{touch}}, "ipsec _has esp0x200@192.0.2.1 tun0x200@192.0.2.1",
			"if ipsec _has esp0x200@192.0.2.1 tun0x200@192.0.2.1; then\n\ttouch /b || status=1\nfi\n"},
		{plan.If{Cond: plan.Not{Cond: plan.HasEroute{Flow: plan.Flow{Src: prefix("10.0.1.0/24"), Dst: prefix("10.0.2.0/24"), Proto: 6, DstPort: 80}}}, Then: []plan.Node{touch}},
			"! ipsec _has --eraf inet --src 10.0.1.0/24 --dst 10.0.2.0/24 --transport-proto 6 --dst-port 80",
			"if ! ipsec _has --eraf inet --src 10.0.1.0/24 --dst 10.0.2.0/24 --transport-proto 6 --dst-port 80; then\n\ttouch /b || status=1\nfi\n"},
	} {
		if got, err := Line(c.node); err != nil || got != c.line {
			t.Errorf("line %s, %v; want %s", got, err, c.line)
		}
		stmts, err := Lower(c.node)
		if err != nil {
			t.Error(err)
			continue
		}
		var b strings.Builder
		if err := syntax.NewPrinter(syntax.SpaceRedirects(true)).Print(&b, &syntax.File{Stmts: stmts}); err != nil {
			t.Error(err)
		}
		if b.String() != c.want {
			t.Errorf("got\n%swant\n%s", b.String(), c.want)
		}
	}
}
