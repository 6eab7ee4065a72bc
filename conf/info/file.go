// Package info is the format of ipsec.info, the file in which start, manual
// keying and Pluto note what stop needs to take it back: name=value, one a
// line, read as data and never sourced. Its lines outlive a crash, so a
// reader expects any of them to be cut, and strangers to have written some.
//
// What is noted is noted before it is done. Nothing is ever taken out of the file:
// what was undone since is noted, too.
package info

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"

	"golang.org/x/sys/unix"
)

// MaxSize is how large an ipsec.info may be, in bytes. It has some lines for each
// link and each conn.
const MaxSize = 1 << 20

// ErrTooLarge is what a file that is larger than its limit is refused with.
var ErrTooLarge = errors.New("the file is too large")

// Read returns the lines of the file at path for which Valid is true, in order,
// and a complaint for each other line, such as what a power cut left of one. A
// file that is not there has no lines. A file that is not a regular one, or that is
// larger than MaxSize, is refused, that one with ErrTooLarge.
func Read(path string) (lines, complaints []string, err error) {
	text, err := readRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		return []string{}, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("failed to read what start has noted: %w", err)
	}
	lines, complaints = split(path, text)
	return lines, complaints, nil
}

// split takes text apart. Path is for complaints.
func split(path string, text []byte) (lines, complaints []string) {
	lines = []string{}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line = bytes.TrimSuffix(line, []byte("\n"))
		switch {
		case len(line) == 0:
		case bytes.IndexByte(line, '=') < 1:
			complaints = append(complaints, fmt.Sprintf("%s:%d: expected name=value, found %.60q; the line is passed over", path, number, line))
		case !Valid(string(line)):
			complaints = append(complaints, fmt.Sprintf("%s:%d: control characters in %.60q; the line is passed over", path, number, line))
		default:
			lines = append(lines, string(line))
		}
	}
	return lines, complaints
}

func readRegular(path string) ([]byte, error) {
	file, size, err := open(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if size > MaxSize {
		return nil, tooLarge(path, MaxSize)
	}
	text, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err == nil && len(text) > MaxSize { // it has grown since
		err = tooLarge(path, MaxSize)
	}
	return text, err
}

// Appender appends lines to an ipsec.info.
type Appender struct {
	Path   string
	Create bool  // make the file where it is not there, in place of fs.ErrNotExist
	Limit  int64 // in bytes: ErrTooLarge for a file that is larger; 0: none
}

// Append appends lines by one call, so that they are whole whoever else appends
// at the same time; behind half a line, which a power cut left, they begin a new
// one. It refuses a line that Parse would read as another one.
func (a Appender) Append(lines ...Line) error {
	if err := a.append(lines); err != nil {
		return fmt.Errorf("failed to note in ipsec.info what stop needs: %w", err)
	}
	return nil
}

func (a Appender) append(lines []Line) error {
	var text strings.Builder
	for _, l := range lines {
		if again, ok := Parse(l.String()); !ok || !reflect.DeepEqual(again, l) {
			return fmt.Errorf("malformed line %.60q", l)
		}
		text.WriteString(l.String())
		text.WriteByte('\n')
	}
	flags := os.O_RDWR | os.O_APPEND
	if a.Create {
		flags |= os.O_CREATE
	}
	file, size, err := open(a.Path, flags)
	if err != nil {
		return err
	}
	defer file.Close()
	if a.Limit > 0 && size > a.Limit {
		return tooLarge(a.Path, a.Limit)
	}
	all := text.String()
	if size > 0 {
		var last [1]byte
		if _, err := file.ReadAt(last[:], size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			all = "\n" + all
		}
	}
	if _, err := file.WriteString(all); err != nil {
		return err
	}
	return file.Close()
}

// open opens a regular file that is no symbolic link. O_NONBLOCK keeps a FIFO in
// the file's place from stalling a boot.
func open(path string, flags int) (*os.File, int64, error) {
	file, err := os.OpenFile(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o644)
	if errors.Is(err, unix.ELOOP) {
		return nil, 0, fmt.Errorf("%s is a symbolic link: remove it", path)
	}
	if errors.Is(err, unix.EISDIR) {
		return nil, 0, notRegular(path)
	}
	if err != nil {
		return nil, 0, err
	}
	stat, err := file.Stat()
	if err == nil && !stat.Mode().IsRegular() {
		err = notRegular(path)
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, stat.Size(), nil
}

func notRegular(path string) error {
	return fmt.Errorf("%s is not a regular file: remove it", path)
}

func tooLarge(path string, limit int64) error {
	return fmt.Errorf("%s: %w: expected %d bytes at most", path, ErrTooLarge, limit)
}
