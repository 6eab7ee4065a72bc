package offer

import (
	"bytes"
	"encoding/hex"
	"os"
	"testing"

	"ipsec/conf/proposal"
	"ipsec/pluto/ikev2/message"
)

// strongSwan offers its defaults, and answers itself; see message/testdata.
func TestStrongSwan(t *testing.T) {
	text, err := os.ReadFile("../message/testdata/strongswan-psk.txt")
	if err != nil {
		t.Fatal(err)
	}
	var request, response *message.Message
	for line := range bytes.Lines(text) {
		word, digits, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if len(word) != 1 || word[0] == '#' || response != nil {
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
		if request == nil {
			request = m
		} else {
			response = m
		}
	}
	offer, ke := message.First[*message.SA](request.Payloads), message.First[*message.KE](request.Payloads)
	for _, tt := range []struct{ accept, want string }{
		{"", "aes_cbc_128-hmac_sha2_256_128-hmac_sha2_256-curve25519"},
		{"aes256gcm16-prfsha384-ecp384", "key exchange of group curve25519, expected ecp384"},
		{"chacha20poly1305-prfsha512-curve25519", "chacha20_poly1305-hmac_sha2_512-curve25519"},
		{"aes256-sha512-modp4096-curve25519", "aes_cbc_256-hmac_sha2_512_256-hmac_sha2_512-curve25519"},
		{"aes128-sha1-curve25519", "aes_cbc_128-hmac_sha1_96-hmac_sha1-curve25519"},
	} {
		list := proposal.List{}
		if tt.accept != "" {
			if list, err = proposal.ParseIKE(tt.accept); err != nil {
				t.Fatal(err)
			}
		}
		p, err := ForIKE(list)
		if err != nil {
			t.Fatal(err)
		}
		chosen, err := p.Choose(offer, ke.Group)
		got := chosen.String()
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("ike=%s: got %s, want %s", tt.accept, got, tt.want)
		}
	}
	// The answer is one of what was offered, so it is of ours when we offer the same.
	ours := ike(t, "aes128-sha256-curve25519")
	chosen, err := ours.Check(message.First[*message.SA](response.Payloads), ke.Group)
	if err != nil || chosen.String() != "aes_cbc_128-hmac_sha2_256_128-hmac_sha2_256-curve25519" {
		t.Errorf("%s, %v", chosen, err)
	}
}
