package sadb

import (
	"errors"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/klips/esp"
	"ipsec/klips/said"
)

var start = time.Unix(1e9, 0)

func id(proto said.Proto, spi uint32) said.SAID {
	return said.SAID{Dst: netip.AddrFrom4([4]byte{10, 0, 0, 2}), SPI: spi, Proto: proto}
}

// sample returns an SA that works, of each protocol.
func sample(proto said.Proto, spi uint32) klips.SA {
	c := klips.SA{ID: id(proto, spi), Src: netip.AddrFrom4([4]byte{10, 0, 0, 1})}
	switch proto {
	case said.ESP:
		c.Enc, c.EncKey = "aesgcm16", make([]byte, 20)
	case said.AH:
		c.Auth, c.AuthKey = "sha1-96", make([]byte, 20)
	case said.COMP:
		c.Comp = "deflate"
	case said.IPIP:
		c.TunnelSrc, c.TunnelDst = c.Src, c.ID.Dst
	}
	return c
}

func TestMalformed(t *testing.T) {
	six := netip.MustParseAddr("2001:db8::1")
	for _, c := range []struct {
		name   string
		proto  said.Proto
		change func(*klips.SA)
		says   string
	}{
		{"no destination", said.ESP, func(c *klips.SA) { c.ID.Dst = netip.Addr{} }, "destination"},
		{"unspecified", said.ESP, func(c *klips.SA) { c.ID.Dst = netip.IPv4Unspecified() }, "destination"},
		{"families", said.ESP, func(c *klips.SA) { c.Src = six }, "families"},
		{"SPI", said.AH, func(c *klips.SA) { c.ID.SPI = 0 }, "SPI"},
		{"shunt", said.INT, func(c *klips.SA) {}, "expected esp"},
		{"cipher", said.ESP, func(c *klips.SA) { c.Enc = "rot13" }, "rot13"},
		{"key length", said.ESP, func(c *klips.SA) { c.EncKey = []byte("canarycanary") }, "12 bytes"},
		{"no authenticator", said.ESP, func(c *klips.SA) { c.Enc, c.EncKey = "aes", make([]byte, 16) }, "authenticator"},
		{"hash", said.AH, func(c *klips.SA) { c.Auth = "crc" }, "crc"},
		{"compression", said.COMP, func(c *klips.SA) { c.Comp = "lzs" }, "lzs"},
		{"CPI", said.COMP, func(c *klips.SA) { c.ID.SPI = 0x10000 }, "16 bits"},
		{"tunnel", said.IPIP, func(c *klips.SA) { c.TunnelSrc = netip.Addr{} }, "tunnel"},
		{"tunnel elsewhere", said.IPIP, func(c *klips.SA) { c.TunnelDst = c.TunnelSrc }, "tunnel"},
		{"tunnel families", said.IPIP, func(c *klips.SA) { c.TunnelSrc = six }, "tunnel"},
		{"window", said.ESP, func(c *klips.SA) { c.ReplayWindow = 31 }, "31"},
		{"UDP", said.AH, func(c *klips.SA) { c.Encap = klips.Encap{SrcPort: 1, DstPort: 1} }, "UDP"},
		{"half of UDP", said.ESP, func(c *klips.SA) { c.Encap = klips.Encap{SrcPort: 1} }, "UDP"},
		{"inflow", said.ESP, func(c *klips.SA) { c.Inflow = []klips.Selector{{}} }, "inflow"},
	} {
		sa := sample(c.proto, 0x100)
		c.change(&sa)
		db := New()
		err := db.Add(sa, start)
		if !errors.Is(err, syscall.EINVAL) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want EINVAL that says %q", c.name, err, c.says)
		}
		if len(slices.Collect(db.All())) != 0 {
			t.Errorf("%s: it is there", c.name)
		}
	}
}

// TestChain says which SAs carry packets that are sent to one of a group.
func TestChain(t *testing.T) {
	for _, c := range []struct {
		name  string
		group []said.Proto
		first said.Proto
		want  int // SAs in the chain
	}{
		{"ESP alone", []said.Proto{said.ESP}, said.ESP, 1},
		{"AH alone", []said.Proto{said.AH}, said.AH, 1},
		{"tunnel alone", []said.Proto{said.IPIP}, said.IPIP, 0},
		{"COMP alone", []said.Proto{said.COMP}, said.COMP, 0},
		{"bare", []said.Proto{said.IPIP, said.COMP}, said.IPIP, 0},
		{"four", []said.Proto{said.IPIP, said.COMP, said.ESP, said.AH}, said.IPIP, 4},
		{"from the second", []said.Proto{said.IPIP, said.ESP, said.AH}, said.ESP, 2},
		{"COMP within AH", []said.Proto{said.COMP, said.AH}, said.COMP, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := New()
			var ids []said.SAID
			for _, p := range c.group {
				if err := db.Add(sample(p, 0x100), start); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, id(p, 0x100))
			}
			if len(ids) > 1 {
				if err := db.Group(ids); err != nil {
					t.Fatal(err)
				}
			}
			if got := db.Lookup(id(c.first, 0x100)).Chain(); len(got) != c.want {
				t.Errorf("a chain of %d, want %d", len(got), c.want)
			}
			if len(ids) < 2 {
				return
			}
			last := ids[len(ids)-1]
			if err := db.Delete(last); err != nil {
				t.Fatal(err)
			}
			for _, rest := range ids[:len(ids)-1] {
				if got := db.Lookup(rest).Chain(); got != nil {
					t.Errorf("%v carries packets without %v", rest, last)
				}
			}
			if len(ids) < 3 {
				return
			}
			if got := db.Lookup(ids[0]).Read().Group; len(got) != len(ids)-1 {
				t.Errorf("the rest are %v", got)
			}
		})
	}
}

func TestGroupRefused(t *testing.T) {
	db := New()
	for spi := range uint32(2) {
		for _, p := range []said.Proto{said.IPIP, said.COMP, said.ESP, said.AH} {
			if err := db.Add(sample(p, 0x100+spi), start); err != nil {
				t.Fatal(err)
			}
		}
	}
	other := sample(said.AH, 0x100)
	other.ID.Dst = netip.AddrFrom4([4]byte{10, 0, 0, 9})
	udp := sample(said.ESP, 0x200)
	udp.Encap = klips.Encap{SrcPort: 4500, DstPort: 4500}
	if err := errors.Join(db.Add(other, start), db.Add(udp, start), db.Group([]said.SAID{id(said.IPIP, 0x101), id(said.ESP, 0x101)})); err != nil {
		t.Fatal(err)
	}
	larval, err := db.Reserve(said.ESP, netip.Addr{}, id(said.ESP, 1).Dst, 0x300, 0x400, start)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ids  []said.SAID
		want syscall.Errno
	}{
		{nil, syscall.EINVAL},
		{[]said.SAID{id(said.ESP, 0x100)}, syscall.ENOENT}, // has no group to take apart
		{[]said.SAID{id(said.ESP, 0x100), id(said.ESP, 0x100)}, syscall.EINVAL},
		{[]said.SAID{id(said.ESP, 0x100), id(said.IPIP, 0x100)}, syscall.EINVAL},
		{[]said.SAID{id(said.IPIP, 0x100), id(said.ESP, 0x999)}, syscall.ENOENT},
		{[]said.SAID{id(said.IPIP, 0x100), id(said.ESP, 0x101)}, syscall.EEXIST},
		{[]said.SAID{id(said.ESP, 0x100), other.ID}, syscall.EINVAL},
		{[]said.SAID{udp.ID, id(said.AH, 0x100)}, syscall.EINVAL},
		{[]said.SAID{id(said.IPIP, 0x100), id(said.ESP, larval)}, syscall.EINVAL},
	} {
		if err := db.Group(c.ids); !errors.Is(err, c.want) {
			t.Errorf("%v: %v, want %v", c.ids, err, c.want)
		}
	}
}

func TestReserve(t *testing.T) {
	db, dst := New(), id(said.ESP, 1).Dst
	seen := map[uint32]bool{}
	for range 100 {
		spi, err := db.Reserve(said.ESP, netip.Addr{}, dst, 0x1000, 0x1063, start)
		if err != nil || spi < 0x1000 || spi > 0x1063 || seen[spi] {
			t.Fatalf("%#x, %v", spi, err)
		}
		seen[spi] = true
	}
	if _, err := db.Reserve(said.ESP, netip.Addr{}, dst, 0x1000, 0x1063, start); !errors.Is(err, syscall.EEXIST) {
		t.Errorf("all taken: %v", err)
	}
	for _, c := range [][2]uint32{{5, 4}, {0, 4}} {
		if _, err := db.Reserve(said.ESP, netip.Addr{}, dst, c[0], c[1], start); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%v: %v", c, err)
		}
	}
	if spi, err := db.Reserve(said.ESP, netip.Addr{}, dst, 0x100, 0xffffffff, start); err != nil || spi < 0x100 {
		t.Errorf("%#x, %v", spi, err)
	}
	if spi, err := db.Reserve(said.COMP, netip.Addr{}, dst, 0x100, 0xffffffff, start); err != nil || spi > 0xffff {
		t.Errorf("%#x, %v", spi, err)
	}
	larval := db.Lookup(id(said.ESP, 0x1000))
	if _, _, err := larval.Seal(new(esp.Scratch), make([]byte, 0, 100), make([]byte, 5, 100), 4, start); err != ErrDead || larval.Chain() != nil {
		t.Errorf("a larval SA carries packets: %v", err)
	}
	if err := db.Update(sample(said.ESP, 0x1000), start); err != nil {
		t.Fatal(err)
	}
	if got := db.Lookup(id(said.ESP, 0x1000)); got.Larval || len(got.Chain()) != 1 {
		t.Errorf("%+v", got)
	}
}

// TestWrap ends an SA before its sequence numbers come round, and asks for
// another in time.
func TestWrap(t *testing.T) {
	db := New()
	if err := db.Add(sample(said.ESP, 0x100), start); err != nil {
		t.Fatal(err)
	}
	sa := db.Lookup(id(said.ESP, 0x100))
	seal := func() (State, error) {
		_, state, err := sa.Seal(new(esp.Scratch), make([]byte, 0, 200), make([]byte, 5, 200), 4, start)
		return state, err
	}
	sa.seq = 1<<32 - seqMargin - 1
	for i, want := range []State{Alive, Soft, Alive} {
		if state, err := seal(); state != want || err != nil {
			t.Fatalf("step %d: %v, %v, want %v", i, state, err, want)
		}
	}
	sa.seq = 1<<32 - 2
	for i, want := range []State{Alive, Hard, Dead} {
		if state, err := seal(); state != want || (err != nil) != (i > 0) {
			t.Fatalf("step %d: %v, %v, want %v", i, state, err, want)
		}
	}
	if got := sa.Read().Usage.Seq; got != 1<<32-1 {
		t.Errorf("the last was %#x", got)
	}
}

// TestSecrets reads SAs back.
func TestSecrets(t *testing.T) {
	db := New()
	c := sample(said.ESP, 0x100)
	c.Group, c.Usage = []said.SAID{id(said.AH, 7)}, klips.Usage{Packets: 7}
	if err := db.Add(c, start); err != nil {
		t.Fatal(err)
	}
	got := db.Lookup(c.ID).Read()
	if got.EncKey != nil || got.AuthKey != nil || got.Group != nil || got.Usage.Packets != 0 || !got.Usage.Added.Equal(start) {
		t.Errorf("%+v", got)
	}
	c.Soft.Bytes, c.Encap = 5, klips.Encap{SrcPort: 1, DstPort: 2}
	if err := db.Update(c, start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	got = db.Lookup(c.ID).Read()
	if got.Soft.Bytes != 5 || got.Encap != c.Encap || !got.Usage.Added.Equal(start) {
		t.Errorf("%+v", got)
	}
}

// TestDue sweeps the SAs of one DB each second, and those of another when Due says so:
// they must come to their lifetimes in the same second.
func TestDue(t *testing.T) {
	sweeps := 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		draw := func() time.Duration { return time.Duration(r.IntN(3)*r.IntN(60)) * time.Second }
		always, seldom := New(), New()
		for second := range 150 {
			now := start.Add(time.Duration(second) * time.Second)
			spi, use := 0x100+r.Uint32N(40), 0x100+r.Uint32N(20)
			c := sample(said.ESP, spi)
			c.Soft, c.Hard = klips.Lifetime{AddTime: draw(), UseTime: draw()}, klips.Lifetime{AddTime: draw(), UseTime: draw()}
			for _, db := range []*DB{always, seldom} {
				if spi < 0x105 && db.Add(c, now) != nil {
					if err := db.Update(c, now); err != nil {
						t.Fatal(err)
					}
				}
				if sa := db.Lookup(id(said.ESP, use)); sa != nil {
					sa.Pass(1, now)
				}
			}
			sweep := func(db *DB) map[uint32]State {
				states := map[uint32]State{}
				for sa := range db.All() {
					if state := sa.Check(now); state == Soft || state == Hard {
						states[sa.Config.ID.SPI] = state
					}
				}
				return states
			}
			want, got := sweep(always), map[uint32]State{}
			if seldom.Due(now) {
				sweeps++
				got = sweep(seldom)
				for sa := range seldom.All() {
					seldom.DueAt(sa.Due(now))
				}
			}
			if !maps.Equal(got, want) {
				t.Fatalf("seed %d, second %d: %v, want %v", seed, second, got, want)
			}
		}
	}
	if sweeps > 200*150/2 {
		t.Errorf("%d sweeps", sweeps)
	}
}
