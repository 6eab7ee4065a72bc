package offer

import (
	"bytes"
	"encoding/hex"
	"os"
	"testing"

	"ipsec/conf/proposal"
	"ipsec/pluto/ikev2/message"
)

// The first offers of other implementations, with their defaults, held against
// ours; see message/testdata.
func TestPeers(t *testing.T) {
	for _, tt := range []struct{ peer, accept, want string }{
		{"strongswan-psk", "", "aes_cbc_128-hmac_sha2_256_128-hmac_sha2_256-curve25519"},
		{"strongswan-psk", "aes256gcm16-prfsha384-ecp384", "key exchange of group curve25519, expected ecp384"},
		{"strongswan-psk", "chacha20poly1305-prfsha512-curve25519", "chacha20_poly1305-hmac_sha2_512-curve25519"},
		{"strongswan-psk", "aes256-sha512-modp4096-curve25519", "aes_cbc_256-hmac_sha2_512_256-hmac_sha2_512-curve25519"},
		{"strongswan-psk", "aes128-sha1-curve25519", "aes_cbc_128-hmac_sha1_96-hmac_sha1-curve25519"},
		{"libreswan", "", "aes_gcm_16_256-hmac_sha2_512-modp2048"},
		{"libreswan", "aes128gcm16-prfsha256-ecp256", "key exchange of group modp2048, expected ecp256"},
		{"libreswan", "aes256-sha256-modp2048", "aes_cbc_256-hmac_sha2_256_128-hmac_sha2_256-modp2048"},
		{"libreswan", "aes128-sha256-curve25519", "key exchange of group modp2048, expected curve25519"},
	} {
		list := proposal.List{}
		var err error
		if tt.accept != "" {
			if list, err = proposal.ParseIKE(tt.accept); err != nil {
				t.Fatal(err)
			}
		}
		p, err := ForIKE(list)
		if err != nil {
			t.Fatal(err)
		}
		request := captured(t, tt.peer)[0]
		chosen, err := p.Choose(message.First[*message.SA](request.Payloads), message.First[*message.KE](request.Payloads).Group)
		got := chosen.String()
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s, ike=%s:\n got %s\nwant %s", tt.peer, tt.accept, got, tt.want)
		}
	}
}

// What strongSwan chose of its own offer is what we take for an answer, had we
// offered the same.
func TestPeersAnswer(t *testing.T) {
	answer := captured(t, "strongswan-psk")[1]
	chosen, err := ike(t, "aes128-sha256-curve25519").Check(message.First[*message.SA](answer.Payloads), message.First[*message.KE](answer.Payloads).Group)
	if want := "aes_cbc_128-hmac_sha2_256_128-hmac_sha2_256-curve25519"; err != nil || chosen.String() != want {
		t.Errorf("got %s, %v, want %s", chosen, err, want)
	}
}

// captured returns the messages of a capture.
func captured(t *testing.T, name string) []*message.Message {
	t.Helper()
	text, err := os.ReadFile("../message/testdata/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	var messages []*message.Message
	for line := range bytes.Lines(text) {
		word, digits, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if s := string(word); s != "i" && s != "r" {
			continue
		}
		b, err := hex.DecodeString(string(digits))
		if err != nil {
			t.Fatal(err)
		}
		m, err := message.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, m)
	}
	return messages
}
