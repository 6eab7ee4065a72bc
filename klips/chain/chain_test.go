package chain_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"syscall"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/klips/chain"
	"ipsec/klips/klipstest"
	"ipsec/klips/said"
)

var src, dst = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.9")

func bundle() klips.Bundle {
	return klips.Bundle{
		Src: src, Dst: dst, Tunnel: true, CPI: 7, Proto: said.ESP, SPI: 0x1001,
		Enc: "aes", EncKey: make([]byte, 16), Auth: "sha1-96", AuthKey: make([]byte, 20), ReplayWindow: 64, ESN: true,
		Encap:  klips.Encap{SrcPort: 4500, DstPort: 4501},
		Hard:   klips.Lifetime{AddTime: time.Hour},
		Inflow: []klips.Selector{{Src: netip.MustParsePrefix("10.2.0.0/16"), Dst: netip.MustParsePrefix("10.1.0.0/16")}},
	}
}

func TestSAs(t *testing.T) {
	id := func(proto said.Proto, spi uint32) said.SAID { return said.SAID{Dst: dst, SPI: spi, Proto: proto} }
	tun := klips.SA{ID: id(said.IPIP, 0x2000), Src: src, TunnelSrc: src, TunnelDst: dst}
	comp := klips.SA{ID: id(said.COMP, 7), Src: src, Comp: "deflate"}
	esp := klips.SA{ID: id(said.ESP, 0x1001), Src: src, Enc: "aes", EncKey: make([]byte, 16), Auth: "sha1-96", AuthKey: make([]byte, 20),
		ReplayWindow: 64, ESN: true, Encap: klips.Encap{SrcPort: 4500, DstPort: 4501}}
	ah := esp
	ah.ID.Proto, ah.Enc, ah.EncKey, ah.Encap = said.AH, "", nil, klips.Encap{}
	for _, tt := range []struct {
		name   string
		change func(*klips.Bundle)
		want   []klips.SA
	}{
		{"all", func(*klips.Bundle) {}, []klips.SA{tun, comp, esp}},
		{"transport", func(b *klips.Bundle) { b.Tunnel = false }, []klips.SA{comp, esp}},
		{"not compressed", func(b *klips.Bundle) { b.CPI = 0 }, []klips.SA{tun, esp}},
		{"alone", func(b *klips.Bundle) { b.Tunnel, b.CPI = false, 0 }, []klips.SA{esp}},
		{"AH", func(b *klips.Bundle) { b.Proto, b.Enc, b.EncKey = said.AH, "", nil }, []klips.SA{tun, comp, ah}},
	} {
		b := bundle()
		tt.change(&b)
		for i := range tt.want {
			tt.want[i].Hard, tt.want[i].Inflow = b.Hard, nil
		}
		tt.want[0].Inflow = b.Inflow
		if got := chain.SAs(b, 0x2000); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got\n%+v\nexpected\n%+v", tt.name, got, tt.want)
		}
	}
}

// TestInstall meets SPIs of manual keying and one that is taken.
func TestInstall(t *testing.T) {
	random := []byte{0, 0, 0x0f, 0xff, 0, 0, 0x20, 0, 0, 0, 0x20, 1, 0, 0, 0x20, 2, 0, 0, 0x20, 3}
	table := klipstest.New(klips.Settings{})
	taken := said.SAID{Dst: dst, SPI: 0x2001, Proto: said.IPIP}
	if err := table.AddSA(klips.SA{ID: taken, Src: src, TunnelSrc: src, TunnelDst: dst}); err != nil {
		t.Fatal(err)
	}
	in, out := bundle(), bundle()
	in.Src, in.Dst = dst, src
	ids, err := chain.Install(table, bytes.NewReader(random), in, out)
	want := "[[tun0x2002@192.0.2.1 comp0x7@192.0.2.1 esp0x1001@192.0.2.1] [tun0x2003@192.0.2.9 comp0x7@192.0.2.9 esp0x1001@192.0.2.9]]"
	if got := fmt.Sprint(ids); err != nil || got != want {
		t.Errorf("got %s, %v, expected %s", got, err, want)
	}
	for _, group := range ids {
		if sa, err := table.GetSA(group[2]); err != nil || !reflect.DeepEqual(sa.Group, group) {
			t.Errorf("group of %v: %v, %v", group[2], sa.Group, err)
		}
	}
	if ids, err := chain.Install(table, bytes.NewReader(make([]byte, 1)), in); err == nil || ids != nil {
		t.Errorf("without randomness: %v, %v", ids, err)
	}
	if ids, err := chain.Install(table, bytes.NewReader(bytes.Repeat([]byte{0x33}, 99)), in); !errors.Is(err, syscall.EEXIST) || ids != nil {
		t.Errorf("again: %v, %v", ids, err)
	}
}
