package cmdline

import (
	"encoding/hex"
	"errors"

	"ipsec/conf/identity"
)

// parseID reads an identity. The error does not repeat the text.
func parseID(text string) (identity.ID, error) {
	id, err := identity.Parse(text)
	if inner := errors.Unwrap(err); inner != nil {
		err = inner
	}
	return id, err
}

// formatID returns the text that parseID reads as the very same identity: a
// distinguished name that is not in its usual encoding is written in hex.
func formatID(id identity.ID) string {
	text := id.String()
	if again, err := parseID(text); err != nil || again != id {
		if id.Type == identity.TypeDN {
			return "@~" + hex.EncodeToString([]byte(id.Data))
		}
	}
	return text
}
