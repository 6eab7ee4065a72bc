package cmdline

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"ipsec/conf/identity"
	"ipsec/conf/proposal"
	"ipsec/conf/spell"
	"ipsec/pluto"
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

// The words of ipsec.conf that a command line has as they are. The error says what was
// expected, where v is none of them.

// ESN reads yes, no or either.
func ESN(v string) (esn proposal.ESN, err error) {
	err = choosing(&esn, v, esnWords())
	return esn, err
}

// DPDAction reads hold, clear, restart and the like.
func DPDAction(v string) (a pluto.DPDAction, err error) {
	err = choosing(&a, v, dpdActions())
	return a, err
}

// Fragmentation reads yes, no or force.
func Fragmentation(v string) (f pluto.Fragmentation, err error) {
	err = choosing(&f, v, fragmentations())
	return f, err
}

// SendCert reads always, ifasked, never and their old spellings.
func SendCert(v string) (s pluto.SendCert, err error) {
	err = choosing(&s, v, sendCerts())
	return s, err
}

// Host reads an address, a word with %, or a name of the DNS.
func Host(v string) (h pluto.Host, err error) {
	if err := setHost(&h, v); err != nil {
		return h, fmt.Errorf("malformed host %s: expected an address, %%any, or a host name", spell.Quote(v))
	}
	return h, nil
}

// ID reads an identity, as leftid= has it.
func ID(v string) (identity.ID, error) { return parseID(v) }

// choosing is choose, with an error for a person.
func choosing[T comparable](field *T, v string, words []word[T]) error {
	if choose(field, v, words) == nil {
		return nil
	}
	var texts []string
	for _, w := range words {
		texts = append(texts, w.text)
	}
	return fmt.Errorf("malformed value %s: expected one of %s", spell.Quote(v), strings.Join(texts, ", "))
}
