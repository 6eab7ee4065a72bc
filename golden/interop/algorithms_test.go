package interop

import "strings"

// suites are pairs of algorithms, in strongSwan's spelling and in ours.
func suites() []pairing {
	type suite struct{ ike, esp, theirIKE, theirESP string }
	var list []pairing
	for _, s := range []suite{
		{"aes128-sha1-modp2048", "aes128-sha1", "aes128-sha1-modp2048", "aes128-sha1"},
		{"aes128-sha256-modp2048", "aes128-sha256", "aes128-sha256-modp2048", "aes128-sha256"},
		{"aes192-sha256-modp3072", "aes192-sha256", "aes192-sha256-modp3072", "aes192-sha256"},
		{"aes256-sha384-modp4096", "aes256-sha384", "aes256-sha384-modp4096", "aes256-sha384"},
		{"aes256-sha512-ecp256", "aes256-sha512", "aes256-sha512-ecp256", "aes256-sha512"},
		{"aes256-sha512-ecp384", "aes128gcm16", "aes256-sha512-ecp384", "aes128gcm16"},
		{"aes128gcm16-prfsha256-ecp521", "aes256gcm16", "aes128gcm16-prfsha256-ecp521", "aes256gcm16"},
		{"aes256gcm16-prfsha384-curve25519", "aes256gcm12", "aes256gcm16-prfsha384-x25519", "aes256gcm12"},
		{"aes256gcm8-prfsha512-curve25519", "aes128gcm8", "aes256gcm8-prfsha512-x25519", "aes128gcm8"},
		{"aes128gcm12-prfsha256-curve25519", "aes192gcm16", "aes128gcm12-prfsha256-x25519", "aes192gcm16"},
		{"chacha20poly1305-prfsha256-curve25519", "chacha20poly1305", "chacha20poly1305-prfsha256-x25519", "chacha20poly1305"},
		{"aes128ccm16-prfsha256-curve25519", "aes128ccm16", "aes128ccm16-prfsha256-x25519", "aes128ccm16"},
		{"aes256ccm8-prfsha256-curve25519", "aes256ccm12", "aes256ccm8-prfsha256-x25519", "aes256ccm12"},
		{"aes128ctr-sha256-curve25519", "aes128ctr-sha256", "aes128ctr-sha256-x25519", "aes128ctr-sha256"},
		{"aes128-aesxcbc-curve25519", "aes128-aesxcbc", "aes128-aesxcbc-x25519", "aes128-aesxcbc"},
		{"aes128-aescmac-curve25519", "aes128-aescmac", "aes128-aescmac-x25519", "aes128-aescmac"},
		{"3des-sha1-modp1536", "3des-sha1", "3des-sha1-modp1536", "3des-sha1"},
		{"3des-md5-modp1024", "3des-md5", "3des-md5-modp1024", "3des-md5"},
		{"aes128-sha256-modp6144", "null-sha256", "aes128-sha256-modp6144", "null-sha256"},
		{"aes128-sha256-modp8192", "aes128-sha256-modp2048", "aes128-sha256-modp8192", "aes128-sha256-modp2048"},
	} {
		list = append(list, pairing{
			plain: strings.HasPrefix(s.esp, "null"),
			name:  "suite " + s.ike + " / " + s.esp,
			ours:  "ike=" + s.ike + "\nesp=" + s.esp,
			swan:  swan{conn: " proposals = " + s.theirIKE, child: " esp_proposals = " + s.theirESP},
		})
	}
	return list
}

// kernelSuites are those that another kernel's ESP is tried with.
func kernelSuites() []pairing {
	var list []pairing
	for _, p := range suites() {
		for _, esp := range []string{"aes128-sha1", "aes256-sha512", "aes128gcm16", "chacha20poly1305", "aes128ccm16", "aes128ctr-sha256", "3des-md5"} {
			if strings.HasSuffix(p.name, " / "+esp) {
				list = append(list, p)
			}
		}
	}
	return list
}
