package ah

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"math"
	"slices"
	"strings"
	"testing"

	"ipsec/klips/algorithm"
	"ipsec/klips/algorithm/aesmode"
)

// No vectors of AH are published in RFC 4302 or in the RFCs of its
// authenticators, so each case here has the packet that is to come out, and the
// bytes that the ICV covers, written out by hand from RFC 4302, section 3.3.3 and appendix
// A. In both, AAAA stands for the ICV field. The ICV is a MAC over the second.
const key = "0123456789abcdef0123456789abcdef"

type packetCase struct {
	name, auth   string
	esn          bool
	seq          uint64
	in, out, icv string // packet, packet with AH, what the ICV covers
	free         []int  // the bytes of out that may change on the way, in some bit at least
}

func cases() []packetCase {
	return []packetCase{
		{"IPv4", "sha1-96", false, 1,
			"45b80020 12344000 4011 e2cd 0a000001 0a000002" + "00010002000c0000 61626364",
			"45b80038 12344000 4033 e293 0a000001 0a000002" + "11040000 00000300 00000001 AAAA" + "00010002000c0000 61626364",
			"45000038 12340000 0033 0000 0a000001 0a000002" + "11040000 00000300 00000001 000000000000000000000000" + "00010002000c0000 61626364", []int{1, 6, 8, 10, 11}},
		{"IPv4, 16 bytes of ICV, ESN", "sha2_256-128", true, 0x700000005,
			"45b80020 12344000 4011 e2cd 0a000001 0a000002" + "00010002000c0000 61626364",
			"45b8003c 12344000 4033 e28f 0a000001 0a000002" + "11050000 00000300 00000005 AAAA" + "00010002000c0000 61626364",
			"4500003c 12340000 0033 0000 0a000001 0a000002" + "11050000 00000300 00000005 00000000000000000000000000000000" + "00010002000c0000 61626364" + "00000007", []int{1, 6, 8, 10, 11}},
		{"IPv4, XCBC", "aes_xcbc-96", false, 1,
			"45b80020 12344000 4011 e2cd 0a000001 0a000002" + "00010002000c0000 61626364",
			"45b80038 12344000 4033 e293 0a000001 0a000002" + "11040000 00000300 00000001 AAAA" + "00010002000c0000 61626364",
			"45000038 12340000 0033 0000 0a000001 0a000002" + "11040000 00000300 00000001 000000000000000000000000" + "00010002000c0000 61626364", []int{1, 6, 8, 10, 11}},
		{"IPv4, CMAC, ESN", "aes_cmac-96", true, 0x700000005,
			"45b80020 12344000 4011 e2cd 0a000001 0a000002" + "00010002000c0000 61626364",
			"45b80038 12344000 4033 e293 0a000001 0a000002" + "11040000 00000300 00000005 AAAA" + "00010002000c0000 61626364",
			"45000038 12340000 0033 0000 0a000001 0a000002" + "11040000 00000300 00000005 000000000000000000000000" + "00010002000c0000 61626364" + "00000007", []int{1, 6, 8, 10, 11}},
		// Router alert stays; record route and an unknown option go; NOP and the end stay.
		{"IPv4 with options", "md5-96", false, 9,
			"4a00002c 00000000 4011 0000 0a000001 0a000002" + "94040000 07070400000000 01 de0401ff 00000000" + "ffffffff",
			"4a000044 00000000 4033 XXXX 0a000001 0a000002" + "94040000 07070400000000 01 de0401ff 00000000" + "11040000 00000300 00000009 AAAA" + "ffffffff",
			"4a000044 00000000 0033 0000 0a000001 0a000002" + "94040000 00000000000000 01 00000000 00000000" + "11040000 00000300 00000009 000000000000000000000000" + "ffffffff", []int{1, 6, 8, 10, 11, 24, 26, 27, 28, 29, 30, 32, 33, 34, 35}},
		{"IPv6", "sha2_256-128", false, 2,
			"6bb12345 0008 11 40 20010db8000000000000000000000001 20010db8000000000000000000000002" + "0001000200080000",
			// 28 bytes of AH are not a multiple of 8: 4 more.
			"6bb12345 0028 33 40 20010db8000000000000000000000001 20010db8000000000000000000000002" + "11060000 00000300 00000002 AAAA 00000000" + "0001000200080000",
			"60000000 0028 33 00 20010db8000000000000000000000001 20010db8000000000000000000000002" + "11060000 00000300 00000002 00000000000000000000000000000000 00000000" + "0001000200080000", []int{0, 1, 2, 3, 7}},
		// Hop-by-hop: an option that may change, and one that may not. Destination
		// options for those on the way, a routing header that is at its end; AH; the
		// destination options for the end.
		{"IPv6 with extensions", "sha1-96", true, 3,
			"60000000 0030 00 40 20010db8000000000000000000000001 20010db8000000000000000000000002" +
				"3c00 3e02beef 0500" + "2b00 1e02cafe 0100" + "3c00 0400 00000000" +
				"3b00 3e02dead 0100" + "0102030405060708" + "1112131415161718",
			"60000000 0048 00 40 20010db8000000000000000000000001 20010db8000000000000000000000002" +
				"3c00 3e02beef 0500" + "2b00 1e02cafe 0100" + "3300 0400 00000000" +
				"3c040000 00000300 00000003 AAAA" +
				"3b00 3e02dead 0100" + "0102030405060708" + "1112131415161718",
			"60000000 0048 00 00 20010db8000000000000000000000001 20010db8000000000000000000000002" +
				"3c00 3e020000 0500" + "2b00 1e02cafe 0100" + "3300 0400 00000000" +
				"3c040000 00000300 00000003 000000000000000000000000" +
				"3b00 3e02dead 0100" + "0102030405060708" + "1112131415161718" + "00000000", []int{0, 1, 2, 3, 7, 44, 45}},
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reference returns the MAC of an authenticator, not by way of the table.
func reference(t testing.TB, auth string, key []byte) hash.Hash {
	t.Helper()
	var h hash.Hash
	var err error
	switch auth {
	case "md5-96":
		h = hmac.New(md5.New, key)
	case "sha1-96":
		h = hmac.New(sha1.New, key)
	case "sha2_256-128":
		h = hmac.New(sha256.New, key)
	case "aes_xcbc-96":
		h, err = aesmode.NewXCBC(key)
	case "aes_cmac-96":
		h, err = aesmode.NewCMAC(key)
	default:
		t.Fatalf("no reference for %s", auth)
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func mustNew(t testing.TB, auth string, esn bool) *Transform {
	t.Helper()
	a, err := algorithm.FindAuth(auth)
	if err != nil {
		t.Fatal(err)
	}
	x, err := New(Params{SPI: 0x300, Auth: auth, AuthKey: []byte(strings.Repeat(key, 2)[:a.Key]), ESN: esn})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// checksum sets the checksum of an IPv4 header, by adding word after word.
func checksum(p []byte) {
	if p[0]>>4 != 4 {
		return
	}
	p[10], p[11] = 0, 0
	sum := 0
	for i := 0; i < int(p[0]&15)*4; i += 2 {
		sum += int(p[i])<<8 | int(p[i+1])
		if sum > 0xffff {
			sum -= 0xffff
		}
	}
	p[10], p[11] = ^byte(sum>>8), ^byte(sum)
}

func TestPackets(t *testing.T) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			x := mustNew(t, c.auth, c.esn)
			a, err := algorithm.FindAuth(c.auth)
			if err != nil {
				t.Fatal(err)
			}
			h := reference(t, c.auth, []byte(strings.Repeat(key, 2)[:a.Key]))
			h.Write(unhex(t, c.icv))
			want := strings.Replace(c.out, "AAAA", hex.EncodeToString(h.Sum(nil)[:a.ICV]), 1)
			want = strings.Replace(want, "XXXX", "0000", 1)
			out, in := unhex(t, want), unhex(t, c.in)
			checksum(out)
			checksum(in)

			buf := append(bytes.Repeat([]byte{0xee}, Headroom), in...)
			got, err := x.Protect(buf, Headroom, c.seq)
			if err != nil || !bytes.Equal(got, out) {
				t.Fatalf("protected to\n%x, %v, want\n%x", got, err, out)
			}
			if len(got)-len(in) != x.HeaderLen(in[0]>>4 == 6) {
				t.Errorf("grew by %d, HeaderLen says %d", len(got)-len(in), x.HeaderLen(in[0]>>4 == 6))
			}
			spi, seq, err := Find(got)
			if err != nil || spi != 0x300 || seq != uint32(c.seq) {
				t.Errorf("found %#x, %#x, %v", spi, seq, err)
			}
			if c.esn {
				if _, err := x.Verify(bytes.Clone(got), uint32(c.seq>>32)+1); !errors.Is(err, ErrAuth) {
					t.Errorf("another high half: %v", err)
				}
			}
			back, err := x.Verify(got, uint32(c.seq>>32))
			if err != nil || !bytes.Equal(back, in) {
				t.Errorf("verified to\n%x, %v, want\n%x", back, err, in)
			}
		})
	}
}

// TestChanges changes a packet bit by bit: what may change on the way does not
// matter, the rest does.
func TestChanges(t *testing.T) {
	for _, c := range cases() {
		x := mustNew(t, c.auth, c.esn)
		in := unhex(t, c.in)
		checksum(in)
		packet, err := x.Protect(append(make([]byte, Headroom), in...), Headroom, c.seq)
		if err != nil {
			t.Fatal(err)
		}
		var free []int
		for bit := range len(packet) * 8 {
			bad := bytes.Clone(packet)
			bad[bit/8] ^= 1 << (bit % 8)
			if _, err := x.Verify(bad, uint32(c.seq>>32)); err == nil {
				free = append(free, bit/8)
			}
		}
		if free = slices.Compact(free); !slices.Equal(free, c.free) {
			t.Errorf("%s: changes go through in the bytes %v, want %v", c.name, free, c.free)
		}
		for n := range len(packet) {
			if _, err := x.Verify(bytes.Clone(packet[:n]), 0); err == nil {
				t.Errorf("%s: the first %d bytes go through", c.name, n)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	v4, v6 := "45000018 00000000 4011 0000 0a000001 0a000002 01020304", "60000000 0008 11 40 "+strings.Repeat("00", 32)+"0001000200080000"
	for _, c := range []struct {
		name, in string
		esn      bool
		room     int
		seq      uint64
		err      error
	}{
		{"fine", v4, false, 24, 1, nil},
		{"fine, IPv6", v6, false, 24, 1, nil},
		{"no room", v4, false, 23, 1, ErrRoom},
		{"sequence number 0", v4, false, 24, 0, ErrSequence},
		{"the last sequence number", v4, false, 24, math.MaxUint32, nil},
		{"past the last", v4, false, 24, math.MaxUint32 + 1, ErrSequence},
		{"past the last, ESN", v4, true, 24, math.MaxUint32 + 1, nil},
		{"empty", "", false, 24, 1, ErrMalformed},
		{"version 5", "55" + v4[2:], false, 24, 1, ErrMalformed},
		{"shorter than it says", v4[:len(v4)-2], false, 24, 1, ErrMalformed},
		{"longer than it says", v4 + "00", false, 24, 1, ErrMalformed},
		{"IPv6 longer than it says", v6 + "00", false, 24, 1, ErrMalformed},
		{"header of 16", "44" + v4[2:], false, 24, 1, ErrMalformed},
		{"header longer than the packet", "47" + v4[2:], false, 24, 1, ErrMalformed},
		{"last fragment", "45000018 00000001 4011 0000 0a000001 0a000002 01020304", false, 24, 1, ErrFragment},
		{"first fragment", "45000018 00002000 4011 0000 0a000001 0a000002 01020304", false, 24, 1, ErrFragment},
		{"IPv6 fragment", "60000000 0008 2c 40 " + strings.Repeat("00", 32) + "1100000100000000", false, 24, 1, ErrFragment},
		{"source route to follow", "4700001c 00000000 4011 0000 0a000001 0a000002 830704 0a000003 00", false, 24, 1, ErrRouted},
		{"source route at its end", "4700001c 00000000 4011 0000 0a000001 0a000002 830708 0a000003 00", false, 24, 1, nil},
		{"source route cut off", "46000018 00000000 4011 0000 0a000001 0a000002 83020000", false, 24, 1, ErrMalformed},
		{"option of length 0", "46000018 00000000 4011 0000 0a000001 0a000002 07000000", false, 24, 1, ErrMalformed},
		{"option longer than the header", "46000018 00000000 4011 0000 0a000001 0a000002 07050000", false, 24, 1, ErrMalformed},
		{"option without length", "46000018 00000000 4011 0000 0a000001 0a000002 01010107", false, 24, 1, ErrMalformed},
		{"IPv6 routing to follow", "60000000 0008 2b 40 " + strings.Repeat("00", 32) + "1100000100000000", false, 24, 1, ErrRouted},
		{"IPv6 extension cut off", "60000000 0008 2b 40 " + strings.Repeat("00", 32) + "1101000000000000", false, 24, 1, ErrMalformed},
		{"IPv6 option cut off", "60000000 0008 00 40 " + strings.Repeat("00", 32) + "1100010500000000", false, 24, 1, ErrMalformed},
		{"IPv6 hop-by-hop in the wrong place", "60000000 0010 2b 40 " + strings.Repeat("00", 32) + "00000000000000001100010400000000", false, 24, 1, ErrMalformed},
	} {
		in := unhex(t, c.in)
		buf := append(make([]byte, c.room), in...)
		before := bytes.Clone(buf)
		_, err := mustNew(t, "sha1-96", c.esn).Protect(buf, c.room, c.seq)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
		if c.err != nil && !bytes.Equal(buf, before) {
			t.Errorf("%s: refused, but changed the packet", c.name)
		}
	}
	big := unhex(t, v4+strings.Repeat("00", 65535-24))
	big[2], big[3] = 0xff, 0xff
	if _, err := mustNew(t, "sha1-96", false).Protect(append(make([]byte, 24), big...), 24, 1); !errors.Is(err, ErrTooBig) {
		t.Errorf("65,535 bytes: %v", err)
	}
	if _, _, err := Find(unhex(t, v4)); !errors.Is(err, ErrMalformed) {
		t.Errorf("found an AH where there is none: %v", err)
	}
}

// TestPaddedTo8 verifies what peers send that pad AH to 8 bytes in IPv4 too.
func TestPaddedTo8(t *testing.T) {
	for extra, want := range map[int]error{-4: ErrMalformed, 0: nil, 4: nil, 8: ErrMalformed} {
		x := mustNew(t, "sha2_256-128", false)
		size := fixedLen + 16 + extra
		packet := append(unhex(t, "45000000 00000000 4033 0000 0a000001 0a000002"), make([]byte, size)...)
		packet = append(packet, "payload"...)
		packet[3] = byte(len(packet))
		copy(packet[20:], []byte{17, byte(size/4 - 2), 0, 0, 0, 0, 3, 0, 0, 0, 0, 1})
		if extra > 0 {
			packet[20+size-1] = 0x77 // whatever it is, the ICV covers it
		}
		checksum(packet)
		ip, _, err := find(packet)
		if err != nil {
			t.Fatal(err)
		}
		if extra >= 0 {
			s := x.states.Get()
			if err := s.mute(ip, packet); err != nil {
				t.Fatal(err)
			}
			x.digest(s, packet, ip, size, 0)
			s.mac.Sum(packet[32:48])
		}
		got, err := x.Verify(packet, 0)
		if !errors.Is(err, want) || err == nil && string(got[20:]) != "payload" {
			t.Errorf("%d bytes of padding: %q, %v", extra, got, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Params{Auth: "sha1-96", AuthKey: []byte("hush")}); err == nil || !strings.Contains(err.Error(), "has 4 bytes, expected 20") || strings.Contains(err.Error(), "hush") {
		t.Error(err)
	}
	if _, err := New(Params{}); err == nil || !strings.Contains(err.Error(), "expected one of md5-96") {
		t.Error(err)
	}
}

func TestHeadroom(t *testing.T) {
	for _, a := range algorithm.Auths() {
		x := mustNew(t, a.Name, false)
		for _, ipv6 := range []bool{false, true} {
			if n := x.HeaderLen(ipv6); n > Headroom || n < fixedLen+a.ICV || n%4 != 0 || ipv6 && n%8 != 0 {
				t.Errorf("%s, IPv6 %v: %d", a.Name, ipv6, n)
			}
		}
	}
}

func TestNoAllocation(t *testing.T) {
	for _, a := range algorithm.Auths() {
		for _, c := range cases() {
			x := mustNew(t, a.Name, true)
			in := unhex(t, c.in)
			checksum(in)
			buf := make([]byte, Headroom+len(in))
			n := testing.AllocsPerRun(20, func() {
				copy(buf[Headroom:], in)
				packet, err := x.Protect(buf, Headroom, 1)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := x.Verify(packet, 1); err == nil {
					t.Fatal("another high half goes through")
				}
				if _, err := x.Verify(packet, 0); err != nil {
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("%s, %s: %v allocations", a.Name, c.name, n)
			}
		}
	}
}
