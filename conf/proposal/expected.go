package proposal

// What may stand at a place, for messages.

const groupExamples = "curve25519, ecp256, modp2048 or dh14"

// groupWords are the usual spellings of groups.
func groupWords() []string {
	list := []string{"curve25519", "x25519", "ecp256", "ecp384", "ecp521", "modp1024", "modp1536", "modp2048", "modp3072", "modp4096", "modp6144", "modp8192"}
	for _, n := range []string{"2", "5", "14", "15", "16", "17", "18", "19", "20", "21", "31"} {
		list = append(list, "dh"+n)
	}
	return list
}

// expected returns what may stand at the place of the parser.
func (p *parser) expected() (want string, known []string) {
	ciphers := []string{"3des", "aes", "aes_ctr", "aes_gcm", "aes_ccm", "aes_gcm_a", "aes_gcm_b", "aes_gcm_c", "chacha20poly1305", "chacha20_poly1305"}
	for _, bits := range []string{"128", "192", "256"} {
		ciphers = append(ciphers, "aes"+bits, "aes_gcm"+bits, "aes_ccm"+bits, "aes"+bits+"ctr", "aes"+bits+"gcm16", "aes"+bits+"gcm12", "aes"+bits+"gcm8", "aes"+bits+"ccm16")
	}
	if p.kind == forESP {
		ciphers = append(ciphers, "null")
	}
	hashes := []string{"md5", "sha1", "sha2", "sha256", "sha384", "sha512", "sha2_256", "sha2_384", "sha2_512", "aes_xcbc", "aesxcbc", "aes_cmac", "aescmac"}
	switch {
	case p.kind == forAH && !p.seen:
		return "an integrity algorithm such as sha1, sha2_256 or sha2_512", append(hashes, "hmac-sha1-96", "hmac-md5-96")
	case !p.seen:
		return "a cipher such as aes256, aes128gcm16, aes_gcm256, chacha20poly1305 or 3des", ciphers
	case p.kind == forIKE:
		known = append(ciphers, hashes...)
		for _, h := range []string{"md5", "sha1", "sha256", "sha384", "sha512", "aesxcbc", "aescmac"} {
			known = append(known, "prf"+h)
		}
		return "an integrity algorithm, PRF or group such as sha2_256, prfsha256, " + groupExamples, append(known, groupWords()...)
	}
	if p.kind == forESP {
		known = ciphers
	}
	known = append(append(known, hashes...), groupWords()...)
	return "an integrity algorithm or group such as sha2_256, " + groupExamples + ", or esn", append(known, "esn", "noesn", "none")
}
