package proc

import (
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"ipsec/klips"
	"ipsec/klips/algorithm"
	"ipsec/klips/said"
)

var update = flag.Bool("update", false, "write what is printed to testdata")

func mustSAID(s string) said.SAID {
	id, err := said.Parse(s)
	if err != nil {
		panic(err)
	}
	return id
}

func flow(src, dst string) klips.Selector {
	return klips.Selector{Src: netip.MustParsePrefix(src), Dst: netip.MustParsePrefix(dst)}
}

var eroutes = []klips.Eroute{
	{Selector: flow("172.31.252.0/24", "0.0.0.0/0"), SAID: mustSAID("tun0x130@192.168.43.1"), Packets: 1867},
	{Selector: flow("3049:1::/64", "::/0"), SAID: mustSAID("tun0x130@3058:4::5"), Packets: 125},
	{Selector: flow("192.168.6.0/24", "192.168.7.0/24"), SAID: mustSAID("%pass"), Packets: 42},
	{
		Selector: klips.Selector{Src: netip.MustParsePrefix("10.0.0.1/32"), Dst: netip.MustParsePrefix("10.0.0.2/32"), Proto: 17, DstPort: 1701},
		SAID:     mustSAID("esp0x200@10.0.0.2"), Ident: [2]string{"10.0.0.1", "@east"},
	},
}

var now = time.Unix(1_000_000_000, 0)

var sas = []klips.SA{
	{
		ID: mustSAID("tun0x1001@192.1.2.23"), TunnelSrc: netip.MustParseAddr("192.1.2.45"), TunnelDst: netip.MustParseAddr("192.1.2.23"),
		Inflow: []klips.Selector{flow("192.0.1.0/24", "192.0.2.0/24"), flow("192.0.3.0/24", "192.0.2.0/24")},
		Group:  []said.SAID{mustSAID("tun0x1001@192.1.2.23"), mustSAID("esp0xab6836be@192.1.2.23")},
		Usage:  klips.Usage{Added: now.Add(-6 * time.Second)},
	},
	{
		ID: mustSAID("esp0xab6836be@192.1.2.23"), Src: netip.MustParseAddr("192.1.2.45"), Enc: "3des", Auth: "md5-96", ReplayWindow: 64,
		Group: []said.SAID{mustSAID("tun0x1001@192.1.2.23"), mustSAID("esp0xab6836be@192.1.2.23")},
		Soft:  klips.Lifetime{Bytes: 1000, AddTime: time.Hour},
		Hard:  klips.Lifetime{Allocations: 1, Bytes: 2000, AddTime: 2 * time.Hour, UseTime: time.Hour, Packets: 1 << 40},
		Encap: klips.Encap{SrcPort: 4500, DstPort: 1025},
		Usage: klips.Usage{
			Bytes: 840, Packets: 10, Seq: 12, Added: now.Add(-time.Minute), FirstUse: now.Add(-30 * time.Second), Last: now.Add(-2 * time.Second),
			ReplayErrors: 1, AuthErrors: 2, PolicyErrors: 3, OtherErrors: 4,
		},
	},
	{ID: mustSAID("esp0x1@3049::1"), Enc: "aesgcm16", ReplayWindow: 4096, ESN: true, Outbound: true, Usage: klips.Usage{Added: now.Add(time.Hour)}},
	{ID: mustSAID("ah0x1@192.1.2.45"), Auth: "sha1-96", Outbound: true},
	{ID: mustSAID("comp0x2@192.1.2.45"), Comp: "deflate", Outbound: true},
	{ID: mustSAID("esp0x300@192.1.2.45")},
}

func TestTables(t *testing.T) {
	file := "testdata/tables.txtar"
	print := func(f func(*strings.Builder) error) []byte {
		var b strings.Builder
		if err := f(&b); err != nil {
			t.Fatal(err)
		}
		return []byte(b.String())
	}
	got := &txtar.Archive{Files: []txtar.File{
		{Name: "ipsec_eroute", Data: print(func(b *strings.Builder) error { return Eroute(b, eroutes) })},
		{Name: "ipsec_spi", Data: print(func(b *strings.Builder) error { return SPI(b, sas, now) })},
		{Name: "ipsec_spigrp", Data: print(func(b *strings.Builder) error { return SPIGrp(b, sas) })},
		{Name: "ipsec_tncfg", Data: print(func(b *strings.Builder) error {
			return Tncfg(b, []klips.Attachment{{Virtual: "ipsec0", Physical: "eth0", MTU: 16260, PhysicalMTU: 1500}, {Virtual: "ipsec1"}})
		})},
		{Name: "drops", Data: print(func(b *strings.Builder) error {
			return Drops(b, []klips.Drop{{Reason: klips.DropNoEroute, Packets: 12}, {Reason: klips.DropReplay, Packets: 1}})
		})},
		{Name: "look", Data: print(func(b *strings.Builder) error {
			return Look(b, Tables{Eroutes: append(eroutes, klips.Eroute{Selector: flow("192.0.2.0/24", "192.0.1.0/24"), SAID: sas[0].ID}), SAs: sas[:2],
				Attachments: []klips.Attachment{{Virtual: "ipsec0", Physical: "eth0", MTU: 1400, PhysicalMTU: 1500}},
				Drops:       []klips.Drop{{Reason: klips.DropReplay, Packets: 1}}}, now)
		})},
		{Name: "ipsec_klipsdebug", Data: print(func(b *strings.Builder) error {
			return KlipsDebug(b, klips.Settings{Debug: []string{"tunnel-xmit", "pfkey"}})
		})},
	}}
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Files) != len(got.Files) {
		t.Fatalf("%s has %d files, not %d", file, len(want.Files), len(got.Files))
	}
	for i, f := range got.Files {
		if w := want.Files[i]; w.Name != f.Name || string(w.Data) != string(f.Data) {
			t.Errorf("%s is\n%s\nand %s in %s is\n%s", f.Name, f.Data, w.Name, file, w.Data)
		}
	}
}

func TestEmpty(t *testing.T) {
	var b strings.Builder
	for _, err := range []error{Eroute(&b, nil), SPI(&b, nil, now), SPIGrp(&b, nil), Tncfg(&b, nil), Drops(&b, nil)} {
		if err != nil {
			t.Error(err)
		}
	}
	if b.Len() != 0 {
		t.Errorf("of empty tables there is %q", b.String())
	}
	if err := KlipsDebug(&b, klips.Settings{Debug: []string{"all"}}); err != nil ||
		strings.Count(b.String(), "ffffffff") != len(klips.Topics().Names)-2 || !strings.Contains(b.String(), "debug_verbose=00000000.\n") {
		t.Errorf("all flags but tunnel-xmit, a part of tunnel, and verbose: %q, %v", b.String(), err)
	}
}

// TestNames has a name and a length for every algorithm that the transforms offer.
func TestNames(t *testing.T) {
	for _, c := range algorithm.Ciphers() {
		if encNames[c.Name] == "" {
			t.Errorf("%s has no name", c.Name)
		}
	}
	for _, a := range algorithm.Auths() {
		if authNames[a.Name] == "" || authBits[a.Name] != 8*a.Key {
			t.Errorf("%s has the name %q and %d bits", a.Name, authNames[a.Name], authBits[a.Name])
		}
	}
}
