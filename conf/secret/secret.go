// Package secret has keys as they stand in files: text that never prints itself, and the bytes that it
// stands for, as ipsec_ttodata(3) has them.
package secret

import (
	"fmt"
	"io"
)

// Text is a key as it stands in a file. It never prints itself, in no
// format and in no encoding.
type Text struct{ text string }

// New returns a Text that holds text.
func New(text string) Text { return Text{text} }

// IsSet reports whether there is a key.
func (s Text) IsSet() bool { return s.text != "" }

// Reveal returns the key as written: 0x and hex digits, 0s and base64, 0t and
// text. It is for those who give the key to KLIPS, and nobody else.
func (s Text) Reveal() string { return s.text }

// String returns a placeholder.
func (s Text) String() string {
	if s.text == "" {
		return ""
	}
	return "[secret]"
}

// GoString returns a placeholder.
func (s Text) GoString() string { return s.String() }

// MarshalText returns a placeholder.
func (s Text) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Format writes a placeholder, whatever the verb.
func (s Text) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }
