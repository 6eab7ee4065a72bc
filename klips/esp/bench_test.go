package esp

import (
	"fmt"
	"testing"

	"ipsec/klips/algorithm"
)

// benchmarked returns one Params for each cipher, with SHA1 where it needs an
// authenticator, and the other authenticators over NULL.
func benchmarked() []Params {
	var all []Params
	for _, c := range algorithm.Ciphers() {
		if c.Name == "null" {
			continue
		}
		p := Params{SPI: 1, Enc: c.Name, EncKey: counting(c.Keys[0])}
		if !c.AEAD() {
			p.Auth, p.AuthKey = "sha1-96", counting(20)
		}
		all = append(all, p)
	}
	for _, a := range algorithm.Auths() {
		all = append(all, Params{SPI: 1, Enc: "null", Auth: a.Name, AuthKey: counting(a.Key)})
	}
	return all
}

func BenchmarkSeal(b *testing.B) {
	for _, p := range benchmarked() {
		for _, n := range []int{84, 1420} {
			b.Run(fmt.Sprintf("%s-%s/%d", p.Enc, p.Auth, n), func(b *testing.B) {
				x := mustNew(b, p)
				buf := make([]byte, Headroom+n+Tailroom)
				at := Headroom - x.HeaderLen()
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := x.Seal(buf[:at], buf[Headroom:][:n], 4, 1); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, p := range benchmarked() {
		for _, n := range []int{84, 1420} {
			b.Run(fmt.Sprintf("%s-%s/%d", p.Enc, p.Auth, n), func(b *testing.B) {
				x := mustNew(b, p)
				sealed, err := x.Seal(make([]byte, 0, x.Len(n)), make([]byte, n, n+Tailroom), 4, 1)
				if err != nil {
					b.Fatal(err)
				}
				packet := make([]byte, len(sealed))
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					copy(packet, sealed)
					if _, _, err := x.Open(packet, 0); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
