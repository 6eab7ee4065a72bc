package pfkey

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/klips/offload"
	"ipsec/klips/said"
)

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

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func through(t *testing.T, m *Message, err error) *Message {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	b, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if len(b)%8 != 0 || len(b) != 8*int(host.Uint16(b[4:])) {
		t.Fatalf("a message of %d bytes claims %d words", len(b), host.Uint16(b[4:]))
	}
	m, err = Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b) // the message shares nothing with it
	return m
}

var sas = []klips.SA{
	{ID: mustSAID("esp0x200@192.1.2.45")},
	{
		ID: mustSAID("esp0x200@192.1.2.45"), Src: addr("192.1.2.23"), Enc: "3des", EncKey: bytes.Repeat([]byte{7}, 24),
		Auth: "md5-96", AuthKey: bytes.Repeat([]byte{9}, 16), ReplayWindow: 64, Encap: klips.Encap{SrcPort: 4500, DstPort: 1024},
		Soft: klips.Lifetime{Allocations: 1, Bytes: 1 << 40, Packets: 3, AddTime: time.Hour, UseTime: time.Minute},
		Hard: klips.Lifetime{AddTime: 8 * time.Hour},
	},
	{ID: mustSAID("esp0x1000@2001:db8::2"), Enc: "aesgcm16", EncKey: make([]byte, 36), ReplayWindow: 4096, ESN: true},
	{ID: mustSAID("ah0x300@10.0.0.1"), Auth: "sha2_256-96", AuthKey: make([]byte, 32), ESN: true},
	{ID: mustSAID("comp0x2@10.0.0.1"), Comp: "deflate"},
	{
		ID: mustSAID("tun0x1001@10.0.0.1"), Src: addr("10.0.0.2"), TunnelSrc: addr("10.0.0.2"), TunnelDst: addr("10.0.0.1"),
		Inflow: []klips.Selector{
			flow("10.1.0.0/16", "0.0.0.0/0"),
			{Src: netip.MustParsePrefix("2001:db8::/32"), Dst: netip.MustParsePrefix("::/0"), Proto: 17, SrcPort: 500, DstPort: 1701},
		},
		Outbound: true,
		Group:    []said.SAID{mustSAID("tun0x1001@10.0.0.1"), mustSAID("esp0x1001@2001:db8::1")},
		Usage: klips.Usage{
			Bytes: 1 << 50, Packets: 12, Added: time.Unix(1e9, 0), FirstUse: time.Unix(1e9+1, 0), Last: time.Unix(1e9+2, 0),
			Seq: 1 << 40, ReplayErrors: 1, AuthErrors: 2, PolicyErrors: 3, OtherErrors: 4,
		},
	},
}

func TestGroups(t *testing.T) {
	want := [][]klips.SA{{sas[5], sas[2]}, {sas[0]}, {sas[3], sas[4]}}
	m, err := FromGroups(want)
	m = through(t, m, err)
	if got, err := m.Groups(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("groups %+v are read as %+v, %v", want, got, err)
	}
	inner := &Message{Type: Add, Exts: []Ext{Groups{[]*Message{{Type: Add}}}}}
	for name, member := range map[string]*Message{"of another type": {Type: Delete}, "of groups": inner} {
		b, err := Encode(&Message{Type: AddGroups, Exts: []Ext{Groups{[]*Message{member}}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(b); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("a group %s: %v", name, err)
		}
	}
}

func TestSA(t *testing.T) {
	for _, sa := range sas {
		t.Run(sa.ID.String(), func(t *testing.T) {
			m, err := FromSA(Add, sa)
			got, err := through(t, m, err).SA()
			if err != nil || !reflect.DeepEqual(got, sa) {
				t.Errorf("SA becomes\n%+v, %v, and was\n%+v", got, err, sa)
			}
		})
	}
}

func TestSARefused(t *testing.T) {
	id := mustSAID("esp0x200@192.1.2.45")
	many := make([]klips.Selector, MaxFlows+1)
	for i := range many {
		many[i] = flow("10.0.0.0/8", "10.0.0.0/8")
	}
	for why, sa := range map[string]klips.SA{
		"malformed SAID":     {},
		"unknown algorithm":  {ID: id, Enc: "rot13"},
		"both encrypts":      {ID: id, Enc: "aes", Comp: "deflate"},
		"not of its":         {ID: id, Comp: "deflate"},
		"a key of 257 bytes": {ID: id, Enc: "aes", EncKey: make([]byte, 257)},
		"window of -1":       {ID: id, ReplayWindow: -1},
		"malformed flow":     {ID: id, Inflow: []klips.Selector{{}}},
		"malformed address":  {ID: id, Src: addr("fe80::1%eth0")},
		"flows come out":     {ID: id, Inflow: many},
	} {
		m, err := FromSA(Add, sa)
		if err == nil {
			_, err = Encode(m)
		}
		if !errors.Is(err, syscall.EINVAL) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
		if strings.Contains(fmt.Sprint(err), "AAAA") {
			t.Errorf("a key is in the error %v", err)
		}
	}
}

// Limits of time below a second must not turn into no limit.
func TestShortLifetime(t *testing.T) {
	sa := sas[0]
	sa.Soft.AddTime, sa.Hard.UseTime = time.Millisecond, 1500*time.Millisecond
	m, err := FromSA(Add, sa)
	got, err := through(t, m, err).SA()
	if err != nil || got.Soft.AddTime != time.Second || got.Hard.UseTime != 2*time.Second {
		t.Errorf("lifetimes become %+v, %+v, %v", got.Soft, got.Hard, err)
	}
}

func TestEroute(t *testing.T) {
	for _, e := range []klips.Eroute{
		{Selector: flow("10.0.0.0/8", "0.0.0.0/0"), SAID: mustSAID("%trap")},
		{
			Selector: klips.Selector{Src: netip.MustParsePrefix("2001:db8::/32"), Dst: netip.MustParsePrefix("::1/128"), Proto: 6, SrcPort: 80, DstPort: 443},
			SAID:     mustSAID("tun0x1001@10.0.0.1"), Ident: [2]string{"@west", "C=DE, CN=east"}, Packets: 7, Last: time.Unix(1e9, 0),
		},
	} {
		m, err := FromEroute(AddFlow, e, FlagReplace)
		m = through(t, m, err)
		got, err := m.Eroute()
		if err != nil || !reflect.DeepEqual(got, e) || m.Flags() != FlagReplace {
			t.Errorf("eroute becomes\n%+v, %v, and was\n%+v", got, err, e)
		}
	}
}

func TestOthers(t *testing.T) {
	id, sel := mustSAID("esp0x200@192.1.2.45"), flow("10.0.0.0/8", "11.0.0.0/8")

	m, err := FromInflow(DelFlow, id, sel)
	m = through(t, m, err)
	if got, err := m.Flow(); err != nil || got != sel || m.Flags() != FlagInflow {
		t.Errorf("inflow becomes %v, %v", got, err)
	}
	if got, err := m.SAID(); err != nil || got != id {
		t.Errorf("its SA becomes %v, %v", got, err)
	}
	m, err = FromRange(said.ESP, addr("10.0.0.1"), addr("10.0.0.2"), 0x100, 0xffffffff)
	if p, src, dst, low, high, err := through(t, m, err).Range(); err != nil || p != said.ESP || src != addr("10.0.0.1") || dst != addr("10.0.0.2") || low != 0x100 || high != 0xffffffff {
		t.Errorf("range becomes %v %v %v %v %v %v", p, src, dst, low, high, err)
	}
	group := []said.SAID{mustSAID("tun0x1@::1"), id}
	if got := through(t, FromGroup(group), nil).Group(); !reflect.DeepEqual(got, group) {
		t.Errorf("group becomes %v", got)
	}
	a := klips.Attachment{Virtual: "ipsec0", Physical: "eth0", MTU: 16260, XDP: offload.Off, PhysicalMTU: 1500, Offloads: "tso", Watcher: "rule 7"}
	if got, err := through(t, FromAttachment(DumpAttach, a), nil).Attachment(); err != nil || got != a {
		t.Errorf("attachment becomes %v, %v", got, err)
	}
	for _, s := range []klips.Settings{{}, {FragICMP: true, Debug: []string{"tunnel", "xform"}}, {HideTOS: true}} {
		if got := through(t, FromSettings(s), nil).Settings(); !reflect.DeepEqual(got, s) {
			t.Errorf("settings become %+v, and were %+v", got, s)
		}
	}
	if m := through(t, FromClear(), nil); m.Flags() != FlagClear {
		t.Errorf("clear becomes %+v", m)
	}
}

func TestEvents(t *testing.T) {
	id := mustSAID("esp0x200@192.1.2.45")
	for _, ev := range []klips.Event{
		klips.Acquire{Packet: flow("10.0.0.1/32", "11.0.0.1/32"), Trap: flow("10.0.0.0/8", "0.0.0.0/0"), Ident: [2]string{"", "@east"}},
		klips.Expire{ID: id, Hard: true, Usage: klips.Usage{Packets: 3, Added: time.Unix(7, 0)}},
		klips.Expire{ID: id},
		klips.NewMapping{ID: id, Old: netip.MustParseAddrPort("1.2.3.4:4500"), New: netip.MustParseAddrPort("5.6.7.8:1025")},
	} {
		m, err := FromEvent(ev)
		got, err := through(t, m, err).Event()
		if err != nil || !reflect.DeepEqual(got, ev) {
			t.Errorf("event becomes\n%+v, %v, and was\n%+v", got, err, ev)
		}
	}
	if _, err := FromEvent(nil); err == nil {
		t.Error("no event is taken for one")
	}
}

func TestFailure(t *testing.T) {
	req := &Message{Type: Add, Seq: 7, PID: 8}
	for _, c := range []struct {
		in   error
		want syscall.Errno
		text string
	}{
		{fmt.Errorf("there is one: %w", syscall.EEXIST), syscall.EEXIST, "there is one: file exists"},
		{errors.New("a NUL\x00"), syscall.EIO, "a NUL"},
		{errors.New(strings.Repeat("ä", 2000)), syscall.EIO, strings.Repeat("ä", 500)},
	} {
		m := through(t, req.Failure(c.in), nil)
		if err := m.Err(); !errors.Is(err, c.want) || err.Error() != c.text || m.Seq != 7 || m.PID != 8 {
			t.Errorf("failure becomes %v", m.Err())
		}
	}
	if err := through(t, req.Reply(), nil).Err(); err != nil {
		t.Errorf("success becomes %v", err)
	}
}

func TestDecodeMalformed(t *testing.T) {
	m, err := FromSA(Add, sas[1])
	if err != nil {
		t.Fatal(err)
	}
	good, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	for name, b := range map[string][]byte{
		"nothing":          nil,
		"short":            good[:8],
		"cut off":          good[:len(good)-8],
		"longer than said": append(bytes.Clone(good), make([]byte, 8)...),
		"version 1":        change(func(b []byte) []byte { b[0] = 1; return b }),
		"empty extension":  change(func(b []byte) []byte { host.PutUint16(b[16:], 0); return b }),
		"long extension":   change(func(b []byte) []byte { host.PutUint16(b[16:], 1000); return b }),
		"unknown kind":     change(func(b []byte) []byte { host.PutUint16(b[18:], 9999); return b }),
		"two of a kind": change(func(b []byte) []byte {
			b = append(b, b[16:32]...)
			host.PutUint16(b[4:], uint16(len(b)/8))
			return b
		}),
		"too long": make([]byte, MaxMessage+8),
	} {
		if m, err := Decode(b); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, sa := range sas {
		m, err := FromSA(Add, sa)
		if err != nil {
			f.Fatal(err)
		}
		b, err := Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, m := range []*Message{FromClear(), FromSettings(klips.Settings{Debug: []string{"x"}}), FromGroup(sas[5].Group), FromAttachment(Attach, klips.Attachment{Virtual: "ipsec0"})} {
		b, err := Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Encode(m)
		if errors.Is(err, syscall.EMSGSIZE) {
			return // the RFC's lifetimes grow by the packets
		}
		if err != nil {
			t.Fatalf("what was decoded is not encoded: %v", err)
		}
		m2, err := Decode(again)
		if err != nil || !reflect.DeepEqual(m2, m) {
			t.Fatalf("decoded again, %+v is %+v, %v", m, m2, err)
		}
		if sa, err := m.SA(); err == nil {
			if m3, err := FromSA(m.Type, sa); err == nil {
				if sa2, err := m3.SA(); err != nil || !reflect.DeepEqual(sa2, sa) {
					t.Fatalf("SA %+v becomes %+v, %v", sa, sa2, err)
				}
			}
		}
		if e, err := m.Eroute(); err == nil {
			if m3, err := FromEroute(m.Type, e, 0); err != nil {
				t.Fatalf("eroute %+v: %v", e, err)
			} else if e2, err := m3.Eroute(); err != nil || !reflect.DeepEqual(e2, e) {
				t.Fatalf("eroute %+v becomes %+v, %v", e, e2, err)
			}
		}
		m.Event()
		m.Settings()
		m.Range()
		m.Attachment()
	})
}
