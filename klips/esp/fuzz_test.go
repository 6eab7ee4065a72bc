package esp

import (
	"bytes"
	"testing"
)

// FuzzOpen opens any bytes under every combination of algorithms. What opens
// must be what sealing gives, and no bytes may panic.
func FuzzOpen(f *testing.F) {
	var all []*alone
	for i, p := range combinations() {
		p.ESN = i%2 == 1
		x := mustNew(f, p)
		all = append(all, x)
		packet, err := x.Seal(make([]byte, 0, 200), append(counting(50), make([]byte, Tailroom)...)[:50], 4, 1)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet, uint32(0))
	}
	f.Add([]byte{}, uint32(0))
	f.Add(make([]byte, 8), uint32(1))
	f.Fuzz(func(t *testing.T, packet []byte, high uint32) {
		SPI(packet)
		Seq(packet)
		for _, x := range all {
			data := bytes.Clone(packet)
			payload, _, err := x.Open(data, high)
			if err == nil && x.Len(len(payload)) > len(packet) {
				t.Errorf("%v: %d bytes opened to %d", x.p, len(packet), len(payload))
			}
		}
	})
}

// FuzzPlain has the ICV always right, so that what lies behind it is reached:
// pad lengths, padding, next headers.
func FuzzPlain(f *testing.F) {
	x := mustNew(f, Params{SPI: 1, Enc: "null", Auth: "sha1-96", AuthKey: counting(20)})
	f.Add([]byte{1, 2, 2, 4})
	f.Add([]byte{0, 0, 255, 4})
	f.Fuzz(func(t *testing.T, plain []byte) {
		packet := append(make([]byte, headerLen), plain...)
		packet = append(packet, make([]byte, 12)...)
		states := x.suite.(several)
		one := states.Get()
		s := one.(*separate)
		s.digest(packet[:len(packet)-12], 0)
		s.mac.Sum(packet[len(packet)-12:])
		states.Put(one)
		payload, next, err := x.Open(packet, 0)
		if err != nil {
			return
		}
		pad := plain[len(payload) : len(plain)-2]
		if next != plain[len(plain)-1] || len(pad) != int(plain[len(plain)-2]) || string(pad) != padding[:len(pad)] {
			t.Errorf("%x opened to %x, next %d", plain, payload, next)
		}
	})
}
