package credential

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"

	"ipsec/conf"
	"ipsec/conf/identity"
	"ipsec/conf/secrets"
)

// sharedKeys are the shared keys of ipsec.secrets.
type sharedKeys struct{ file *secrets.Secrets }

// Shared looks a key up by the rule of [secrets.Secrets.Lookup].
func (k sharedKeys) Shared(own, peer identity.ID, ownAddr, peerAddr netip.Addr) ([]byte, bool) {
	entry, _ := k.lookup(own, peer, ownAddr, peerAddr)
	if entry == nil {
		return nil, false
	}
	return entry.Bytes(), true
}

func (k sharedKeys) lookup(own, peer identity.ID, ownAddr, peerAddr netip.Addr) (found, clash *secrets.Entry) {
	return k.file.Lookup(secrets.PSK, secrets.Party{ID: own, Addr: ownAddr}, secrets.Party{ID: peer, Addr: peerAddr})
}

// places tells where the key stands, for messages.
func (k sharedKeys) places(own, peer identity.ID, ownAddr, peerAddr netip.Addr) (found, clash string) {
	entry, other := k.lookup(own, peer, ownAddr, peerAddr)
	if entry != nil {
		found = entry.Pos.String()
	}
	if other != nil {
		clash = other.Pos.String()
	}
	return found, clash
}

// secrets reads ipsec.secrets, the key files that it names, and the other ones of ipsec.d/private.
func (l *loader) secrets(src Source) ([]PrivateKey, Secrets) {
	file, err := secrets.Load(src.Secrets)
	var all conf.Errors
	if errors.Is(err, fs.ErrNotExist) && len(file.Files) == 0 {
		// No connection may need it; one that does says so.
		if l.again {
			l.warn("there is no %s: no shared keys are read", src.Secrets)
		}
	} else if errors.As(err, &all) {
		for _, d := range all {
			l.warn("%s", d.String())
		}
	} else if err != nil {
		l.warn("%s", about(src.Secrets, err))
	}
	for _, d := range file.Warnings {
		l.warn("%s", d.String())
	}
	folder := filepath.Join(src.Folder, "private")
	known := make(map[string]bool)
	var keys []PrivateKey
	for _, entry := range file.PrivateKeys() {
		key, err := readEntry(entry, folder, known)
		if err != nil {
			l.warn("%s: %v", entry.Pos, err)
			continue
		}
		keys = append(keys, l.checked(key))
	}
	return append(keys, l.privateKeys(folder, known)...), sharedKeys{file}
}

// readEntry returns the key of an entry of ipsec.secrets, and notes the file that it names.
func readEntry(entry *secrets.Entry, folder string, known map[string]bool) (PrivateKey, error) {
	if key := entry.RSAKey(); key != nil {
		signer, err := usable(key)
		if err != nil {
			return PrivateKey{}, fmt.Errorf("the block cannot be used: %w", err)
		}
		return PrivateKey{Signer: signer, Source: entry.Pos.String(), IDs: entry.IDs}, nil
	}
	name := entry.File
	if !filepath.IsAbs(name) {
		name = filepath.Join(folder, name)
	}
	known[filepath.Clean(name)] = true
	if entry.Prompt {
		return PrivateKey{}, fmt.Errorf("nobody can be asked for the passphrase of %s: write it in place of %%prompt", name)
	}
	var passphrase []byte
	if entry.Passphrase.IsSet() {
		var err error
		if passphrase, err = entry.Passphrase.Decode(); err != nil {
			return PrivateKey{}, fmt.Errorf("malformed passphrase")
		}
	}
	key, err := readPrivateKey(name, passphrase)
	key.IDs = entry.IDs
	return key, err
}

// list tells whom the shared keys are for.
func (k sharedKeys) list() []string {
	var lines []string
	for _, e := range k.file.Entries {
		if e.Kind != secrets.PSK {
			continue
		}
		whom := "%any"
		for i, id := range e.IDs {
			if i == 0 {
				whom = id.String()
				continue
			}
			whom += " " + id.String()
		}
		lines = append(lines, fmt.Sprintf("%s: PSK %s", e.Pos, whom))
	}
	return lines
}
