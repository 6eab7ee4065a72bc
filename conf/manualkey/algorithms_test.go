package manualkey_test

import (
	"testing"

	"ipsec/conf/manualkey"
)

func TestParseESP(t *testing.T) {
	for _, tt := range []struct {
		in, enc, auth string
		bits          int
	}{
		{"3des", "3des", "", 192},
		{"3des-md5-96", "3des", "md5-96", 192},
		{"3des-sha1-96", "3des", "sha1-96", 192},
		{"3DES-SHA1", "3des", "sha1-96", 192},
		{"3des_cbc-hmac_md5", "3des", "md5-96", 192},
		{"aes-sha1-96", "aes", "sha1-96", 0},
		{"aes-sha1", "aes", "sha1-96", 0},
		{"aes-md5-96", "aes", "md5-96", 0},
		{"aes128-sha1", "aes", "sha1-96", 128},
		{"aes-128-sha1-96", "aes", "sha1-96", 128},
		{"aes_cbc128-sha1", "aes", "sha1-96", 128},
		{"aes192-sha2_256", "aes", "sha2_256-128", 192},
		{"aes256-sha256", "aes", "sha2_256-128", 256},
		{"aes256-sha256_96", "aes", "sha2_256-96", 256},
		{"aes256-sha2_256-96", "aes", "sha2_256-96", 256},
		{"aes256-sha2", "aes", "sha2_256-128", 256},
		{"aes256-sha384", "aes", "sha2_384-192", 256},
		{"aes256-hmac_sha2_512", "aes", "sha2_512-256", 256},
		{"aes256-sha2_512_256", "aes", "sha2_512-256", 256},
		{"aes256ctr-sha1", "aesctr", "sha1-96", 256},
		{"aes_ctr128-sha2_256", "aesctr", "sha2_256-128", 128},
		{"aes128gcm16", "aesgcm16", "", 128},
		{"aes128gcm128", "aesgcm16", "", 128},
		{"aes256gcm16!", "aesgcm16", "", 256},
		{"aes256gcm12", "aesgcm12", "", 256},
		{"aes192gcm64", "aesgcm8", "", 192},
		{"aes_gcm_c-128-null", "aesgcm16", "", 128},
		{"aes_gcm_c_256-null", "aesgcm16", "", 256},
		{"aes_gcm_b-256", "aesgcm12", "", 256},
		{"aes_gcm_a-128", "aesgcm8", "", 128},
		{"aes_gcm128", "aesgcm16", "", 128},
		{"aes_gcm256-null", "aesgcm16", "", 256},
		{"aes_gcm", "aesgcm16", "", 0},
		{"aes_gcm_16_192", "aesgcm16", "", 192},
		{"aesgcm12128", "aesgcm12", "", 128},
		{"aes128ccm16", "aesccm16", "", 128},
		{"aes256ccm96", "aesccm12", "", 256},
		{"aes192ccm8", "aesccm8", "", 192},
		{"aes_ccm_a-128-null", "aesccm8", "", 128},
		{"aes_ccm_c_256", "aesccm16", "", 256},
		{"aes_ccm", "aesccm16", "", 0},
		{"aes128-aes_xcbc", "aes", "aes_xcbc-96", 128},
		{"aes128-aesxcbc", "aes", "aes_xcbc-96", 128},
		{"aes_ctr256-aes_xcbc-96", "aesctr", "aes_xcbc-96", 256},
		{"aes256-aes_cmac_96", "aes", "aes_cmac-96", 256},
		{"aes-aescmac", "aes", "aes_cmac-96", 0},
		{"null-aes_cmac", "null", "aes_cmac-96", 0},
		{"chacha20poly1305", "chacha20poly1305", "", 256},
		{"chacha20_poly1305-null", "chacha20poly1305", "", 256},
		{"null-sha1-96", "null", "sha1-96", 0},
		{"null_sha2_256", "null", "sha2_256-128", 0},

		{"", "", "", 0},
		{"null", "", "", 0},
		{"null-null", "", "", 0},
		{"des-md5-96", "", "", 0},
		{"aes128", "aes", "", 128},
		{"aes512-sha1", "", "", 0},
		{"aes128gcm16-sha1", "", "", 0},
		{"aes128gcm20", "", "", 0},
		{"aes128ccm16-sha1", "", "", 0},
		{"aes128ccm4", "", "", 0},
		{"aes128-hmac_aes_xcbc", "", "", 0},
		{"aes128-aes_xcbc_128", "", "", 0},
		{"aes128-sha1-128", "", "", 0},
		{"aes128-md5-128", "", "", 0},
		{"aes128-aes256", "", "", 0},
		{"aes128gcm16256", "", "", 0},
		{"aes128cbc16-sha1", "", "", 0},
		{"aes128-sha1,3des-sha1", "", "", 0},
		{"aes128-sha1;modp2048", "", "", 0},
	} {
		enc, auth, bits, err := manualkey.ParseESP(tt.in)
		if enc != tt.enc || auth != tt.auth || bits != tt.bits || (err != nil) != (tt.enc == "") {
			t.Errorf("ParseESP(%q) = %q, %q, %d, %v; want %q, %q, %d", tt.in, enc, auth, bits, err, tt.enc, tt.auth, tt.bits)
		}
	}
}

func TestParseAH(t *testing.T) {
	for in, want := range map[string]string{
		"hmac-md5-96": "md5-96", "md5": "md5-96", "hmac-sha1-96": "sha1-96", "sha": "sha1-96", "sha2_256": "sha2_256-128",
		"hmac-sha2-256-96": "sha2_256-96", "sha384": "sha2_384-192", "sha2_512": "sha2_512-256",
		"aes_xcbc": "aes_xcbc-96", "aes-xcbc-96": "aes_xcbc-96", "aescmac": "aes_cmac-96", "aes_cmac_96": "aes_cmac-96",
		"": "", "null": "", "3des": "", "sha1-128": "", "md5,sha1": "",
	} {
		if got, err := manualkey.ParseAH(in); got != want || (err != nil) != (want == "") {
			t.Errorf("ParseAH(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func FuzzAlgorithms(f *testing.F) {
	for _, s := range []string{"3des-md5-96", "aes_gcm_c-128-null", "aes256ctr-sha1", "null-sha1", "hmac-sha1-96", "", "aes"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		enc, auth, bits, err := manualkey.ParseESP(s)
		if (err == nil) != (enc != "") || err != nil && (auth != "" || bits != 0) {
			t.Fatalf("ParseESP(%q) = %q, %q, %d, %v", s, enc, auth, bits, err)
		}
		if auth, err := manualkey.ParseAH(s); (err == nil) != (auth != "") {
			t.Fatalf("ParseAH(%q) = %q, %v", s, auth, err)
		}
	})
}
