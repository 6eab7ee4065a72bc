package ipcomp

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

func text(n int) []byte {
	return []byte(strings.Repeat("the quick brown fox jumps over the lazy dog, 0123456789. ", n/50+1)[:n])
}

func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{})
	r.Read(b)
	return b
}

func TestRoundTrip(t *testing.T) {
	x := New(Deflate)
	for _, n := range []int{200, 500, 1400, 9000, 65535} {
		payload := text(n)
		if _, ok := x.Compress([]byte("before")[:6:6], payload, 17); ok {
			t.Errorf("%d bytes fit no room at all", n)
		}
		packet, ok := x.Compress(append(make([]byte, 0, n), "before"...), payload, 17)
		if !ok {
			t.Errorf("%d bytes of text do not shrink", n)
			continue
		}
		if string(packet[:6]) != "before" {
			t.Errorf("wrote over %q", packet[:6])
		}
		packet = packet[6:]
		if len(packet) >= n || packet[0] != 17 || packet[1] != 0 || CPI(packet) != Deflate {
			t.Errorf("%d bytes became %d with the header %x", n, len(packet), packet[:4])
		}
		got, next, err := x.Decompress(append(make([]byte, 0, n+2), "go"...), packet)
		if err != nil || next != 17 || !bytes.Equal(got[2:], payload) || string(got[:2]) != "go" {
			t.Errorf("%d bytes decompressed to %d, next %d, %v", n, len(got)-2, next, err)
		}
		// RFC 2394, section 2: it is raw DEFLATE that anyone reads.
		plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(packet[4:])))
		if err != nil || !bytes.Equal(plain, payload) {
			t.Errorf("%d bytes: not raw DEFLATE: %v", n, err)
		}
	}
}

// TestPublished decompresses the fixed-Huffman block that RFC 1951, section
// 3.2.6, gives for "hello world" and that zlib makes.
func TestPublished(t *testing.T) {
	packet := []byte("\x06\x00\x00\x02\xcb\x48\xcd\xc9\xc9\x57\x28\xcf\x2f\xca\x49\x01\x00")
	got, next, err := New(Deflate).Decompress(make([]byte, 0, 100), packet)
	if err != nil || next != 6 || string(got) != "hello world" {
		t.Errorf("%q, %d, %v", got, next, err)
	}
}

func TestNotWorthIt(t *testing.T) {
	x := New(Deflate)
	for name, payload := range map[string][]byte{
		"empty":           {},
		"short":           text(Threshold - 1),
		"noise":           noise(1400),
		"noise, 64 KB":    noise(65535),
		"noise, then one": append(noise(200), 'a'),
	} {
		if packet, ok := x.Compress(make([]byte, 0, 70000), payload, 4); ok {
			t.Errorf("%s: %d bytes became %d", name, len(payload), len(packet))
		}
	}
	// What failed leaves nothing behind for the next packet.
	if _, ok := x.Compress(make([]byte, 0, 1500), text(1400), 4); !ok {
		t.Error("text after noise does not shrink")
	}
}

func TestBomb(t *testing.T) {
	var bomb bytes.Buffer
	bomb.Write([]byte{4, 0, 0, 2})
	w, err := flate.NewWriter(&bomb, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 10<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	x := New(Deflate)
	buf := make([]byte, 0, 65535)
	if _, _, err := x.Decompress(buf, bomb.Bytes()); !errors.Is(err, ErrTooBig) {
		t.Errorf("%d bytes that grow to 10 MB: %v", bomb.Len(), err)
	}
	for size, want := range map[int]error{999: ErrTooBig, 1000: nil, 1001: nil} {
		packet, ok := x.Compress(make([]byte, 0, 1000), text(1000), 4)
		if !ok {
			t.Fatal("text does not shrink")
		}
		if _, _, err := x.Decompress(make([]byte, 0, size), packet); !errors.Is(err, want) {
			t.Errorf("1000 bytes into %d: %v", size, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	x := New(Deflate)
	packet, ok := x.Compress(make([]byte, 0, 1500), text(1400), 4)
	if !ok {
		t.Fatal("text does not shrink")
	}
	for n := range len(packet) {
		if _, _, err := x.Decompress(make([]byte, 0, 2000), packet[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("the first %d bytes of %d: %v", n, len(packet), err)
		}
	}
	if _, _, err := x.Decompress(make([]byte, 0, 2000), []byte{4, 0, 0, 2, 3, 0}); !errors.Is(err, ErrMalformed) {
		t.Errorf("an empty payload: %v", err)
	}
	if got, _, err := x.Decompress(make([]byte, 0, 2000), packet); err != nil || !bytes.Equal(got, text(1400)) {
		t.Errorf("the whole packet after all those: %v", err)
	}
}

func TestNoAllocation(t *testing.T) {
	x := New(Deflate)
	payload, hard := text(1400), noise(1400)
	out, back := make([]byte, 0, 2000), make([]byte, 0, 2000)
	n := testing.AllocsPerRun(50, func() {
		if _, ok := x.Compress(out, hard, 4); ok {
			t.Fatal("noise shrinks")
		}
		packet, ok := x.Compress(out, payload, 4)
		if !ok {
			t.Fatal("text does not shrink")
		}
		if _, _, err := x.Decompress(back, packet); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDecompress(f *testing.F) {
	packet, _ := New(Deflate).Compress(make([]byte, 0, 1500), text(1400), 4)
	f.Add(packet)
	f.Add([]byte{4, 0, 0, 2, 3, 0})
	f.Add([]byte{})
	x := New(Deflate)
	f.Fuzz(func(t *testing.T, packet []byte) {
		const limit = 5000
		got, _, err := x.Decompress(make([]byte, 0, limit), packet)
		if err == nil && (len(got) == 0 || len(got) > limit) {
			t.Errorf("decompressed to %d bytes", len(got))
		}
	})
}

func BenchmarkCompress(b *testing.B) {
	x, payload, out := New(Deflate), text(1400), make([]byte, 0, 2000)
	b.SetBytes(1400)
	for b.Loop() {
		x.Compress(out, payload, 4)
	}
}

func BenchmarkDecompress(b *testing.B) {
	x, back := New(Deflate), make([]byte, 0, 2000)
	packet, _ := x.Compress(make([]byte, 0, 2000), text(1400), 4)
	b.SetBytes(1400)
	for b.Loop() {
		x.Decompress(back, packet)
	}
}
