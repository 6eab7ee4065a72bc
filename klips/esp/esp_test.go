package esp

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"ipsec/klips/algorithm"
)

// combinations returns parameters of every cipher and key length, with every
// authenticator that it can go with.
func combinations() []Params {
	var all []Params
	for _, c := range algorithm.Ciphers() {
		for _, n := range c.Keys {
			p := Params{SPI: 0x1000, Enc: c.Name, EncKey: counting(n)}
			if c.AEAD() {
				all = append(all, p)
				continue
			}
			for _, a := range algorithm.Auths() {
				p.Auth, p.AuthKey = a.Name, counting(a.Key)
				all = append(all, p)
			}
		}
	}
	return all
}

// counting returns n bytes 1, 2, 3, ….
func counting(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i + 1)
	}
	return b
}

func (p Params) String() string {
	return fmt.Sprintf("%s/%d/%s/esn=%v", p.Enc, len(p.EncKey)*8, p.Auth, p.ESN)
}

// An alone is a Transform for one goroutine, whose IVs are taken one by one.
type alone struct {
	*Transform
	p Params
	w Scratch
}

func (x *alone) Seal(dst, payload []byte, next uint8, seq uint64) ([]byte, error) {
	ivs, err := x.TakeIVs(1)
	if err != nil {
		return nil, err
	}
	return x.Transform.Seal(&x.w, &ivs, dst, payload, next, seq)
}

func (x *alone) Open(packet []byte, high uint32) ([]byte, uint8, error) {
	return x.Transform.Open(&x.w, packet, high)
}

func mustNew(t testing.TB, p Params) *alone {
	t.Helper()
	x, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return &alone{Transform: x, p: p}
}

func TestRoundTrip(t *testing.T) {
	for _, p := range combinations() {
		for _, p.ESN = range []bool{false, true} {
			t.Run(p.String(), func(t *testing.T) {
				x := mustNew(t, p)
				for _, n := range []int{0, 1, 2, 3, 13, 14, 15, 16, 17, 84, 1420} {
					roundTrip(t, x, n)
				}
			})
		}
	}
}

// roundTrip seals n bytes in place and apart, and opens both.
func roundTrip(t *testing.T, x *alone, n int) {
	t.Helper()
	seq := uint64(7)
	if x.p.ESN {
		seq = 5<<32 | 9
	}
	want := counting(n)

	inPlace := make([]byte, Headroom+n+Tailroom)
	copy(inPlace[Headroom:], want)
	at := Headroom - x.HeaderLen()
	sealed, err := x.Seal(inPlace[:at], inPlace[Headroom:][:n], 4, seq)
	if err != nil {
		t.Fatal(err)
	}
	check(t, x, sealed[at:], want, seq)

	in := bytes.Repeat([]byte{0xee}, n+Tailroom)
	copy(in, want)
	out := bytes.Repeat([]byte{0xdd}, x.Len(n)+8)
	sealed, err = x.Seal(out[:0], in[:n], 4, seq)
	if err != nil {
		t.Fatal(err)
	}
	if &sealed[0] != &out[0] {
		t.Fatal("sealed into another buffer than the caller's")
	}
	if !bytes.Equal(in[:n], want) || !bytes.Equal(in[n:], bytes.Repeat([]byte{0xee}, Tailroom)) {
		t.Errorf("sealing apart left %x in the buffer of the payload", in)
	}
	if !bytes.Equal(out[x.Len(n):], bytes.Repeat([]byte{0xdd}, 8)) {
		t.Errorf("wrote %x behind the packet", out[x.Len(n):])
	}
	check(t, x, sealed, want, seq)
}

func check(t *testing.T, x *alone, packet, want []byte, seq uint64) {
	t.Helper()
	if len(packet) != x.Len(len(want)) {
		t.Errorf("%d bytes make a packet of %d, Len says %d", len(want), len(packet), x.Len(len(want)))
	}
	if SPI(packet) != x.p.SPI || Seq(packet) != uint32(seq) {
		t.Errorf("SPI %#x and sequence number %#x", SPI(packet), Seq(packet))
	}
	if bytes.Contains(packet, want) && len(want) > 8 && x.p.Enc != "null" {
		t.Error("the payload is there in the clear")
	}
	got, next, err := x.Open(bytes.Clone(packet), uint32(seq>>32))
	if err != nil || next != 4 || !bytes.Equal(got, want) {
		t.Errorf("opened to %x, next %d, %v", got, next, err)
	}
	if !x.p.ESN {
		return
	}
	if _, _, err := x.Open(bytes.Clone(packet), uint32(seq>>32)+1); !errors.Is(err, ErrAuth) {
		t.Errorf("another high half of the sequence number: %v", err)
	}
}

// TestOneBit flips each bit of a packet, cuts it anywhere, and appends to it.
func TestOneBit(t *testing.T) {
	for _, p := range combinations() {
		t.Run(p.String(), func(t *testing.T) {
			x := mustNew(t, p)
			packet, err := x.Seal(make([]byte, 0, 200), append(counting(21), make([]byte, Tailroom)...)[:21], 6, 1)
			if err != nil {
				t.Fatal(err)
			}
			for i := range len(packet) * 8 {
				bad := bytes.Clone(packet)
				bad[i/8] ^= 1 << (i % 8)
				if _, _, err := x.Open(bad, 0); !errors.Is(err, ErrAuth) {
					t.Fatalf("bit %d: %v", i, err)
				}
			}
			for n := range len(packet) {
				if _, _, err := x.Open(bytes.Clone(packet[:n]), 0); err == nil {
					t.Fatalf("opened the first %d bytes of %d", n, len(packet))
				}
			}
			for n := 1; n < 40; n++ {
				if _, _, err := x.Open(append(bytes.Clone(packet), make([]byte, n)...), 0); err == nil {
					t.Fatalf("opened with %d bytes more", n)
				}
			}
		})
	}
}

// TestPadding makes packets whose ICV is right and whose padding is not.
func TestPadding(t *testing.T) {
	x := mustNew(t, Params{SPI: 1, Enc: "null", Auth: "sha1-96", AuthKey: counting(20)})
	for _, test := range []struct {
		body string // payload, padding, pad length, next header
		want string
		err  error
	}{
		{"\x00\x04", "", ErrMalformed}, // not a multiple of 4
		{"ab\x00\x04", "ab", nil},
		{"abc\x01\x01\x04", "", ErrMalformed}, // not a multiple of 4
		{"abcde\x01\x01\x04", "abcde", nil},
		{"abcd\x01\x02\x02\x04", "abcd", nil},
		{"ab\x01\x02\x03\x04\x04\x04", "ab", nil}, // more padding than needed is allowed
		{"\x01\x02\x02\x04", "", nil},
		{"abcde\x00\x01\x04", "", ErrMalformed},
		{"abcd\x02\x01\x02\x04", "", ErrMalformed},
		{"\x01\x02\x03\x04", "", ErrMalformed}, // padding longer than the packet
		{"\x01\x02\xff\x04", "", ErrMalformed},
		{"", "", ErrMalformed},
	} {
		packet := append([]byte{0, 0, 0, 1, 0, 0, 0, 1}, test.body...)
		mac, err := algorithm.NewMAC("sha1-96", counting(20))
		if err != nil {
			t.Fatal(err)
		}
		mac.Write(packet)
		packet = append(packet, make([]byte, 12)...)
		mac.Sum(packet[len(packet)-12:])
		got, _, err := x.Open(packet, 0)
		if !errors.Is(err, test.err) || string(got) != test.want {
			t.Errorf("%q opened to %q, %v", test.body, got, err)
		}
	}
}

func TestSequence(t *testing.T) {
	p := Params{SPI: 1, Enc: "aesgcm16", EncKey: counting(20)}
	for _, test := range []struct {
		esn bool
		seq uint64
		err error
	}{
		{false, 0, ErrSequence}, {false, 1, nil}, {false, math.MaxUint32, nil}, {false, math.MaxUint32 + 1, ErrSequence},
		{true, 0, ErrSequence}, {true, 1, nil}, {true, math.MaxUint32 + 1, nil}, {true, math.MaxUint64, nil},
	} {
		p.ESN = test.esn
		_, err := mustNew(t, p).Seal(make([]byte, 0, 99), make([]byte, 20, 20+Tailroom), 4, test.seq)
		if !errors.Is(err, test.err) {
			t.Errorf("ESN %v, %#x: %v", test.esn, test.seq, err)
		}
	}
}

func TestRoom(t *testing.T) {
	for _, p := range combinations() {
		x := mustNew(t, p)
		payload := append(counting(20), make([]byte, Tailroom)...)[:20]
		need := x.Len(20)
		if _, err := x.Seal(make([]byte, 5, 5+need), payload, 4, 1); err != nil {
			t.Errorf("%v: room for exactly %d: %v", p, need, err)
		}
		if _, err := x.Seal(make([]byte, 5, 4+need), payload, 4, 1); !errors.Is(err, ErrRoom) {
			t.Errorf("%v: room for %d, one too few: %v", p, need-1, err)
		}
		if _, err := x.Seal(make([]byte, 0, need), payload[:20:21], 4, 1); !errors.Is(err, ErrRoom) {
			t.Errorf("%v: no room behind the payload: %v", p, err)
		}
		if need > Headroom+20+Tailroom || x.HeaderLen() > Headroom {
			t.Errorf("%v: a packet of %d bytes, more than Headroom and Tailroom allow", p, need)
		}
	}
}

func TestMaxPayload(t *testing.T) {
	for _, p := range combinations() {
		x := mustNew(t, p)
		for room := range 1600 {
			n := x.MaxPayload(room)
			if n >= 0 && x.Len(n) > room || x.Len(max(n, -1)+1) <= room {
				t.Fatalf("%v: MaxPayload(%d) = %d, whose Len is %d, and %d that of one more", p, room, n, x.Len(n), x.Len(n+1))
			}
		}
	}
	// The figure that every calculation of a tunnel's MTU comes to: IPv4, UDP.
	x := mustNew(t, Params{Enc: "aesgcm16", EncKey: counting(20)})
	if n := x.MaxPayload(1500 - 20 - 8); n != 1438 {
		t.Errorf("AES-GCM in UDP in 1500 bytes: %d", n)
	}
}

func TestNewRefuses(t *testing.T) {
	secret := "hush-hush-hush-hush-hush-hush-hush-hush-"
	for _, test := range []struct {
		enc, auth, want string
		encLen, authLen int
	}{
		{"rot13", "", "expected one of 3des, aes,", 8, 0},
		{"", "sha1-96", "unknown cipher", 0, 20},
		{"aes", "", "expected an authenticator", 16, 0},
		{"null", "", "expected an authenticator", 0, 0},
		{"aes", "crc", "expected one of md5-96,", 16, 20},
		{"aes", "sha1-96", "has 17 bytes, expected 16 or 24 or 32", 17, 20},
		{"aes", "sha1-96", "has 16 bytes, expected 20", 16, 16},
		{"3des", "md5-96", "has 16 bytes, expected 24", 16, 16},
		{"null", "md5-96", "has 1 bytes, expected 0", 1, 16},
		{"aesgcm16", "", "has 16 bytes, expected 20 or 28 or 36 (the last 4 are the salt)", 16, 0},
		{"aesgcm8", "sha1-96", "expected no authenticator", 20, 20},
		{"aesgcm8", "", "expected no authenticator", 20, 20},
		{"chacha20poly1305", "", "has 32 bytes, expected 36", 32, 0},
	} {
		_, err := New(Params{Enc: test.enc, EncKey: []byte(secret[:test.encLen]), Auth: test.auth, AuthKey: []byte(secret[:test.authLen])})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s and %s: %v, want %s", test.enc, test.auth, err, test.want)
		} else if strings.Contains(err.Error(), "hush") {
			t.Errorf("the key is in %v", err)
		}
	}
	if _, err := New(Params{Enc: "aesgcm16", EncKey: counting(20), Rand: strings.NewReader("short")}); err == nil {
		t.Error("a source of randomness that fails went unnoticed")
	}
}

// TestKeysWiped works after the caller wiped the keys that it passed to New, and
// makes the suite of another goroutine from what was kept of them.
func TestKeysWiped(t *testing.T) {
	for _, p := range combinations() {
		p.EncKey, p.AuthKey = bytes.Clone(p.EncKey), bytes.Clone(p.AuthKey)
		x := mustNew(t, p)
		clear(p.EncKey)
		clear(p.AuthKey)
		packet, err := x.Seal(make([]byte, 0, 200), append(counting(30), make([]byte, Tailroom)...)[:30], 4, 1)
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := x.suite.(several); ok {
			s.Get() // and does not come back
		}
		got, _, err := x.Open(packet, 0)
		if err != nil || !bytes.Equal(got, counting(30)) {
			t.Errorf("%v: %x, %v", p, got, err)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	for _, p := range combinations() {
		for _, p.ESN = range []bool{false, true} {
			x := mustNew(t, p)
			buf := make([]byte, Headroom+1420+Tailroom)
			out := make([]byte, 2000)
			at := Headroom - x.HeaderLen()
			n := testing.AllocsPerRun(20, func() {
				if _, err := x.Seal(out[:0], buf[Headroom:][:1420], 4, 1); err != nil {
					t.Fatal(err)
				}
				packet, err := x.Seal(buf[:at], buf[Headroom:][:1420], 4, 1)
				if err != nil {
					t.Fatal(err)
				}
				if _, _, err := x.Open(packet[at:], 0); err != nil {
					t.Fatal(err)
				}
				packet[at+40] ^= 1 // refusing is what an attack makes it do
				if _, _, err := x.Open(packet[at:], 0); err == nil {
					t.Fatal("opened what was changed")
				}
			})
			if n != 0 {
				t.Errorf("%v: %v allocations", p, n)
			}
		}
	}
}

// TestOverhead compares Overhead with the longest packet that any algorithms make.
func TestOverhead(t *testing.T) {
	worst := 0
	for _, p := range combinations() {
		x := mustNew(t, p)
		for n := range 64 {
			worst = max(worst, x.Len(n)-n)
		}
	}
	if ipv6, udp := 40, 8; ipv6+udp+worst != Overhead {
		t.Errorf("Overhead is %d, and a packet gets %d bytes longer", Overhead, ipv6+udp+worst)
	}
}
