package message

import "testing"

// The first message of strongSwan with all that it offers, and how long it takes
// to read and to write it.
func firstMessage(b *testing.B) []byte {
	b.Helper()
	for _, c := range captures(b) {
		if c.name == "strongswan-psk.txt" {
			return c.messages[0].wire
		}
	}
	b.Fatal("no such capture")
	return nil
}

func BenchmarkParse(b *testing.B) {
	wire := firstMessage(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(wire); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	wire := firstMessage(b)
	m := mustParse(b, wire)
	dst := make([]byte, 0, len(wire))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Append(dst); err != nil {
			b.Fatal(err)
		}
	}
}
