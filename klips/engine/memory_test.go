package engine

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"testing"

	"ipsec/klips"
	"ipsec/klips/said"
)

// TestMemory counts what a further tunnel takes: the SAs of both directions, four
// with those of IP in IP, each of ESP with a replay window, and an eroute. Two
// fifths of it are the expanded keys of AES-GCM.
func TestMemory(t *testing.T) {
	const count, most = 2000, 4000
	e := New(Options{System: quiet{}, Now: (&clock{}).Now})
	defer e.Close()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	here := addr("192.1.2.45")
	before := heap()
	for i := range uint32(count) {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], 0x0a000000+i<<2)
		there := netip.AddrFrom4(b)
		net := netip.PrefixFrom(there, 30)
		for _, way := range [][2]netip.Addr{{here, there}, {there, here}} {
			esp := klips.SA{ID: said.SAID{Dst: way[1], SPI: 0x1000 + i, Proto: said.ESP}, Src: way[0], Enc: "aesgcm16", EncKey: key(20, byte(i)), ReplayWindow: 1024}
			tunnel := klips.SA{ID: said.SAID{Dst: way[1], SPI: 0x1000 + i, Proto: said.IPIP}, TunnelSrc: way[0], TunnelDst: way[1]}
			if way[1] == here {
				tunnel.Inflow = []klips.Selector{{Src: net, Dst: prefix("10.1.0.0/16")}}
			}
			for _, err := range []error{e.AddSA(tunnel), e.AddSA(esp), e.GroupSAs([]said.SAID{tunnel.ID, esp.ID})} {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		id := said.SAID{Dst: there, SPI: 0x1000 + i, Proto: said.IPIP}
		if err := e.AddEroute(klips.Eroute{Selector: klips.Selector{Src: prefix("10.1.0.0/16"), Dst: net}, SAID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if each := (heap() - before) / count; each > most {
		t.Errorf("%d bytes for each tunnel, want %d at most", each, most)
	} else {
		t.Logf("%d bytes for each tunnel", each)
	}
	runtime.KeepAlive(e)
}
