package whack

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// errTwice is a value that was given before.
var errTwice = errors.New("it is given twice")

const maxName = 255 // bytes of a name

// setName takes the name of a connection.
func setName(field *string, v string) error {
	if v == "" || len(v) > maxName || strings.ContainsAny(v, " \"") {
		return errValue
	}
	*field = v
	return nil
}

// setNumber takes a number from low to high.
func setNumber(field *int, v string, low, high int) error {
	n, err := decimal(v, 64)
	if err != nil || n > uint64(high) || int(n) < low {
		return errValue
	}
	*field = int(n)
	return nil
}

// decimal reads a number as it is written most simply.
func decimal(v string, bits int) (uint64, error) {
	n, err := strconv.ParseUint(v, 10, bits)
	if err != nil || strconv.FormatUint(n, 10) != v {
		return 0, errValue
	}
	return n, nil
}

func setSeconds(field *time.Duration, v string) error {
	var n int
	if err := setNumber(&n, v, 0, maxSeconds); err != nil {
		return err
	}
	*field = time.Duration(n) * time.Second
	return nil
}

func setPort(field *uint16, v string) error {
	n, err := decimal(v, 16)
	if err != nil || n == 0 {
		return errValue
	}
	*field = uint16(n)
	return nil
}

// address reads an address without a zone.
func address(v string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(v)
	if err != nil || addr.Zone() != "" || addr.Is4In6() || addr.IsUnspecified() {
		return netip.Addr{}, errValue
	}
	return addr, nil
}

// isKey reports whether v is bytes as ipsec.conf writes them: 0s and base64,
// or 0x and hex digits.
func isKey(v string) bool {
	if len(v) < 3 {
		return false
	}
	var b []byte
	var err error
	switch v[:2] {
	case "0s":
		b, err = base64.StdEncoding.DecodeString(v[2:])
	case "0x":
		b, err = hex.DecodeString(v[2:])
	}
	return err == nil && len(b) > 0
}

// word is one of the words that a value may be.
type word[T comparable] struct {
	text  string
	value T
}

// choose takes one of words.
func choose[T comparable](field *T, v string, words []word[T]) error {
	for _, w := range words {
		if w.text == v {
			*field = w.value
			return nil
		}
	}
	return errValue
}

// textOf is the reverse of choose.
func textOf[T comparable](value T, words []word[T]) string {
	for _, w := range words {
		if w.value == value {
			return w.text
		}
	}
	return ""
}
