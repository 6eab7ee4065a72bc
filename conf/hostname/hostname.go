// Package hostname knows what can be the name of a host.
package hostname

import "strings"

// Valid reports whether text can be a name in the DNS (RFC 1123, section 2.1, and
// underscores, which are in use): labels of letters, digits, hyphens and
// underscores, of 63 bytes at most, with dots between them and maybe one after
// the last. One whose last label is a number is a malformed address.
func Valid(text string) bool {
	text = strings.TrimSuffix(text, ".")
	if len(text) > 253 {
		return false
	}
	labels := strings.Split(text, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' {
			return false
		}
		for i := range len(label) {
			switch c := label[i]; {
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
			default:
				return false
			}
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}
