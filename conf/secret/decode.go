package secret

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// What is wrong with a key. None of these shows any of it.
var (
	errUnset  = errors.New("there is no key")
	errPrefix = errors.New("expected 0x and hex digits, 0s and base64, or 0t and text")
	errHex    = errors.New("expected after 0x an even number of hex digits, with single _ between them at most")
	errBase64 = errors.New("expected after 0s base64 with its padding (RFC 4648)")
	errText   = errors.New("expected text after 0t")
)

// Decode returns the bytes of a key that is written as ipsec_ttodata(3)
// has it: 0x and hex digits, among which _ may stand for legibility; 0s and
// base64; 0t and text. The error shows nothing of the key.
func (s Text) Decode() ([]byte, error) {
	text := s.text
	if text == "" {
		return nil, errUnset
	}
	if len(text) < 2 {
		return nil, errPrefix
	}
	body := text[2:]
	switch text[:2] {
	case "0x":
		if strings.HasPrefix(body, "_") || strings.HasSuffix(body, "_") || strings.Contains(body, "__") {
			return nil, errHex
		}
		key, err := hex.DecodeString(strings.ReplaceAll(body, "_", ""))
		if err != nil || len(key) == 0 {
			return nil, errHex
		}
		return key, nil
	case "0s":
		key, err := base64.StdEncoding.Strict().DecodeString(body)
		if err != nil || len(key) == 0 || strings.ContainsAny(body, "\r\n") {
			return nil, errBase64
		}
		return key, nil
	case "0t":
		if body == "" {
			return nil, errText
		}
		return []byte(body), nil
	}
	return nil, errPrefix
}
