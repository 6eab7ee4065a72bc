package native

import (
	"errors"
	"net/netip"
	"reflect"
	"syscall"
	"testing"

	"ipsec/klips"
	"ipsec/klips/offload"
	"ipsec/klips/process"
	"ipsec/klips/said"
	"ipsec/plan"
)

var (
	east, west = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	flow       = plan.Flow{Src: netip.MustParsePrefix("10.0.1.0/24"), Dst: netip.MustParsePrefix("10.0.2.0/24"), Proto: 6, SrcPort: 1, DstPort: 2}
)

func id(proto said.Proto, spi uint32) said.SAID { return said.SAID{Dst: west, SPI: spi, Proto: proto} }

func TestTables(t *testing.T) {
	b := newBench(t, "")
	works(t, b.AddTunnel(t.Context(), plan.AddTunnel{SAID: id(said.IPIP, 0x200), Src: east, Dst: west}))
	works(t, b.AddComp(t.Context(), plan.AddComp{SAID: id(said.COMP, 0x200), Src: east}))
	works(t, b.GroupSAs(t.Context(), plan.GroupSAs{SAIDs: []said.SAID{id(said.IPIP, 0x200), id(said.COMP, 0x200)}}))
	works(t, b.AddInflow(t.Context(), plan.AddInflow{SAID: id(said.IPIP, 0x200), Flow: flow}))
	works(t, b.AddEroute(t.Context(), plan.AddEroute{Flow: flow, SAID: said.Shunt(said.SPIDrop)}))
	works(t, b.AddEroute(t.Context(), plan.AddEroute{Flow: flow, SAID: id(said.IPIP, 0x200)}))

	tun, err := b.klips.GetSA(id(said.IPIP, 0x200))
	works(t, err)
	if tun.Src != east || tun.TunnelSrc != east || tun.TunnelDst != west || len(tun.Group) != 2 || len(tun.Inflow) != 1 {
		t.Errorf("%+v", tun)
	}
	comp, err := b.klips.GetSA(id(said.COMP, 0x200))
	works(t, err)
	if comp.Src != east || comp.Comp != "deflate" {
		t.Errorf("%+v", comp)
	}
	eroutes, err := b.klips.ListEroutes()
	works(t, err)
	want := klips.Selector{Src: flow.Src, Dst: flow.Dst, Proto: 6, SrcPort: 1, DstPort: 2}
	if len(eroutes) != 1 || eroutes[0].Selector != want || eroutes[0].SAID != id(said.IPIP, 0x200) {
		t.Errorf("%+v", eroutes)
	}
	other := flow
	other.DstPort = 3
	for _, c := range []struct {
		cond plan.Cond
		want bool
	}{
		{plan.HasSA{SAIDs: []said.SAID{id(said.ESP, 0x200), id(said.COMP, 0x200)}}, true},
		{plan.HasSA{SAIDs: []said.SAID{id(said.ESP, 0x200), id(said.COMP, 0x201)}}, false},
		{plan.HasEroute{Flow: flow}, true},
		{plan.HasEroute{Flow: other}, false},
	} {
		if got, err := b.Holds(c.cond); got != c.want || err != nil {
			t.Errorf("Holds(%+v) = %v, %v; want %v", c.cond, got, err, c.want)
		}
	}
	works(t, b.DelEroute(t.Context(), plan.DelEroute{Flow: flow}))
	fails(t, b.DelEroute(t.Context(), plan.DelEroute{Flow: flow}), "no eroute")
	works(t, b.DelSA(t.Context(), plan.DelSA{SAID: id(said.COMP, 0x200)}))
	fails(t, b.DelSA(t.Context(), plan.DelSA{SAID: id(said.COMP, 0x200)}), "comp0x200@192.0.2.2")

	works(t, b.AddEroute(t.Context(), plan.AddEroute{Flow: flow, SAID: said.Shunt(said.SPIDrop)}))
	works(t, b.ClearEroutes(t.Context(), plan.ClearEroutes{}))
	works(t, b.ClearSAs(t.Context(), plan.ClearSAs{}))
	eroutes, _ = b.klips.ListEroutes()
	sas, _ := b.klips.ListSAs()
	if len(eroutes)+len(sas) != 0 {
		t.Errorf("left: %v %v", eroutes, sas)
	}
}

// Interfaces are KLIPS's to take away while it lives.
func TestAttachments(t *testing.T) {
	b := newBench(t, "")
	lock, err := process.Hold(b.paths.KlipsPID())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if alive, err := b.Holds(plan.Alive{Parts: []plan.Part{plan.Pluto, plan.Klips}}); !alive || err != nil {
		t.Fatalf("alive: %v, %v", alive, err)
	}
	attached := func() int {
		list, err := b.klips.ListAttachments()
		works(t, err)
		return len(list)
	}
	works(t, b.Attach(t.Context(), plan.Attach{Virtual: "ipsec8", Physical: "eth0", XDP: "auto"}))
	works(t, b.Attach(t.Context(), plan.Attach{Virtual: "ipsec9", Physical: "eth1", XDP: "auto"}))
	works(t, b.Detach(t.Context(), plan.Detach{Virtual: "ipsec8"}))
	works(t, b.Attach(t.Context(), plan.Attach{Virtual: "ipsec9", Physical: "eth1", XDP: "off"})) // which only changes it
	if list, err := b.klips.ListAttachments(); err != nil || len(list) != 1 || list[0].XDP != offload.Off {
		t.Errorf("attached: %+v, %v", list, err)
	}
	b.klips.Fault = func(method string) error {
		if method == "Detach" {
			return syscall.EIO
		}
		return nil
	}
	if err := b.Detach(t.Context(), plan.Detach{Virtual: "ipsec9"}); !errors.Is(err, syscall.EIO) {
		t.Errorf("detach: %v", err)
	}
	works(t, b.ClearInterfaces(t.Context(), plan.ClearInterfaces{}))
	if n := attached(); n != 0 {
		t.Errorf("%d attached", n)
	}
}

// With KLIPS dead, each op says so.
func TestNoKlips(t *testing.T) {
	b := newBench(t, "")
	e := New(Env{Paths: b.paths})
	defer e.Close()
	for _, err := range []error{
		e.Attach(t.Context(), plan.Attach{Virtual: "ipsec0", Physical: "eth0", XDP: "auto"}), e.ClearSAs(t.Context(), plan.ClearSAs{}), e.ClearEroutes(t.Context(), plan.ClearEroutes{}),
		e.AddComp(t.Context(), plan.AddComp{SAID: id(said.COMP, 0x200), Src: east}), e.DelEroute(t.Context(), plan.DelEroute{Flow: flow}),
	} {
		fails(t, err, "KLIPS is not running", b.paths.KlipsCtl())
	}
}

// closing is a Table that knows whether it is closed.
type closing struct {
	klips.Table
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }

// One connection serves many ops, until KLIPS ends or the Executor is closed.
func TestConnection(t *testing.T) {
	b := newBench(t, "")
	table := &closing{Table: b.klips}
	dialled := 0
	e := New(Env{Paths: b.paths, Dial: func() (klips.Table, error) { dialled++; return table, nil }})
	works(t, e.ClearSAs(t.Context(), plan.ClearSAs{}))
	works(t, e.ClearEroutes(t.Context(), plan.ClearEroutes{}))
	if dialled != 1 || table.closed != 0 {
		t.Errorf("dialled %d, closed %d", dialled, table.closed)
	}
	works(t, e.EndDaemon(t.Context(), plan.EndDaemon{Part: plan.Klips}))
	works(t, e.ClearSAs(t.Context(), plan.ClearSAs{}))
	if dialled != 2 || table.closed != 1 {
		t.Errorf("dialled %d, closed %d", dialled, table.closed)
	}
	works(t, e.Close())
	works(t, e.Close())
	if table.closed != 2 {
		t.Errorf("closed %d", table.closed)
	}
}

// capture keeps the SAs that are set, with their keys.
type capture struct {
	klips.Table
	sas []klips.SA
}

func (c *capture) AddSA(sa klips.SA) error { c.sas = append(c.sas, sa); return nil }

func newCapture(t *testing.T, text string) (bench, *capture) {
	b := newBench(t, text)
	c := &capture{}
	b.env.Dial = func() (klips.Table, error) { return c, nil }
	return b, c
}

func TestAddSA(t *testing.T) {
	key := func(n int, b byte) []byte {
		k := make([]byte, n)
		for i := range k {
			k[i] = b
		}
		return k
	}
	const head = "config setup\n\tinterfaces=%none\nconn net\n\tright=192.0.2.2\n\tauto=manual\n\tspi=0x200\n"
	const left = "\tleft=192.0.2.1\n"
	k := func(digit string, n int) string {
		text := "0x"
		for range 2 * n {
			text += digit
		}
		return text
	}
	toWest := id(said.ESP, 0x200)
	toEast := said.SAID{Dst: east, SPI: 0x200, Proto: said.ESP}
	for _, c := range []struct {
		name, conf string
		op         plan.AddSA
		want       klips.SA
	}{
		{
			"one key for both ways", left + "\tesp=3des-md5-96\n\tespenckey=" + k("1", 24) + "\n\tespauthkey=" + k("2", 16) + "\n",
			plan.AddSA{SAID: toWest, Src: east, Algorithm: "3des-md5-96", ReplayWindow: 64},
			klips.SA{ID: toWest, Src: east, Enc: "3des", EncKey: key(24, 0x11), Auth: "md5-96", AuthKey: key(16, 0x22), ReplayWindow: 64},
		},
		{
			"the key towards right", left + "\tesp=aes128-sha1\n\tleftespenckey=" + k("1", 16) + "\n\trightespenckey=" + k("3", 16) + "\n\tespauthkey=" + k("2", 20) + "\n",
			plan.AddSA{SAID: toWest, Src: east, Algorithm: "aes128-sha1"},
			klips.SA{ID: toWest, Src: east, Enc: "aes", EncKey: key(16, 0x33), Auth: "sha1-96", AuthKey: key(20, 0x22)},
		},
		{
			"the key towards left", left + "\tesp=aes128-sha1\n\tleftespenckey=" + k("1", 16) + "\n\trightespenckey=" + k("3", 16) + "\n\tespauthkey=" + k("2", 20) + "\n",
			plan.AddSA{SAID: toEast, Src: west, Algorithm: "aes128-sha1"},
			klips.SA{ID: toEast, Src: west, Enc: "aes", EncKey: key(16, 0x11), Auth: "sha1-96", AuthKey: key(20, 0x22)},
		},
		{
			"an address that the plan knows", "\tleft=%defaultroute\n\tesp=aes128-sha1\n\tleftespenckey=" + k("1", 16) + "\n\trightespenckey=" + k("3", 16) + "\n\tespauthkey=" + k("2", 20) + "\n",
			plan.AddSA{SAID: toEast, Src: west, Algorithm: "aes128-sha1"},
			klips.SA{ID: toEast, Src: west, Enc: "aes", EncKey: key(16, 0x11), Auth: "sha1-96", AuthKey: key(20, 0x22)},
		},
		{
			"an AEAD in UDP", left + "\tesp=aes128gcm16\n\tespenckey=" + k("1", 20) + "\n",
			plan.AddSA{SAID: toWest, Src: east, Algorithm: "aes128gcm16", EncapSrc: 4500, EncapDst: 4500},
			klips.SA{ID: toWest, Src: east, Enc: "aesgcm16", EncKey: key(20, 0x11), Encap: klips.Encap{SrcPort: 4500, DstPort: 4500}},
		},
		{
			"null", left + "\tesp=null-sha1\n\tespauthkey=" + k("2", 20) + "\n",
			plan.AddSA{SAID: toWest, Src: east, Algorithm: "null-sha1"},
			klips.SA{ID: toWest, Src: east, Enc: "null", Auth: "sha1-96", AuthKey: key(20, 0x22)},
		},
		{
			"AH", left + "\tah=hmac-md5-96\n\tahkey=" + k("4", 16) + "\n",
			plan.AddSA{SAID: id(said.AH, 0x200), Src: east, Algorithm: "hmac-md5-96"},
			klips.SA{ID: id(said.AH, 0x200), Src: east, Auth: "md5-96", AuthKey: key(16, 0x44)},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, captured := newCapture(t, head+c.conf)
			c.op.KeysOf = "net"
			works(t, b.AddSA(t.Context(), c.op))
			if len(captured.sas) != 1 || !reflect.DeepEqual(captured.sas[0], c.want) {
				t.Errorf("got %+v, want %+v", captured.sas, c.want)
			}
		})
	}
}
