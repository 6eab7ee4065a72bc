package conf

import (
	"fmt"
	"path/filepath"

	"ipsec/conf/textfile"
)

// Files is how includes are read. Names are slash-separated paths as they
// stand in the configuration, made relative to the including file.
type Files interface {
	// ReadFile returns the contents of a file, or an error when it is longer
	// than limit bytes.
	ReadFile(name string, limit int64) ([]byte, error)
	// Glob returns the names that match a pattern of filepath.Match, sorted.
	Glob(pattern string) ([]string, error)
}

// Limits on what is read. They are far above any real configuration.
const (
	maxFileSize  = 16 << 20 // bytes of one file
	maxTotalSize = 64 << 20 // bytes of all files
	maxFiles     = 4096
	maxDepth     = 20 // nesting of include
	maxAlsoDepth = 64 // nesting of also
	maxAlsoSteps = 1 << 20
)

// osFiles reads the files of the system.
type osFiles struct{}

// ReadFile is like 'cat name'.
func (osFiles) ReadFile(name string, limit int64) ([]byte, error) {
	text, _, err := textfile.Read(name, limit)
	return text, err
}

// Glob is like 'echo pattern'.
func (osFiles) Glob(pattern string) ([]string, error) { return filepath.Glob(pattern) }

// noFiles refuses every include.
type noFiles struct{}

func (noFiles) ReadFile(string, int64) ([]byte, error) {
	return nil, fmt.Errorf("no file can be included here")
}

func (noFiles) Glob(string) ([]string, error) {
	return nil, fmt.Errorf("no file can be included here")
}
