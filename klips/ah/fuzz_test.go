package ah

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"ipsec/klips/algorithm"
)

// FuzzPackets protects and verifies any bytes: no panic, and what can be
// protected comes back as it was.
func FuzzPackets(f *testing.F) {
	for _, c := range cases() {
		f.Add(unhex(f, c.in))
		if !strings.Contains(c.out, "XXXX") {
			f.Add(unhex(f, strings.Replace(c.out, "AAAA", strings.Repeat("00", 12), 1)))
		}
	}
	x := mustNew(f, "sha2_256-128", true)
	f.Fuzz(func(t *testing.T, in []byte) {
		Find(in)
		if _, err := x.Verify(bytes.Clone(in), 0); err == nil {
			t.Fatal("an ICV was guessed")
		}
		packet, err := x.Protect(append(make([]byte, Headroom), in...), Headroom, 1)
		if err != nil {
			return
		}
		if len(in) > 0 && in[0]>>4 == 4 {
			in = bytes.Clone(in)
			checksum(in)
		}
		back, err := x.Verify(packet, 0)
		if err != nil || !bytes.Equal(back, in) {
			t.Errorf("%x came back as %x, %v", in, back, err)
		}
	})
}

func BenchmarkAH(b *testing.B) {
	for _, a := range algorithm.Auths() {
		for _, n := range []int{84, 1420} {
			b.Run(fmt.Sprintf("%s/%d", a.Name, n), func(b *testing.B) {
				x := mustNew(b, a.Name, false)
				in := make([]byte, n)
				copy(in, unhex(b, "45000000 00000000 4011 0000 0a000001 0a000002"))
				in[2], in[3] = byte(n>>8), byte(n)
				buf := make([]byte, Headroom+n)
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					copy(buf[Headroom:], in)
					if _, err := x.Protect(buf, Headroom, 1); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
