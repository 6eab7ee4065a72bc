package klipstest

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
)

// Exercise does to an empty table what can be done without interfaces, and returns
// what is to be seen of it, one line for each operation: values and errnos. Two tables
// that behave alike give the same lines. It leaves the table empty.
func Exercise(tb klips.Table) (seen []string) {
	see := func(what string, v any, err error) {
		var errno syscall.Errno
		errors.As(err, &errno)
		seen = append(seen, fmt.Sprintf("%s: %+v errno %d", what, v, errno))
	}
	id := func(proto said.Proto, spi uint32) said.SAID {
		return said.SAID{Dst: netip.AddrFrom4([4]byte{10, 0, 0, 2}), SPI: spi, Proto: proto}
	}
	flow := func(src, dst string) klips.Selector {
		return klips.Selector{Src: netip.MustParsePrefix(src), Dst: netip.MustParsePrefix(dst)}
	}
	// Counters, times and what is outbound are the table's own.
	read := func(sas []klips.SA, err error) ([]klips.SA, error) {
		for i := range sas {
			sas[i].Usage, sas[i].Outbound = klips.Usage{}, false
		}
		return sas, err
	}
	list := func(what string) {
		sas, err := read(tb.ListSAs())
		see(what, sas, err)
	}
	tun, esp := id(said.IPIP, 0x1001), id(said.ESP, 0x1002)
	in := flow("10.2.0.0/16", "10.1.0.0/16")
	out := klips.Eroute{Selector: flow("10.1.0.0/16", "10.2.0.0/16"), SAID: tun, Ident: [2]string{"@w", "@e"}}

	see("delete none", nil, tb.DelSA(tun))
	see("add tun", nil, tb.AddSA(klips.SA{ID: tun, TunnelSrc: netip.MustParseAddr("10.0.0.1"), TunnelDst: tun.Dst}))
	see("add esp", nil, tb.AddSA(klips.SA{ID: esp, Enc: "aes", EncKey: make([]byte, 16), Auth: "sha1-96", AuthKey: make([]byte, 20), ReplayWindow: 4096}))
	see("add again", nil, tb.AddSA(klips.SA{ID: esp, Enc: "aes", EncKey: make([]byte, 16), Auth: "sha1-96", AuthKey: make([]byte, 20)}))
	see("odd window", nil, tb.AddSA(klips.SA{ID: id(said.ESP, 3), Enc: "null", Auth: "sha1-96", AuthKey: make([]byte, 20), ReplayWindow: 5}))
	keyed := klips.SA{ID: esp, Enc: "aes", EncKey: make([]byte, 16), Auth: "sha1-96", AuthKey: make([]byte, 20)}
	see("check", nil, tb.CheckSA(keyed))
	keyed.EncKey = []byte("another key, 16B")
	see("check another key", nil, tb.CheckSA(keyed))
	keyed.EncKey, keyed.AuthKey[19] = make([]byte, 16), 1
	see("check another key to authenticate", nil, tb.CheckSA(keyed))
	see("check another algorithm", nil, tb.CheckSA(klips.SA{ID: esp, Enc: "aesgcm16", EncKey: make([]byte, 20)}))
	see("check none", nil, tb.CheckSA(klips.SA{ID: id(said.AH, 5), Auth: "sha1-96", AuthKey: make([]byte, 20)}))
	see("check what has no keys", nil, tb.CheckSA(klips.SA{ID: tun, TunnelSrc: netip.MustParseAddr("10.0.0.1"), TunnelDst: tun.Dst}))
	see("group in the wrong order", nil, tb.GroupSAs([]said.SAID{esp, tun}))
	see("group of one", nil, tb.GroupSAs([]said.SAID{esp}))
	see("group with none", nil, tb.GroupSAs([]said.SAID{tun, id(said.ESP, 5)}))
	see("group", nil, tb.GroupSAs([]said.SAID{tun, esp}))
	see("inflow", nil, tb.AddInflow(tun, in))
	see("inflow of none", nil, tb.AddInflow(id(said.ESP, 5), in))
	see("update", nil, tb.UpdateSA(klips.SA{ID: esp, Hard: klips.Lifetime{AddTime: time.Hour, Packets: 9}}))
	see("update none", nil, tb.UpdateSA(klips.SA{ID: id(said.ESP, 5)}))
	list("SAs")
	_, err := tb.GetSA(id(said.ESP, 5))
	see("get none", nil, err)
	see("no inflow", nil, tb.DelInflow(tun, in))
	see("no inflow again", nil, tb.DelInflow(tun, in))
	see("delete one of a group", nil, tb.DelSA(tun))
	list("the rest of it")
	spi, err := tb.GetSPI(said.ESP, netip.Addr{}, esp.Dst, 0x1002, 0x1003)
	see("spi", spi, err)
	_, err = tb.GetSPI(said.ESP, netip.Addr{}, esp.Dst, 0x1002, 0x1003)
	see("no spi", nil, err)
	_, err = tb.GetSPI(said.ESP, netip.Addr{}, esp.Dst, 0x1003, 0x1002)
	see("no range", nil, err)
	see("check larval", nil, tb.CheckSA(klips.SA{ID: id(said.ESP, 0x1003), Enc: "null", Auth: "md5-96", AuthKey: make([]byte, 16)}))
	see("fill larval", nil, tb.UpdateSA(klips.SA{ID: id(said.ESP, 0x1003), Enc: "null", Auth: "md5-96", AuthKey: make([]byte, 16)}))
	list("filled")

	whole := func(id said.SAID) klips.SA {
		sa := klips.SA{ID: id}
		switch id.Proto {
		case said.ESP:
			sa.Enc, sa.EncKey = "aesgcm16", make([]byte, 20)
		case said.IPIP:
			sa.TunnelSrc, sa.TunnelDst = netip.MustParseAddr("10.0.0.1"), id.Dst
		}
		return sa
	}
	spi, err = tb.GetSPI(said.ESP, netip.Addr{}, esp.Dst, 0x1010, 0x1010)
	see("spi of a group", spi, err)
	tun2, esp2, esp3 := whole(id(said.IPIP, 0x1011)), whole(id(said.ESP, 0x1010)), whole(id(said.ESP, 0x1012))
	see("groups with one that is there", nil, tb.AddGroups([]klips.SA{tun2, esp2}, []klips.SA{whole(esp)}))
	see("groups in the wrong order", nil, tb.AddGroups([]klips.SA{esp3}, []klips.SA{esp2, tun2}))
	see("groups with one twice", nil, tb.AddGroups([]klips.SA{tun2, esp3}, []klips.SA{esp3}))
	see("groups of none", nil, tb.AddGroups(nil))
	_, err = tb.GetSPI(said.ESP, netip.Addr{}, esp.Dst, 0x1010, 0x1010)
	see("spi of a group that was not set", nil, err)
	see("groups", nil, tb.AddGroups([]klips.SA{tun2, esp2}, []klips.SA{esp3}))
	list("groups")

	see("eroute", nil, tb.AddEroute(out))
	see("eroute again", nil, tb.AddEroute(out))
	see("eroute replaced", nil, tb.ReplaceEroute(klips.Eroute{Selector: out.Selector, SAID: said.Shunt(said.SPIHold)}))
	see("eroute %pass", nil, tb.ReplaceEroute(klips.Eroute{Selector: flow("::/0", "2001:db8::/32"), SAID: said.Shunt(said.SPIPass)}))
	es, err := tb.ListEroutes()
	see("eroutes", es, err)
	see("no eroute", nil, tb.DelEroute(out.Selector))
	see("no eroute again", nil, tb.DelEroute(out.Selector))

	set, err := tb.GetSettings()
	see("settings", set, err)
	see("debug", nil, tb.SetDebug([]string{"xform", "eroute"}))
	set, err = tb.GetSettings()
	see("settings", set, err)

	see("clear", nil, errors.Join(tb.ClearSAs(), tb.ClearEroutes()))
	list("no SAs")
	es, err = tb.ListEroutes()
	see("no eroutes", len(es), err)
	return seen
}
