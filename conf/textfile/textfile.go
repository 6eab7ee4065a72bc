// Package textfile reads the files of a configuration, which a stranger may have written or put in
// the place of another: no more than a limit, and without waiting for a FIFO that nobody writes to.
// Its errors say what is wrong and leave the name, which is the caller's, out.
package textfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Errors of what is no text to be read.
var (
	ErrIrregular = errors.New("it is no regular file")
	ErrNoWriter  = errors.New("it is a FIFO that nobody writes to")
)

// Read returns the contents of a file, or of a pipe, of at most limit bytes, and what it is. It
// is like 'cat name'.
func Read(name string, limit int64) ([]byte, fs.FileInfo, error) {
	f, info, err := open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	text, err := read(f, limit)
	if err == nil && len(text) == 0 && info.Mode().Type() == fs.ModeNamedPipe {
		err = ErrNoWriter
	}
	return text, info, err
}

// Regular is Read for what must be a regular file, as one with secrets must.
func Regular(name string, limit int64) ([]byte, fs.FileInfo, error) {
	f, info, err := open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if !info.Mode().IsRegular() {
		return nil, nil, ErrIrregular
	}
	text, err := read(f, limit)
	return text, info, err
}

func open(name string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, unnamed(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, unnamed(err)
	}
	return f, info, nil
}

func read(f *os.File, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("it is longer than %d bytes", limit)
	}
	if err != nil {
		clear(text)
		return nil, unnamed(err)
	}
	return text, nil
}

// unnamed leaves out what package os says around the kernel's word.
func unnamed(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
