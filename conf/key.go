package conf

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// What is wrong with a key. None of these shows any of it.
var (
	errKeyUnset  = errors.New("there is no key")
	errKeyPrefix = errors.New("expected 0x and hex digits, 0s and base64, or 0t and text")
	errKeyHex    = errors.New("expected after 0x an even number of hex digits, with single _ between them at most")
	errKeyBase64 = errors.New("expected after 0s base64 with its padding (RFC 4648)")
	errKeyText   = errors.New("expected text after 0t")
)

// DecodeKey returns the bytes of a key that is written as ipsec_ttodata(3)
// has it: 0x and hex digits, among which _ may stand for legibility; 0s and
// base64; 0t and text. The error shows nothing of the key.
func DecodeKey(s Secret) ([]byte, error) {
	text := s.Reveal()
	if text == "" {
		return nil, errKeyUnset
	}
	if len(text) < 2 {
		return nil, errKeyPrefix
	}
	body := text[2:]
	switch text[:2] {
	case "0x":
		if strings.HasPrefix(body, "_") || strings.HasSuffix(body, "_") || strings.Contains(body, "__") {
			return nil, errKeyHex
		}
		key, err := hex.DecodeString(strings.ReplaceAll(body, "_", ""))
		if err != nil || len(key) == 0 {
			return nil, errKeyHex
		}
		return key, nil
	case "0s":
		key, err := base64.StdEncoding.Strict().DecodeString(body)
		if err != nil || len(key) == 0 || strings.ContainsAny(body, "\r\n") {
			return nil, errKeyBase64
		}
		return key, nil
	case "0t":
		if body == "" {
			return nil, errKeyText
		}
		return []byte(body), nil
	}
	return nil, errKeyPrefix
}

// Keys returns the keys of the SA that is sent towards a side: of ESP's
// cipher, of ESP's authentication, and of AH. A key of that side comes before
// one of the connection; one that there is not, is not set.
func (c *Conn) Keys(towards Side) (enc, auth, ah Secret) {
	end := c.End(towards)
	return either(end.ESPEncKey, c.ESPEncKey), either(end.ESPAuthKey, c.ESPAuthKey), either(end.AHKey, c.AHKey)
}

func either(a, b Secret) Secret {
	if a.IsSet() {
		return a
	}
	return b
}
