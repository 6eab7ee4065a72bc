package credential

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// certFiles reads the files that leftcert names, and keeps them for as long as the
// file stays the same.
type certFiles struct {
	folder string // of names that are not absolute
	mu     sync.Mutex
	kept   map[string]keptFile
}

// maxKept bounds the files that are kept.
const maxKept = 4096

type keptFile struct {
	info  fs.FileInfo
	certs []Cert
}

func (f *certFiles) read(name string) ([]Cert, error) {
	file := name
	if !filepath.IsAbs(file) {
		file = filepath.Join(f.folder, file)
	}
	file, info, err := find(file)
	if err != nil {
		return nil, fmt.Errorf("certificate file %q cannot be read: %w", name, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if k, ok := f.kept[file]; ok && sameFile(k.info, info) {
		return k.certs, nil
	}
	data, info, err := readFile(file, maxCertFile, false)
	if err != nil {
		return nil, err
	}
	certs, err := parseCertFile(data, file)
	if err != nil {
		return nil, err
	}
	if f.kept == nil || len(f.kept) >= maxKept {
		f.kept = make(map[string]keptFile)
	}
	f.kept[file] = keptFile{info, certs}
	return certs, nil
}

func sameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// find adds the usual endings to a name that is no file: configurations of Libreswan give the
// nicknames of its database, which have none.
func find(file string) (string, fs.FileInfo, error) {
	info, err := os.Stat(file)
	if err == nil || filepath.Ext(file) != "" {
		return file, info, err
	}
	for _, ending := range []string{".pem", ".crt", ".cer", ".der"} {
		if info, err := os.Stat(file + ending); err == nil {
			return file + ending, info, nil
		}
	}
	return file, nil, err
}
