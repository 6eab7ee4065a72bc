// Package keytest makes keys for tests of who proves to be whom, and writes them
// as ipsec.conf has them.
package keytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"

	"ipsec/pluto"
)

// ECDSA returns a new key of that curve.
func ECDSA(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// RSA returns a new key of so many bits.
func RSA(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Ed25519 returns a new key.
func Ed25519(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Public writes a public key as leftrsasigkey= and its like take it: 0s, and its
// SubjectPublicKeyInfo in base64.
func Public(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return "0s" + base64.StdEncoding.EncodeToString(der)
}

// Methods reads methods of authentication with blanks between them.
func Methods(text string) (list []pluto.AuthMethod) {
	for word := range strings.FieldsSeq(text) {
		list = append(list, pluto.AuthMethod(word))
	}
	return list
}
