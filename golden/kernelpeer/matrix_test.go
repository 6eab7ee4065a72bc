package kernelpeer

// matrix is what is tried with the kernel.
var matrix = []pairing{
	{name: "3DES, MD5", esp: "3des-md5"},
	{name: "3DES, SHA-1", esp: "3des-sha1"},
	{name: "AES-128, SHA-1", esp: "aes128-sha1"},
	{name: "AES-192, SHA-1", esp: "aes192-sha1"},
	{name: "AES-256, SHA-256 of 128 bits", esp: "aes256-sha2_256"},
	{name: "AES-128, SHA-256 of 96 bits", esp: "aes128-sha2_256_96"},
	{name: "AES-128, SHA-384", esp: "aes128-sha2_384"},
	{name: "AES-256, SHA-512", esp: "aes256-sha2_512"},
	{name: "AES-128-CTR, SHA-1", esp: "aes128ctr-sha1"},
	{name: "AES-256-CTR, SHA-256", esp: "aes256ctr-sha2_256"},
	{name: "AES-128-GCM, ICV of 16 bytes", esp: "aes128gcm16"},
	{name: "AES-128-GCM, ICV of 12 bytes", esp: "aes128gcm12"},
	{name: "AES-128-GCM, ICV of 8 bytes", esp: "aes128gcm8"},
	{name: "AES-192-GCM", esp: "aes192gcm16"},
	{name: "AES-256-GCM", esp: "aes256gcm16"},
	{name: "AES-128-CCM, ICV of 16 bytes", esp: "aes128ccm16"},
	{name: "AES-128-CCM, ICV of 12 bytes", esp: "aes128ccm12"},
	{name: "AES-128-CCM, ICV of 8 bytes", esp: "aes128ccm8"},
	{name: "AES-192-CCM", esp: "aes192ccm16"},
	{name: "AES-256-CCM", esp: "aes256ccm16"},
	{name: "ChaCha20-Poly1305", esp: "chacha20poly1305"},
	{name: "AES-128, XCBC", esp: "aes128-aes_xcbc"},
	{name: "AES-256, CMAC", esp: "aes256-aes_cmac"},
	{name: "NULL, SHA-1", esp: "null-sha1"},

	{name: "transport, AES-128, SHA-1", esp: "aes128-sha1", transport: true},
	{name: "transport, AES-256-GCM", esp: "aes256gcm16", transport: true},
	{name: "transport, IPv6, AES-256, SHA-256", esp: "aes256-sha2_256", transport: true, outer: 6},
	{name: "transport, IPv6, ChaCha20-Poly1305", esp: "chacha20poly1305", transport: true, outer: 6},

	{name: "AH, MD5", ah: "md5", pings: "-Q 0xb8 -t 17"},
	{name: "AH, SHA-1", ah: "sha1"},
	{name: "AH, SHA-256", ah: "sha2_256"},
	{name: "AH, SHA-512", ah: "sha2_512"},
	{name: "AH, XCBC", ah: "aes_xcbc"},
	{name: "AH, CMAC", ah: "aes_cmac"},
	{name: "AH, transport, MD5", ah: "md5", transport: true, pings: "-Q 0xb8 -t 17"},
	{name: "AH, transport, SHA-1, IP options", ah: "sha1", transport: true, pings: "-R"},
	{name: "AH, transport, SHA-256", ah: "sha2_256", transport: true},
	{name: "AH, IPv6, SHA-256", ah: "sha2_256", outer: 6, inner: 6},
	{name: "AH, transport, IPv6, SHA-1", ah: "sha1", transport: true, outer: 6, pings: "-Q 0xb8 -t 17"},
	{name: "AH, transport, IPv6, XCBC", ah: "aes_xcbc", transport: true, outer: 6},
	{name: "AH, transport, IPv6, SHA-384", ah: "sha2_384", transport: true, outer: 6},

	{name: "ESP in AH", esp: "aes128-sha1", ah: "sha1"},
	{name: "ESP in AH, transport", esp: "3des-md5", ah: "md5", transport: true},
	{name: "ESP in AH, IPv6", esp: "aes128gcm16", ah: "sha2_256", outer: 6, inner: 6},

	{name: "IPCOMP in ESP", esp: "aes128-sha1", comp: true},
	{name: "IPCOMP in ESP, transport", esp: "aes128gcm16", comp: true, transport: true},
	{name: "IPCOMP in AH", ah: "sha1", comp: true},
	{name: "IPCOMP in ESP in AH", esp: "aes256-sha2_256", ah: "sha1", comp: true},
	{name: "IPCOMP in ESP, IPv6", esp: "aes128-sha1", comp: true, outer: 6, inner: 6},
	{name: "IPCOMP in ESP, transport, IPv6", esp: "aes128-sha1", comp: true, transport: true, outer: 6},

	{name: "IPv6 in IPv6, AES-128, SHA-1", esp: "aes128-sha1", outer: 6, inner: 6},
	{name: "IPv6 in IPv4, AES-128-GCM", esp: "aes128gcm16", inner: 6},
	{name: "IPv4 in IPv6, AES-256, SHA-256", esp: "aes256-sha2_256", outer: 6},
	{name: "IPv4 in IPv6, AH", ah: "sha1", outer: 6},

	{name: "UDP, AES-128, SHA-1", esp: "aes128-sha1", encap: true},
	{name: "UDP, AES-256-GCM", esp: "aes256gcm16", encap: true},
	{name: "UDP, transport", esp: "aes128-sha1", encap: true, transport: true},
	{name: "UDP, IPv6", esp: "aes128-sha1", encap: true, outer: 6, inner: 6},
	{name: "UDP, transport, IPv6", esp: "aes128gcm16", encap: true, transport: true, outer: 6},
	{name: "UDP, IPCOMP in ESP", esp: "aes128-sha1", encap: true, comp: true},

	{name: "ESN, AES-128, SHA-1", esp: "aes128-sha1", esn: true},
	{name: "ESN, AES-128-GCM", esp: "aes128gcm16", esn: true},
	{name: "ESN, AES-256-CCM", esp: "aes256ccm16", esn: true},
	{name: "ESN, AES-128, XCBC", esp: "aes128-aes_xcbc", esn: true},
	{name: "ESN, ChaCha20-Poly1305", esp: "chacha20poly1305", esn: true},
	{name: "ESN, AH, SHA-256", ah: "sha2_256", esn: true},

	{name: "replay window of 32", esp: "aes128-sha1", window: 32},
	{name: "replay window of 4096", esp: "aes128-sha1", window: 4096},
}

func init() {
	for i := range matrix {
		matrix[i].spi = 0x1000 + 0x10*i
	}
}
