package message

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func authPayloads(certBytes int) []Payload {
	return []Payload{
		&ID{true, 2, []byte("west.example")},
		&Cert{CertX509, bytes.Repeat([]byte{0x30}, certBytes)},
		&Auth{AuthSignature, []byte("signature")},
		&Notify{MessageType: InitialContact},
	}
}

func mustParse(t testing.TB, b []byte) *Message {
	t.Helper()
	m, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSealAndOpen(t *testing.T) {
	for _, payloads := range [][]Payload{nil, authPayloads(100), {&Delete{Protocol: ProtocolIKE}}} {
		b, err := Seal([]byte("before"), testHeader, payloads, toy{"k"})
		if err != nil {
			t.Fatal(err)
		}
		b = b[len("before"):]
		m := mustParse(t, b)
		got, err := m.Open(toy{"k"})
		if err != nil || m.Header != testHeader || !same(got, payloads) {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := m.Open(toy{"other"}); !errors.Is(err, errToy) {
			t.Errorf("with another key: %v", err)
		}
		// Each byte of the message is authenticated, save those whose change
		// makes it another message altogether.
		for i := range b {
			forged := bytes.Clone(b)
			forged[i] ^= 0x20
			if m, err := Parse(forged); err == nil {
				if _, err = m.Open(toy{"k"}); err == nil {
					t.Errorf("byte %d changed, and nobody noticed", i)
				}
			}
		}
	}
}

func TestOpenFails(t *testing.T) {
	sealed := func(first PayloadType, plaintext ...byte) []byte {
		return seal(nil, testHeader, first, plaintext, toy{"k"})
	}
	for _, tt := range []struct {
		message []byte
		want    string
	}{
		{wire(t, TypeVendorID, "00000004"), "malformed message: no SK payload in IKE_AUTH request 7"},
		{sealed(TypeKE, 0, 0, 0, 4), "malformed KE: 0 bytes, its fixed fields have 4"},
		{sealed(TypeNone, 0), "malformed message: 1 bytes follow its last payload"},
		{sealed(TypeEncrypted, 0, 0, 0, 4), "malformed SK: SK inside of it"},
		{sealed(TypeEncryptedFragment, 0, 0, 0, 8, 0, 1, 0, 1), "malformed SK: SKF inside of it"},
		{sealed(99, 0, 0x80, 0, 4), "critical payload of the unknown type 99"},
		{wire(t, TypeEncrypted, "00000004"), "failed to open SK: wrong ICV"},
	} {
		if _, err := mustParse(t, tt.message).Open(toy{"k"}); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	if _, err := Seal(nil, testHeader, []Payload{&Cert{CertX509, make([]byte, 65500)}}, toy{}); err == nil {
		t.Error("a message that is too long was sealed")
	}
}

func TestFragments(t *testing.T) {
	for _, size := range []int{100, 101, 548, 1232, 1233} {
		payloads := authPayloads(6000)
		messages, err := SealFragments(testHeader, payloads, toy{"k"}, size)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			if len(m) > size {
				t.Errorf("a fragment of %d bytes, at most %d were wanted", len(m), size)
			}
		}
		rng := rand.New(rand.NewPCG(1, uint64(size)))
		rng.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
		var r Reassembler
		for i, b := range messages {
			got, done, err := r.Add(mustParse(t, b), toy{"k"})
			if err != nil || done != (i == len(messages)-1) {
				t.Fatalf("fragment %d of %d: %v, %v", i+1, len(messages), done, err)
			}
			if done && !same(got, payloads) {
				t.Errorf("got %+v", got)
			}
		}
		if r.parts != nil {
			t.Error("the fragments are kept after the message is whole")
		}
	}
}

func TestSealFragmentsOfOne(t *testing.T) {
	payloads := authPayloads(100)
	whole, err := Seal(nil, testHeader, payloads, toy{"k"})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := SealFragments(testHeader, payloads, toy{"k"}, len(whole))
	if err != nil || len(messages) != 1 || !bytes.Equal(messages[0], whole) {
		t.Errorf("%d messages, %v; want one with SK", len(messages), err)
	}
	messages, err = SealFragments(testHeader, payloads, toy{"k"}, len(whole)-1)
	if err != nil || len(messages) < 2 {
		t.Errorf("%d messages, %v; want two", len(messages), err)
	}
	for _, size := range []int{-1, 0, 36, 83} {
		if _, err := SealFragments(testHeader, payloads, toy{"k"}, size); err == nil {
			t.Errorf("fragments of %d bytes were made", size)
		}
	}
	if _, err := SealFragments(testHeader, authPayloads(60000), toy{"k"}, 200); err == nil {
		t.Error("more fragments than anybody takes were made")
	}
}

// cut makes fragments of a message of n bytes of certificate.
func cut(t testing.TB, h Header, n, size int) []*Message {
	t.Helper()
	messages, err := SealFragments(h, authPayloads(n), toy{"k"}, size)
	if err != nil {
		t.Fatal(err)
	}
	var all []*Message
	for _, b := range messages {
		all = append(all, mustParse(t, b))
	}
	return all
}

func TestReassembly(t *testing.T) {
	next := testHeader
	next.MessageID++
	coarse, fine, later := cut(t, testHeader, 1000, 500), cut(t, testHeader, 1000, 250), cut(t, next, 1000, 500)
	if len(coarse) != 3 || len(fine) != 6 || len(later) != 3 {
		t.Fatalf("%d, %d, %d fragments", len(coarse), len(fine), len(later))
	}
	forged := cut(t, testHeader, 1000, 100)[0]
	forged.Payloads[0].(*EncryptedFragment).Body[20] ^= 1

	const ok, whole, out, bad = "kept", "whole", "left out", "refused"
	type step struct {
		m    *Message
		want string
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"twice the same", []step{{coarse[0], ok}, {coarse[0], out}, {coarse[1], ok}, {coarse[1], out}, {coarse[2], whole}}},
		{"a finer cut starts anew", []step{{coarse[0], ok}, {coarse[1], ok}, {fine[5], ok}, {coarse[2], out},
			{fine[0], ok}, {fine[1], ok}, {fine[2], ok}, {fine[3], ok}, {fine[4], whole}}},
		{"a coarser cut is left out", []step{{fine[0], ok}, {coarse[1], out}}},
		{"a forged one changes nothing", []step{{coarse[0], ok}, {coarse[1], ok}, {forged, bad}, {coarse[2], whole}}},
		{"another message takes the place", []step{{coarse[0], ok}, {later[1], ok}, {later[0], ok}, {later[2], whole}}},
		{"and so back again", []step{{later[0], ok}, {later[1], ok}, {coarse[2], ok}, {coarse[1], ok}, {coarse[0], whole}}},
		{"a message once more", []step{{coarse[0], ok}, {coarse[1], ok}, {coarse[2], whole}, {coarse[0], ok}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r Reassembler
			for i, s := range tt.steps {
				payloads, done, err := r.Add(s.m, toy{"k"})
				got := ok
				switch {
				case errors.Is(err, ErrFragment):
					got = out
				case err != nil:
					got = bad
				case done:
					got = whole
				}
				if got != s.want {
					t.Fatalf("step %d: %s (%v), want %s", i+1, got, err, s.want)
				}
				if done && !same(payloads, authPayloads(1000)) {
					t.Errorf("got %+v", payloads)
				}
			}
		})
	}
}

func TestReassemblyLimits(t *testing.T) {
	fragment := func(number, total uint16, n int) *Message {
		prefix := testHeader.append(nil, TypeEncryptedFragment)
		prefix = append(prefix, 0, 0, 0, 0, byte(number>>8), byte(number), byte(total>>8), byte(total))
		return &Message{testHeader, []Payload{&EncryptedFragment{Number: number, Total: total, prefix: prefix, Body: toy{"k"}.Seal(nil, prefix, make([]byte, n))}}}
	}
	var r Reassembler
	if _, _, err := r.Add(fragment(1, MaxFragments+1, 1), toy{"k"}); !errors.Is(err, ErrFragment) {
		t.Errorf("one of %d: %v", MaxFragments+1, err)
	}
	if _, done, err := r.Add(fragment(1, 3, 40000), toy{"k"}); err != nil || done {
		t.Fatal(done, err)
	}
	var syntax *SyntaxError
	if _, _, err := r.Add(fragment(2, 3, 40000), toy{"k"}); !errors.As(err, &syntax) {
		t.Errorf("80000 bytes of payloads: %v", err)
	}
	if r.parts != nil {
		t.Error("what is too much is kept")
	}
	if _, _, err := r.Add(mustParse(t, wire(t, TypeVendorID, "00000004")), toy{"k"}); !errors.As(err, &syntax) {
		t.Errorf("no fragment at all: %v", err)
	}
}

// A network that loses, doubles, and reorders, from a seed.
func TestReassemblyInAnyOrder(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 2))
		fragments := cut(t, testHeader, 500+rng.IntN(3000), 150+rng.IntN(400))
		sent := slices.Concat(fragments, fragments)
		rng.Shuffle(len(sent), func(i, j int) { sent[i], sent[j] = sent[j], sent[i] })
		var r Reassembler
		whole := 0
		for _, m := range sent {
			_, done, err := r.Add(m, toy{"k"})
			if err != nil && !errors.Is(err, ErrFragment) {
				t.Fatal(fmt.Errorf("seed %d: %w", seed, err))
			}
			if done {
				whole++
			}
		}
		if whole == 0 {
			t.Errorf("seed %d: %d fragments, none missing, and no message", seed, len(fragments))
		}
	}
}
