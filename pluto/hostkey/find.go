package hostkey

import (
	"crypto"
	"fmt"
	"path/filepath"
	"strings"

	"ipsec/conf"
	"ipsec/conf/identity"
	"ipsec/conf/rawkey"
	"ipsec/conf/secrets"
	"ipsec/conf/textfile"
	"ipsec/pluto/credential"
)

// Key is the public part of a private key, and where that is.
type Key struct {
	Public crypto.PublicKey
	Pos    conf.Pos
	IDs    []identity.ID // whom it is of; none: anybody
}

// Find returns the private keys of a file of secrets, or of one identity of it:
// at least one. folder has the files of keys that the entries name. What is wrong
// with other entries is among the warnings, also where there is an error.
func Find(file, folder string, of *identity.ID) (keys []Key, warnings []error, err error) {
	s, err := secrets.Load(file)
	if err != nil && len(s.Files) == 0 {
		return nil, nil, err
	}
	if err != nil {
		warnings = append(warnings, err)
	}
	for _, entry := range s.PrivateKeys() {
		if of != nil && !isOf(entry, *of) {
			continue
		}
		public, err := publicOf(entry, folder)
		if err != nil {
			warnings = append(warnings, conf.Errors{{Pos: entry.Pos, Text: fmt.Sprintf("failed to read the key: %v", err)}})
			continue
		}
		keys = append(keys, Key{Public: public, Pos: entry.Pos, IDs: entry.IDs})
	}
	switch {
	case len(keys) > 0:
		return keys, warnings, nil
	case of != nil:
		return nil, warnings, fmt.Errorf("%s holds no private key of %s that can be read", file, *of)
	}
	return nil, warnings, fmt.Errorf("%s holds no private key that can be read: ipsec newhostkey makes one", file)
}

// isOf reports whether that identity is among those of an entry.
func isOf(entry *secrets.Entry, id identity.ID) bool {
	for _, index := range entry.IDs {
		if index.Equal(id) {
			return true
		}
	}
	return false
}

// maxKeyFile bounds the file of a private key.
const maxKeyFile = 256 << 10

// publicOf returns the public part of the key of an entry.
func publicOf(entry *secrets.Entry, folder string) (crypto.PublicKey, error) {
	if key := entry.RSAKey(); key != nil {
		return &key.PublicKey, nil
	}
	name := entry.File
	if !filepath.IsAbs(name) {
		name = filepath.Join(folder, name)
	}
	data, _, err := textfile.Regular(name, maxKeyFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer clear(data)
	var passphrase []byte
	if entry.Passphrase.IsSet() {
		if passphrase, err = entry.Passphrase.Decode(); err != nil {
			return nil, err
		}
	}
	key, err := credential.ParsePrivateKey(data, passphrase)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return key.Public(), nil
}

// String returns the key in one line: kind, key ID, whom it is of and where it
// stands.
func (k Key) String() string {
	_, kind := rawkey.Keyword(k.Public)
	ids := "%any"
	if len(k.IDs) > 0 {
		words := make([]string, len(k.IDs))
		for i, id := range k.IDs {
			words[i] = id.String()
		}
		ids = strings.Join(words, "; ")
	}
	return fmt.Sprintf("%s %s of %s at %s", kind, rawkey.ID(k.Public), ids, k.Pos)
}
