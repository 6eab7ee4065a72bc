package credential

import (
	"path/filepath"
)

// secrets reads ipsec.secrets and ipsec.d/private.
func (l *loader) secrets(src Source) ([]PrivateKey, Secrets) {
	return l.privateKeys(filepath.Join(src.Folder, "private"), nil), nil
}
