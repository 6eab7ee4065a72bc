// Package rawkey reads and writes public keys without a certificate, as
// leftrsasigkey=, leftecdsakey= and leftpubkey= of ipsec.conf(5) have them: 0s
// and base64, or 0x and hex digits, of an RSA key in the form of RFC 3110,
// section 2, or of a key of any kind as SubjectPublicKeyInfo (RFC 5280,
// section 4.1; RFC 7670).
package rawkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Limits on a key.
const (
	maxText = 8192  // bytes of its text
	maxBits = 16384 // of an RSA modulus
	minBits = 512
)

// ErrForm says what the text of a key is to look like.
var ErrForm = errors.New("expected 0s and base64, or 0x and hex digits, of a public key (RFC 3110 or SubjectPublicKeyInfo)")

// Parse reads a key: an *rsa.PublicKey, an *ecdsa.PublicKey or an
// ed25519.PublicKey.
func Parse(text string) (crypto.PublicKey, error) {
	data, err := decodeText(text)
	if err != nil {
		return nil, err
	}
	return Decode(data)
}

// decodeText returns the bytes of a key.
func decodeText(text string) (data []byte, err error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("malformed public key: expected at most %d bytes", maxText)
	}
	switch {
	case strings.HasPrefix(text, "0s"):
		data, err = base64.StdEncoding.Strict().DecodeString(text[2:])
		if err != nil { // old files leave the padding out
			data, err = base64.RawStdEncoding.Strict().DecodeString(text[2:])
		}
	case strings.HasPrefix(text, "0x"):
		data, err = hex.DecodeString(strings.ReplaceAll(text[2:], "_", ""))
	default:
		return nil, fmt.Errorf("malformed public key: %w", ErrForm)
	}
	if err != nil || len(data) == 0 {
		return nil, fmt.Errorf("malformed public key: %w", ErrForm)
	}
	return data, nil
}

// ParseECDSA reads a key as leftecdsakey has it: what Parse reads, or the
// point of a curve alone, with 04 before it or not (RFC 6605, section 4).
func ParseECDSA(text string) (*ecdsa.PublicKey, error) {
	data, err := decodeText(text)
	if err != nil {
		return nil, err
	}
	for curve, size := range map[elliptic.Curve]int{elliptic.P256(): 64, elliptic.P384(): 96, elliptic.P521(): 132} {
		point := data
		if len(point) == size+1 && point[0] == 4 {
			point = point[1:]
		}
		if len(point) != size {
			continue
		}
		key, err := ecdsa.ParseUncompressedPublicKey(curve, append([]byte{4}, point...))
		if err != nil {
			return nil, fmt.Errorf("malformed public key: no point of %s", curve.Params().Name)
		}
		return key, nil
	}
	key, err := Decode(data)
	if err != nil {
		return nil, err
	}
	if key, ok := key.(*ecdsa.PublicKey); ok {
		return key, nil
	}
	return nil, errors.New("malformed public key: expected one of ECDSA")
}

// Decode reads a key's bytes: a SubjectPublicKeyInfo, an RSAPublicKey of
// PKCS #1, or the form of RFC 3110.
func Decode(data []byte) (crypto.PublicKey, error) {
	if len(data) > maxText {
		return nil, fmt.Errorf("malformed public key: expected at most %d bytes", maxText)
	}
	if len(data) > 2 && data[0] == 0x30 { // a SEQUENCE; in RFC 3110, an exponent of 48 bytes
		return decodeSPKI(data)
	}
	return decodeRSA(data)
}

func decodeSPKI(data []byte) (crypto.PublicKey, error) {
	if key, err := x509.ParsePKCS1PublicKey(data); err == nil {
		return checkRSA(key.N, big.NewInt(int64(key.E)))
	}
	key, err := x509.ParsePKIXPublicKey(data)
	if err != nil {
		return nil, errors.New("malformed public key: expected SubjectPublicKeyInfo of an RSA, ECDSA or Ed25519 key")
	}
	switch key := key.(type) {
	case *rsa.PublicKey:
		return checkRSA(key.N, big.NewInt(int64(key.E)))
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return key, nil
	}
	return nil, fmt.Errorf("unknown kind of public key %T: expected RSA, ECDSA or Ed25519", key)
}

// decodeRSA reads the size of the exponent, the exponent and the modulus.
func decodeRSA(data []byte) (crypto.PublicKey, error) {
	errShort := errors.New("malformed public key: expected an exponent and a modulus (RFC 3110)")
	if len(data) < 3 {
		return nil, errShort
	}
	n, rest := int(data[0]), data[1:]
	if n == 0 {
		n, rest = int(data[1])<<8|int(data[2]), data[3:]
	}
	if n == 0 || len(rest) <= n {
		return nil, errShort
	}
	return checkRSA(new(big.Int).SetBytes(rest[n:]), new(big.Int).SetBytes(rest[:n]))
}

func checkRSA(n, e *big.Int) (crypto.PublicKey, error) {
	switch {
	case n.BitLen() < minBits || n.BitLen() > maxBits:
		return nil, fmt.Errorf("malformed public key: expected %d to %d bits, found %d", minBits, maxBits, n.BitLen())
	case n.Bit(0) == 0:
		return nil, errors.New("malformed public key: its modulus is even")
	case e.BitLen() < 2 || e.BitLen() > 31 || e.Bit(0) == 0:
		return nil, errors.New("malformed public key: expected an odd exponent from 3 to 2147483647")
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

// EncodeRSA returns a key in the form of RFC 3110.
func EncodeRSA(key *rsa.PublicKey) []byte {
	e := big.NewInt(int64(key.E)).Bytes()
	return append(append([]byte{byte(len(e))}, e...), key.N.Bytes()...)
}

// EncodeSPKI returns a key of any kind as SubjectPublicKeyInfo.
func EncodeSPKI(key crypto.PublicKey) ([]byte, error) {
	data, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("failed to encode a public key: %w", err)
	}
	return data, nil
}

// Format returns a key as ipsec.conf has it: 0s and base64, of an RSA key in
// the form of RFC 3110, of another as SubjectPublicKeyInfo.
func Format(key crypto.PublicKey) (string, error) {
	if key, ok := key.(*rsa.PublicKey); ok {
		return "0s" + base64.StdEncoding.EncodeToString(EncodeRSA(key)), nil
	}
	data, err := EncodeSPKI(key)
	if err != nil {
		return "", err
	}
	return "0s" + base64.StdEncoding.EncodeToString(data), nil
}

// Keyword returns the keyword of ipsec.conf, without left or right, that holds
// a key of that kind, and its name.
func Keyword(key crypto.PublicKey) (keyword, kind string) {
	switch key.(type) {
	case *rsa.PublicKey:
		return "rsasigkey", "RSA"
	case *ecdsa.PublicKey:
		return "ecdsakey", "ECDSA"
	case ed25519.PublicKey:
		return "pubkey", "Ed25519"
	}
	return "pubkey", "unknown"
}

// ID returns a short name of a key for lists and messages: of an RSA key the
// first nine letters of its base64, by which files have named keys since
// FreeS/WAN; of another the first 16 hex digits of the SHA-1 of its
// SubjectPublicKeyInfo.
func ID(key crypto.PublicKey) string {
	if key, ok := key.(*rsa.PublicKey); ok {
		text := base64.StdEncoding.EncodeToString(EncodeRSA(key))
		return text[:min(9, len(text))]
	}
	data, err := EncodeSPKI(key)
	if err != nil {
		return "unknown"
	}
	sum := sha1.Sum(data)
	return hex.EncodeToString(sum[:8])
}
