package credential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
)

// The lengths of RSA keys that are let pass, in bits.
const (
	maxRSABits = 8192 // of a key that signed something for us to check
	minRSABits = 1024
)

// CheckKey refuses keys of unknown kinds, small ones, and those so large that checking a
// signature would be a burden.
func CheckKey(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		switch bits := key.N.BitLen(); {
		case bits < minRSABits:
			return fmt.Errorf("an RSA key of %d bits, which is too small (at least %d; 2048 and more are safe)", bits, minRSABits)
		case bits > maxRSABits:
			return fmt.Errorf("an RSA key of %d bits, which is too large (at most %d)", bits, maxRSABits)
		}
		return nil
	case *ecdsa.PublicKey:
		switch bits := key.Curve.Params().BitSize; bits {
		case 256, 384, 521:
			return nil
		default:
			return fmt.Errorf("an ECDSA key on %s, not on P-256, P-384 or P-521", key.Curve.Params().Name)
		}
	case ed25519.PublicKey:
		return nil
	}
	return fmt.Errorf("a key of kind %T, not RSA, ECDSA or Ed25519", key)
}

// Weakness says what is weak about a key that CheckKey lets pass; empty for nothing.
func Weakness(key crypto.PublicKey) string {
	if r, ok := key.(*rsa.PublicKey); ok && r.N.BitLen() < 2048 {
		return fmt.Sprintf("an RSA key of only %d bits; 2048 and more are safe", r.N.BitLen())
	}
	return ""
}

// DescribeKey names the kind and size of a public key.
func DescribeKey(key crypto.PublicKey) string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return fmt.Sprintf("%T", key)
}
