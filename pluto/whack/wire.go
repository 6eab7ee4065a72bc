package whack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The control protocol: the client sends one frame with the words of its
// command line, each ended by a NUL. The answer is frames of lines, and one of
// the exit status, after which the server hangs up; after a frame of kind
// frameMore it waits for another request instead, which comes after the answer.
//
// A frame is its kind, the length of what follows (32 bits, big-endian), and
// that many bytes.
const (
	frameWords byte = 'w'
	frameMore  byte = 'm'
	frameLine  byte = 'l'
	frameEnd   byte = 'e'

	frameHeader = 5
	maxWords    = 1 << 18 // bytes of a command line
	maxLine     = 1 << 20 // bytes of a line of the answer
)

// appendFrame adds a frame to b.
func appendFrame(b []byte, kind byte, body string) []byte {
	b = append(b, kind)
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	return append(b, body...)
}

// readFrame reads a frame of one of kinds whose body is at most limit bytes.
func readFrame(r io.Reader, kinds string, limit int) (kind byte, body []byte, err error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(header[1:])
	switch {
	case strings.IndexByte(kinds, header[0]) < 0:
		return 0, nil, fmt.Errorf("malformed frame: expected one of kind %q, found %q", kinds, header[0])
	case int64(size) > int64(limit):
		return 0, nil, fmt.Errorf("malformed frame: expected at most %d bytes, found %d", limit, size)
	}
	body = make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return header[0], body, nil
}

// joinWords returns the body of the frame of a command line.
func joinWords(words []string) (string, error) {
	var b strings.Builder
	for _, word := range words {
		if strings.IndexByte(word, 0) >= 0 {
			return "", fmt.Errorf("malformed word %q: it holds a NUL", word)
		}
		b.WriteString(word)
		b.WriteByte(0)
	}
	if b.Len() > maxWords {
		return "", fmt.Errorf("the command line is too long: expected at most %d bytes, found %d", maxWords, b.Len())
	}
	return b.String(), nil
}

// splitWords is the reverse of joinWords.
func splitWords(body []byte) ([]string, error) {
	text := string(body)
	if text == "" {
		return nil, nil
	}
	text, ended := strings.CutSuffix(text, "\x00")
	if !ended {
		return nil, errors.New("malformed command line: its last word does not end in a NUL")
	}
	return strings.Split(text, "\x00"), nil
}
