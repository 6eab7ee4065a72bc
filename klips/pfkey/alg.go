package pfkey

// The numbers of algorithms: those of RFC 2367, section 3.5, and where it has
// none, the transform IDs of the IANA registries for IKE, which PF_KEY follows.
// sha2_256-96 has the number that the kernels which spoke it gave it, and
// aes_cmac-96 one for private use.
var (
	encNumbers = map[string]uint8{
		"3des": 3, "null": 11, "aes": 12, "aesctr": 13, "aesccm8": 14, "aesccm12": 15, "aesccm16": 16,
		"aesgcm8": 18, "aesgcm12": 19, "aesgcm16": 20, "chacha20poly1305": 28,
	}
	authNumbers = map[string]uint8{
		"md5-96": 2, "sha1-96": 3, "sha2_256-128": 5, "sha2_384-192": 6, "sha2_512-256": 7, "aes_xcbc-96": 9,
		"aes_cmac-96": 250, "sha2_256-96": 252,
	}
	compNumbers = map[string]uint8{"deflate": 2}
)

func number(table map[string]uint8, name string) (uint8, error) {
	if name == "" {
		return 0, nil
	}
	n, ok := table[name]
	if !ok {
		return 0, invalid("unknown algorithm %q", name)
	}
	return n, nil
}

func name(table map[string]uint8, number uint8) (string, error) {
	if number == 0 {
		return "", nil
	}
	for name, n := range table {
		if n == number {
			return name, nil
		}
	}
	return "", invalid("unknown algorithm number %d", number)
}
