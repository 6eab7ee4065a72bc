package conf

import (
	"fmt"
	"io"
)

// Secret is a key as it stands in a file. It never prints itself, in no
// format and in no encoding.
type Secret struct{ text string }

// NewSecret returns a Secret that holds text.
func NewSecret(text string) Secret { return Secret{text} }

// IsSet reports whether there is a key.
func (s Secret) IsSet() bool { return s.text != "" }

// Reveal returns the key as written: 0x and hex digits, 0s and base64, 0t and
// text. It is for those who give the key to KLIPS, and nobody else.
func (s Secret) Reveal() string { return s.text }

// String returns a placeholder.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return "[secret]"
}

// GoString returns a placeholder.
func (s Secret) GoString() string { return s.String() }

// MarshalText returns a placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Format writes a placeholder, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }
