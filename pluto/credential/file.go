package credential

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"ipsec/conf/textfile"
)

// Limits on files. They are far above any real ones, but for CRLs, which may be large.
const (
	maxKeyFile  = 256 << 10
	maxCertFile = 4 << 20
	maxCRLFile  = 64 << 20
	maxFiles    = 10_000 // of one folder
)

// readFile reads a plain file of at most limit bytes.
func readFile(name string, limit int64, secret bool) ([]byte, fs.FileInfo, error) {
	data, info, err := textfile.Regular(name, limit)
	switch {
	case errors.Is(err, textfile.ErrIrregular):
		return nil, nil, fmt.Errorf("%s is not a plain file", name)
	case err != nil:
		return nil, nil, fmt.Errorf("failed to read %s: %w", name, err)
	case secret && info.Mode().Perm()&0o077 != 0:
		err = fmt.Errorf("others can read the private key in %s (mode %04o); do: chmod 600 %s", name, info.Mode().Perm(), name)
	case secret && !ours(info):
		err = fmt.Errorf("the private key in %s belongs to somebody else, who could change it; do: chown %d %s", name, os.Geteuid(), name)
	}
	if err != nil {
		clear(data)
		return nil, nil, err
	}
	return data, info, nil
}

// ours reports whether a file belongs to root or to us.
func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return !ok || st.Uid == 0 || int(st.Uid) == os.Geteuid()
}
