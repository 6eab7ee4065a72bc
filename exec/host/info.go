package host

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// maxInfo is more than an ipsec.info has, in bytes: some lines for each link.
const maxInfo = 1 << 20

// ReadInfo reads ipsec.info as data: its lines of the form name=value, in
// order, and a complaint for each line of any other form, such as what a power
// cut left of one. A file that is not there has no lines. An error says that the file is
// no regular one, or too large, or cannot be read.
func ReadInfo(path string) (lines, complaints []string, err error) {
	text, err := readRegular(path, maxInfo)
	if errors.Is(err, fs.ErrNotExist) {
		return []string{}, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("failed to read what start has noted: %w", err)
	}
	lines, complaints = parseInfo(path, text)
	return lines, complaints, nil
}

func parseInfo(path string, text []byte) (lines, complaints []string) {
	lines = []string{}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line = bytes.TrimSuffix(line, []byte("\n"))
		switch name, _, ok := bytes.Cut(line, []byte("=")); {
		case len(line) == 0:
		case !ok || len(name) == 0:
			complaints = append(complaints, fmt.Sprintf("%s:%d: expected name=value, found %.60q; the line is passed over", path, number, line))
		case !oneLine(string(line)):
			complaints = append(complaints, fmt.Sprintf("%s:%d: control characters in %.60q; the line is passed over", path, number, line))
		default:
			lines = append(lines, string(line))
		}
	}
	return lines, complaints
}

// oneLine reports whether a shell carries text on one line: it is UTF-8 and has
// no control character but tabs.
func oneLine(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) < 0
}

// readRegular reads a regular file that is no symbolic link.
func readRegular(path string, limit int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return text, err
}
