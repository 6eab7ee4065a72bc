package credential

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
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
	// A FIFO must not hold us up.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, nil, fmt.Errorf("%s is not a plain file", name)
	case secret && info.Mode().Perm()&0o077 != 0:
		return nil, nil, fmt.Errorf("others can read the private key in %s (mode %04o); do: chmod 600 %s", name, info.Mode().Perm(), name)
	case secret && !ours(info):
		return nil, nil, fmt.Errorf("the private key in %s belongs to somebody else, who could change it; do: chown %d %s", name, os.Geteuid(), name)
	case info.Size() > limit:
		return nil, nil, fmt.Errorf("%s is longer than %d bytes", name, limit)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, nil, err
	}
	if int64(len(data)) > limit {
		return nil, nil, fmt.Errorf("%s is longer than %d bytes", name, limit)
	}
	return data, info, nil
}

// ours reports whether a file belongs to root or to us.
func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return !ok || st.Uid == 0 || int(st.Uid) == os.Geteuid()
}
