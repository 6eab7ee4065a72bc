package message

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// FuzzParse parses any bytes. What is taken comes out the same after having been
// written again.
func FuzzParse(f *testing.F) {
	for _, p := range onePayloads() {
		b, err := (&Message{testHeader, []Payload{p}}).Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, c := range captures(f) {
		for _, m := range c.messages {
			f.Add(m.wire)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(slices.Clip(b)) // so that nothing beyond it can be looked at
		if err != nil {
			checkError(t, err)
			return
		}
		again, err := m.Marshal()
		if err != nil {
			t.Fatalf("what was taken cannot be sent: %v", err)
		}
		n, err := Parse(again)
		if err != nil {
			t.Fatalf("what was sent is not taken: %v", err)
		}
		if n.Header != m.Header || !same(n.Payloads, m.Payloads) {
			t.Errorf("%+v came back as %+v", m, n)
		}
		_, _ = m.Open(toy{"k"})
	})
}

// checkError holds the errors of Parse to their three kinds and to one line.
func checkError(t *testing.T, err error) {
	t.Helper()
	var syntax *SyntaxError
	var critical *CriticalError
	var version *VersionError
	if !errors.As(err, &syntax) && !errors.As(err, &critical) && !errors.As(err, &version) {
		t.Errorf("an error of another kind: %#v", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("an error of more than one line: %q", err)
	}
}

// FuzzOpen parses any bytes as what a peer has encrypted.
func FuzzOpen(f *testing.F) {
	for _, p := range onePayloads() {
		b, err := appendPayloads(nil, []Payload{p})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(p.Type()), b)
	}
	f.Fuzz(func(t *testing.T, first byte, plaintext []byte) {
		if len(plaintext) > MaxMessage-100 {
			return
		}
		m, err := Parse(seal(nil, testHeader, PayloadType(first), plaintext, toy{"k"}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Open(toy{"k"}); err != nil {
			checkError(t, err)
		}
	})
}

// FuzzReassembly hands fragments of two cuts of one message, and of another
// message, to a Reassembler in any order, some of them forged. Whatever comes
// out of it whole is a message that was sent.
func FuzzReassembly(f *testing.F) {
	f.Add([]byte{0, 1, 2})
	f.Add([]byte{2, 1, 1, 0})
	f.Add([]byte{0, 3, 4, 5, 6, 7, 8})
	f.Add([]byte{0, 9, 10, 11})
	f.Add([]byte{0, 0x81, 1, 2})
	next := testHeader
	next.MessageID++
	f.Fuzz(func(t *testing.T, order []byte) {
		sent := append(cut(t, testHeader, 1000, 500), cut(t, testHeader, 1000, 300)...)
		sent = append(sent, cut(t, next, 1001, 600)...)
		var r Reassembler
		for _, o := range order {
			m := sent[int(o&0x7f)%len(sent)]
			body := m.Payloads[0].(*EncryptedFragment).Body
			if o&0x80 != 0 {
				body[0] ^= 1
			}
			payloads, done, err := r.Add(m, toy{"k"})
			if o&0x80 != 0 {
				body[0] ^= 1
				if done || err == nil {
					t.Fatalf("a forged fragment was taken: %v, %v", done, err)
				}
			}
			if done && !same(payloads, authPayloads(1000+int(m.MessageID-testHeader.MessageID))) {
				t.Fatalf("message %d came out as %+v", m.MessageID, payloads)
			}
			if len(r.parts) > MaxFragments || r.size > MaxMessage {
				t.Fatalf("%d fragments, %d bytes are kept", len(r.parts), r.size)
			}
		}
	})
}
