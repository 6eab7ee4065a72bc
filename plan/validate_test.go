package plan

import (
	"net/netip"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/klips/said"
)

func ignoring(op Op) Node { return Step{Op: op, OnFail: OnFail{Kind: FailIgnore}} }

func nested(depth int) []Node {
	nodes := []Node{ignoring(Listen{})}
	for range depth - 1 {
		nodes = []Node{If{Cond: Exists{"/x"}, Then: nodes}}
	}
	return nodes
}

func TestValidateNode(t *testing.T) {
	a4, a6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	p4, p6 := netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("2001:db8::/32")
	loose := netip.MustParsePrefix("10.0.0.1/24")
	mapped := netip.MustParsePrefix("::ffff:10.0.0.0/120")
	esp := said.SAID{Dst: a4, SPI: 256, Proto: said.ESP}
	tun := said.SAID{Dst: a4, SPI: 256, Proto: said.IPIP}
	body := []Node{ignoring(Listen{})}
	for _, c := range []struct {
		node Node
		want string // "": valid
	}{
		{ignoring(Listen{}), ""},
		{nil, "it is not a node"},
		{Step{}, "malformed Step: it is not an op"},
		{Step{Op: Listen{}}, "malformed Listen: it has no failure policy"},
		{Step{Op: Listen{}, OnFail: OnFail{Kind: FailIgnore + 1}}, "no failure policy"},
		{Step{Op: Listen{}, OnFail: OnFail{Kind: FailUndo}}, "no message"},
		{Step{Op: Listen{}, OnFail: OnFail{Kind: FailWarn, Message: "-x"}}, "begins with"},
		{Step{Op: Listen{}, OnFail: OnFail{Kind: FailStatus1, Message: "x"}}, "says nothing"},
		{SetStatus{}, ""},
		{SetStatus{Reason: "a\nb"}, `malformed SetStatus: malformed reason "a\nb"`},
		{Step{Op: Listen{}, OnFail: OnFail{Kind: FailIgnore}, Reason: "a\tb"}, ""},
		{Step{Op: Listen{}, OnFail: OnFail{Kind: FailIgnore}, Reason: "a\nb"}, `malformed reason "a\nb"`},

		{If{Cond: Exists{"/x"}, Then: body}, ""},
		{If{Cond: Not{Alive{[]Part{Klips, Pluto, Interfaces}}}, Then: body, Else: body}, ""},
		{If{Cond: Exists{"/x"}}, "nothing to do"},
		{If{Cond: Exists{"/x"}, Then: body, Else: []Node{}}, "empty but not nil"},
		{If{Then: body}, "not a condition"},
		{If{Cond: Exists{"x"}, Then: body}, "absolute"},
		{If{Cond: Device{}, Then: body}, "no path"},
		{If{Cond: Alive{}, Then: body}, "no parts"},
		{If{Cond: HasSA{}, Then: body}, "no SAs"},
		{If{Cond: HasEroute{}, Then: body}, "malformed"},
		{If{Cond: Alive{[]Part{"x"}}, Then: body}, `malformed part "x"`},
		{If{Cond: Not{}, Then: body}, "not a condition"},
		{If{Cond: Not{Not{Exists{"/x"}}}, Then: body}, "a Not within a Not"},
		{If{Cond: Exists{"/x"}, Then: []Node{Step{}}}, "malformed If: malformed Step"},
		{Try{Op: Listen{}, Else: body}, ""},
		{Try{Op: Listen{}}, "nothing to do when it fails"},
		{Try{Else: body}, "not an op"},
		{ignoring(StartKlips{NoOffload: []string{"xdp", "tso"}}), ""},
		{ignoring(StartKlips{NoOffload: []string{"xdp,tso"}}), `malformed way "xdp,tso"`}, // which would be read back as two
		{ignoring(StartKlips{NoOffload: []string{}}), "empty but not nil"},
		{ignoring(Attach{Virtual: "ipsec0", Physical: "eth0", XDP: "on"}), ""},
		{ignoring(Attach{Virtual: "ipsec0", Physical: "eth0"}), "none of auto, on and off"},
		{Exit{Status: StatusRegister}, ""},
		{Exit{Status: 2}, "status is 2"},
		{Exit{Status: -2}, "status is -2"},
		{nested(MaxDepth)[0], ""},
		{nested(MaxDepth + 1)[0], "deep"},

		{ignoring(Log{Text: "a"}), ""},
		{ignoring(Log{Text: "a", Priority: "daemon"}), "daemon.error"},
		{ignoring(Log{Text: "a", Priority: "a.b c"}), "daemon.error"},
		{ignoring(Log{Text: "+a"}), "like an option"},
		{ignoring(Log{Text: "a\x00"}), "byte 2"},
		{ignoring(Log{Text: "a\x1b[2J"}), "byte 2"},
		{ignoring(Log{Text: "a\u202eb"}), "byte 2"},
		{ignoring(Log{Text: "a\xff"}), "byte 2"},
		{ignoring(Log{Text: "a\u00a0"}), "byte 2"},
		{ignoring(Log{Text: "ü€ …"}), ""},
		{ignoring(Save{}), "no paths"},
		{ignoring(Save{Paths: []string{"/x", ""}}), "no path"},
		{ignoring(Remove{Paths: []string{"-rf"}}), "like an option"},
		{ignoring(Write{Path: "/x"}), ""},
		{ignoring(Write{Path: "/x", Text: "a\tb"}), "byte 2"},
		{ignoring(AddAddr{Link: "ipsec0", Prefix: loose}), ""},
		{ignoring(AddAddr{Link: "ipsec0", Prefix: mapped}), "IPv4 address within IPv6"},
		{ignoring(AddAddr{Link: "sixteen-letters-", Prefix: loose}), "no name of a network interface"},
		{ignoring(AddAddr{Link: "../x", Prefix: loose}), "no name of a network interface"},
		{ignoring(SetMTU{Link: "ipsec0"}), "MTU 0"},
		{ignoring(AddRoute{Dst: p4, Link: "ipsec0"}), ""},
		{ignoring(AddRoute{Dst: p4, Link: "ipsec0", Src: a6}), "another family"},
		{ignoring(AddRoute{Dst: p6, Link: "ipsec0", Src: a6.WithZone("eth0")}), "plain"},
		{ignoring(AddRoute{Dst: loose, Link: "ipsec0"}), "beyond its length"},
		{ignoring(AddRoute{Dst: p4, Link: "ipsec0", Metric: -1}), "metric -1"},
		{ignoring(DelRoute{Dst: p4, Link: "ipsec0", Metric: 1 << 32}), "metric 4294967296"},
		{ignoring(RPFilter{Value: "3", Links: []string{"a"}}), "none of 0, 1 and 2"},
		{ignoring(RPFilter{Value: "0"}), "no links"},
		{ignoring(StartKlips{Debug: []string{"a,b"}}), "there is a ,"},
		{ignoring(StartKlips{Debug: []string{}}), "empty but not nil"},
		{ignoring(StartPluto{Args: []string{"--x", ""}}), ""},
		{ignoring(StartPluto{Args: []string{"\n"}}), "byte 1"},
		{ignoring(EndDaemon{Part: Interfaces}), "neither klips nor pluto"},
		{ignoring(AddSA{SAID: esp, Src: a4, Algorithm: "x", KeysOf: "c"}), ""},
		{ignoring(AddSA{SAID: tun, Src: a4, Algorithm: "x", KeysOf: "c"}), "another protocol"},
		{ignoring(AddSA{SAID: esp, Src: a6, Algorithm: "x", KeysOf: "c"}), "another family"},
		{ignoring(AddSA{SAID: esp, Src: a4, Algorithm: "x", KeysOf: "c", EncapSrc: 4500}), "UDP ports"},
		{ignoring(AddSA{SAID: esp, Src: a4, KeysOf: "c"}), "no algorithm"},
		{ignoring(AddTunnel{SAID: tun, Src: a4, Dst: a6}), "another family"},
		{ignoring(DelSA{SAID: said.SAID{Dst: a4, SPI: 1, Proto: 17}}), "no protocol"},
		{ignoring(DelSA{SAID: said.SAID{SPI: 1, Proto: said.ESP}}), "no destination"},
		{ignoring(DelSA{SAID: said.SAID{Dst: netip.IPv6Unspecified(), SPI: 256, Proto: said.INT}}), "0.0.0.0"},
		{ignoring(AddEroute{Flow: Flow{Src: p4, Dst: p4}, SAID: said.Shunt(said.SPIPass)}), ""},
		{ignoring(AddEroute{Flow: Flow{Src: p4, Dst: p6}, SAID: tun}), "another family"},
		{ignoring(AddEroute{Flow: Flow{Src: p4, Dst: p4, DstPort: 80}, SAID: tun}), "a port without a protocol"},
		{ignoring(DelEroute{}), "no source"},
		{ignoring(Updown{Command: "x", Env: []string{"PLUTO_VERB=a b"}}), ""},
		{ignoring(Updown{Command: "x"}), "no variables"},
		{ignoring(Updown{Command: "x", Env: []string{"LD_PRELOAD=/x"}}), "PLUTO_VERB"},
		{ignoring(Updown{Command: "x", Env: []string{"PLUTO_X"}}), "PLUTO_VERB"},
		{ignoring(Updown{Command: "x", Env: []string{"PLUTO_X;y=1"}}), "PLUTO_VERB"},
		{ignoring(AddConn{Name: "c"}), "no arguments"},
		{ignoring(AddConn{Name: "c", Args: []string{"--initiate"}}), "another step"},
		{ignoring(AddConn{Name: "-c", Args: []string{"--host"}}), "like an option"},
		{ignoring(RouteConn{}), "no connection"},
	} {
		err := Validate(c.node)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%+v: %v", c.node, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%+v: %v; want an error that says %q", c.node, err, c.want)
		}
	}
}

func TestValidatePlan(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*Plan)
		want   string
	}{
		{"nothing", func(*Plan) {}, ""},
		{"verb", func(p *Plan) { p.Verb = "status" }, `malformed verb "status"`},
		{"relative path", func(p *Plan) { p.Paths.Run = "run" }, "run folder"},
		{"no path", func(p *Plan) { p.Paths = conf.Paths{} }, "no binary folder"},
		{"colon", func(p *Plan) { p.Paths.Bin = "/a:/b" }, "there is a :"},
		{"digest", func(p *Plan) { p.Digest = "a b" }, "digest"},
		{"syslog", func(p *Plan) { p.Syslog = "" }, "syslog priority"},
		{"no nodes", func(p *Plan) { p.Nodes = nil }, "no nodes"},
		{"no exit", func(p *Plan) { p.Nodes = p.Nodes[:1] }, "not an Exit"},
		{"bad node", func(p *Plan) { p.Nodes = []Node{Step{}, Exit{}} }, "malformed Step"},
		{"bad undo", func(p *Plan) { p.Undo = []Node{Step{}} }, "malformed Step"},
		{"exit in undo", func(p *Plan) { p.Undo = []Node{If{Cond: Exists{"/x"}, Then: []Node{Exit{}}}} }, "no Exit of its own"},
		{"undo in undo", func(p *Plan) { p.Undo = []Node{Step{Op: Listen{}, OnFail: OnFail{FailUndo, "x"}}} }, "not undone itself"},
		{"empty undo", func(p *Plan) { p.Undo = []Node{} }, "empty but not nil"},
	} {
		p := Plan{Verb: Start, Paths: conf.DefaultPaths(), Syslog: "daemon.error", Nodes: []Node{ignoring(Listen{}), Exit{}}}
		c.change(&p)
		err := p.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v; want %q", c.what, err, c.want)
		}
	}
}
