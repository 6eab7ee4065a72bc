package message

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ipsec/pluto/ikev2/keys"
	"ipsec/pluto/suite"
)

// A capture is what another implementation said to itself, with the keys.
type capture struct {
	name     string
	choice   suite.Choice
	keys     map[string][]byte // ei, er, ai, ar
	messages []captured
}

type captured struct {
	initiator bool
	wire      []byte
}

func captures(t testing.TB) []capture {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no captures in testdata: %v", err)
	}
	var all []capture
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c := capture{name: filepath.Base(name), keys: map[string][]byte{}}
		for line := range strings.Lines(string(text)) {
			word, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			if word == "#" {
				continue
			}
			if word == "suite" {
				n, err := fmt.Sscan(value, &c.choice.Encryption, &c.choice.KeyBits, &c.choice.Integrity, &c.choice.PRF, &c.choice.Group)
				if err != nil || n != 5 {
					t.Fatalf("%s: %q", name, line)
				}
				continue
			}
			b, err := hex.DecodeString(value)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if word == "i" || word == "r" {
				c.messages = append(c.messages, captured{word == "i", b})
			} else {
				c.keys[word] = b
			}
		}
		all = append(all, c)
	}
	return all
}

// protectors are those of the initiator's and of the responder's messages.
func (c capture) protectors(t testing.TB) (i, r Protector) {
	t.Helper()
	s, err := suite.New(c.choice)
	if err != nil {
		t.Fatal(err)
	}
	k := keys.Keys{Ei: c.keys["ei"], Er: c.keys["er"], Ai: c.keys["ai"], Ar: c.keys["ar"]}
	i, r, err = keys.Protectors(&s, k, true, bytes.NewReader(make([]byte, 64)))
	if err != nil {
		t.Fatal(err)
	}
	return i, r
}

// describe writes payloads as RFC 7296 does, with the names of notifications.
func describe(payloads []Payload) string {
	var words []string
	for _, p := range payloads {
		word := p.Type().String()
		if n, ok := p.(*Notify); ok {
			word = fmt.Sprintf("N(%s)", n.MessageType)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestCaptures(t *testing.T) {
	const (
		nat  = "N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP) "
		can  = "N(IKEV2_FRAGMENTATION_SUPPORTED) N(SIGNATURE_HASH_ALGORITHMS) "
		also = "N(CHILDLESS_IKEV2_SUPPORTED) N(MULTIPLE_AUTH_SUPPORTED)"
		more = "N(MOBIKE_SUPPORTED) N(NO_ADDITIONAL_ADDRESSES)"
		most = more + " N(MULTIPLE_AUTH_SUPPORTED) N(EAP_ONLY_AUTHENTICATION) N(IKEV2_MESSAGE_ID_SYNC_SUPPORTED)"
	)
	want := map[string][]string{
		"libreswan.txt": {
			"IKE_SA_INIT request 0: SA KE Nonce N(IKEV2_FRAGMENTATION_SUPPORTED) N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP)",
			"IKE_SA_INIT response 0: N(INVALID_KE_PAYLOAD)",
			"IKE_SA_INIT request 0: SA KE Nonce N(IKEV2_FRAGMENTATION_SUPPORTED) N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP)",
			"IKE_SA_INIT response 0: SA KE Nonce " + nat + "N(IKEV2_FRAGMENTATION_SUPPORTED) " + also,
			"IKE_AUTH request 1: IDi IDr AUTH SA TSi TSr",
			"IKE_AUTH response 1: IDr AUTH SA TSi TSr",
		},
		"strongswan-psk.txt": {
			"IKE_SA_INIT request 0: SA KE Nonce " + nat + can + "N(REDIRECT_SUPPORTED)",
			"IKE_SA_INIT response 0: SA KE Nonce " + nat + can + also,
			"IKE_AUTH request 1: IDi N(INITIAL_CONTACT) IDr AUTH SA TSi TSr " + most,
			"IKE_AUTH response 1: IDr AUTH SA TSi TSr " + more,
			"CREATE_CHILD_SA request 2: N(REKEY_SA) SA Nonce TSi TSr",
			"CREATE_CHILD_SA response 2: SA Nonce TSi TSr",
			"INFORMATIONAL request 3: D",
			"INFORMATIONAL response 3: D",
			"INFORMATIONAL request 4: D",
			"INFORMATIONAL response 4: ",
		},
		"strongswan-fragments.txt": {
			"IKE_SA_INIT request 0: SA KE Nonce " + nat + can + "N(REDIRECT_SUPPORTED)",
			"IKE_SA_INIT response 0: SA KE Nonce " + nat + "CERTREQ " + can + also,
			"…",
			"IKE_AUTH request 1: IDi CERT N(INITIAL_CONTACT) CERTREQ IDr AUTH SA TSi TSr " + most,
			"…",
			"IKE_AUTH response 1: IDr CERT AUTH " + more + " N(NO_PROPOSAL_CHOSEN)",
			"INFORMATIONAL request 2: D",
			"INFORMATIONAL response 2: ",
		},
	}
	for _, c := range captures(t) {
		t.Run(c.name, func(t *testing.T) {
			initiator, responder := c.protectors(t)
			var reassembler Reassembler
			var got []string
			for _, m := range c.messages {
				parsed := mustParse(t, m.wire)
				again, err := parsed.Marshal()
				if err != nil || !bytes.Equal(again, m.wire) {
					t.Errorf("%s comes out as\n%x, %v, and came in as\n%x", parsed.Header, again, err, m.wire)
				}
				if parsed.FromInitiator() != m.initiator {
					t.Errorf("%s: it is not clear who sent it", parsed.Header)
				}
				p := initiator
				if !m.initiator {
					p = responder
				}
				payloads := parsed.Payloads
				switch payloads[0].Type() {
				case TypeEncrypted:
					plaintext := openCopy(t, parsed, p)
					if payloads, err = parsed.Open(p); err != nil {
						t.Fatalf("%s: %v", parsed.Header, err)
					}
					if b, err := appendPayloads(nil, payloads); err != nil || !bytes.Equal(b, plaintext) {
						t.Errorf("%s: what is inside comes out as\n%x, %v, and came in as\n%x", parsed.Header, b, err, plaintext)
					}
				case TypeEncryptedFragment:
					var done bool
					if payloads, done, err = reassembler.Add(parsed, p); err != nil {
						t.Fatalf("%s: %v", parsed.Header, err)
					}
					if !done {
						got = append(got, "…")
						continue
					}
				}
				got = append(got, fmt.Sprintf("%s: %s", parsed.Header, describe(payloads)))
			}
			if !slices.Equal(got, want[c.name]) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want[c.name], "\n"))
			}
		})
	}
}

// openCopy opens a copy of the message, for Open may decrypt in place.
func openCopy(t testing.TB, m *Message, p Protector) []byte {
	t.Helper()
	sk := First[*Encrypted](m.Payloads)
	plaintext, err := p.Open(sk.prefix, bytes.Clone(sk.Body))
	if err != nil {
		t.Fatalf("%s: %v", m.Header, err)
	}
	return plaintext
}
