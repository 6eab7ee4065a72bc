// Package secrets reads ipsec.secrets(5): what this host and its peers prove
// their identities by.
//
// A line that does not begin with a blank begins an entry, and lines that do
// continue it:
//
//	INDEX… : PSK "text"                  or 0x hex, 0s base64, 0t text
//	INDEX… : RSA { Modulus: 0x… … }      the classic block of rsasigkey
//	INDEX… : RSA FILE ["passphrase"|%prompt]
//	INDEX… : ECDSA|PKCS8 FILE ["passphrase"|%prompt]
//	INDEX… : XAUTH|EAP "text"
//	include PATTERN
//
// An index is an identity as package identity reads it, in quotes where it
// has blanks. A # that begins a word begins a comment.
//
// Nothing that may be part of a secret is in any error.
package secrets

import (
	"crypto/rsa"

	"ipsec/conf"
	"ipsec/conf/identity"
	"ipsec/conf/secret"
)

// Kind says what an entry is.
type Kind uint8

// The kinds of entry.
const (
	PSK   Kind = iota + 1
	RSA        // a private key: the block itself, or a file
	ECDSA      // a file
	PKCS8      // a file with a private key of any kind
	XAUTH      // the password of the user who is the index
	EAP        // likewise
)

// String returns the word of the file.
func (k Kind) String() string {
	return [...]string{"", "PSK", "RSA", "ECDSA", "PKCS8", "XAUTH", "EAP"}[k]
}

// Entry is one secret and whom it is for.
type Entry struct {
	Pos  conf.Pos      // of its first word
	Kind Kind          // never 0
	IDs  []identity.ID // the indices; none: for everybody

	// Secret is that of PSK, XAUTH and EAP, as conf.DecodeKey reads it.
	Secret secret.Text

	// File is the name of a private key's file as written: a path, or one
	// within ipsec.d/private. Passphrase opens it; with Prompt there is none, and
	// somebody is to be asked.
	File       string
	Passphrase secret.Text
	Prompt     bool

	key *rsa.PrivateKey
}

// RSAKey returns the key of a block, or nil when the entry has none.
func (e *Entry) RSAKey() *rsa.PrivateKey { return e.key }

// Bytes returns the secret of PSK, XAUTH or EAP.
func (e *Entry) Bytes() []byte {
	key, _ := e.Secret.Decode()
	return key
}

// sameSecret reports whether two entries hold the same secret.
func (e *Entry) sameSecret(other *Entry) bool {
	if e.key != nil || other.key != nil {
		return e.key != nil && other.key != nil && e.key.Equal(other.key)
	}
	return e.File == other.File && string(e.Bytes()) == string(other.Bytes())
}

// Secrets is an ipsec.secrets with everything that it includes. The zero
// Secrets has no entry. It is safe for use by many goroutines.
type Secrets struct {
	Entries []*Entry // in the order of the files
	Files   []string // that were read
	// Warnings are about lines that are right but have no effect here.
	Warnings []conf.Diagnostic

	index index
}

// PrivateKeys returns the entries that are private keys: RSA, ECDSA, PKCS8.
func (s *Secrets) PrivateKeys() []*Entry {
	var list []*Entry
	for _, e := range s.Entries {
		if e.Kind == RSA || e.Kind == ECDSA || e.Kind == PKCS8 {
			list = append(list, e)
		}
	}
	return list
}
