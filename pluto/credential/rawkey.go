package credential

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
)

// parseRawKey reads a public key as leftrsasigkey has it: 0s and base64, or 0x and
// hex digits, of an RSA key (RFC 3110 §2) or a SubjectPublicKeyInfo.
func parseRawKey(text string) (crypto.PublicKey, error) {
	var data []byte
	var err error
	switch {
	case strings.HasPrefix(text, "0s"):
		data, err = base64.StdEncoding.DecodeString(text[2:])
	case strings.HasPrefix(text, "0x"):
		data, err = hex.DecodeString(text[2:])
	default:
		return nil, fmt.Errorf("malformed public key: expected 0s and base64, or 0x and hex digits")
	}
	if err != nil {
		return nil, fmt.Errorf("malformed public key: %w", err)
	}
	if key, err := x509.ParsePKIXPublicKey(data); err == nil {
		return key, nil
	}
	if len(data) < 4 {
		return nil, fmt.Errorf("malformed public key: %d bytes are too few", len(data))
	}
	n, rest := int(data[0]), data[1:]
	if n == 0 {
		n, rest = int(data[1])<<8|int(data[2]), data[3:]
	}
	if n == 0 || n > 4 || len(rest) <= n {
		return nil, fmt.Errorf("malformed public key: its exponent has %d bytes", n)
	}
	e := new(big.Int).SetBytes(rest[:n])
	if e.BitLen() > 31 {
		return nil, fmt.Errorf("malformed public key: its exponent is too large")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(rest[n:]), E: int(e.Int64())}, nil
}
