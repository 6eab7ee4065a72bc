package credential

import (
	"fmt"
	"strings"
	"unicode"
)

// Reason says why a proof could not be made or was not accepted.
type Reason int

// The reasons.
const (
	NoSecret     Reason = iota + 1 // no shared key for this pair of identities
	NoPrivateKey                   // no private key for the public one
	NoCert                         // no certificate, or its file cannot be read
	NoMethod                       // authby and the peer leave no method to prove by
	NoPublicKey                    // nothing to check the peer's signature with
	WrongMethod                    // the peer proved itself by a method that authby does not name
	WrongSecret                    // the shared keys differ
	BadSignature                   // the signature does not verify
	BadAlgorithm                   // signature algorithm unknown, or its parameters unfit
	BadKey                         // key too small, too large, or of an unknown kind
	BadCert                        // certificate malformed or not for this use
	TooMany                        // more certificates than a peer may send
	Expired                        // past its validity
	NotYetValid                    // before its validity
	UnknownCA                      // the chain ends in no CA of ours, or not in the one demanded
	Revoked                        // listed in a CRL
	NoCRL                          // strictcrlpolicy demands a CRL, and there is no valid one
	IDMismatch                     // the certificate does not speak for the ID
	Unsupported                    // something that this program does not do
)

// Error tells why a proof could not be made or was not accepted, in one line.
type Error struct {
	Reason Reason
	Text   string // the cause
	Hint   string // the file or keyword to look at; may be empty
}

// Error returns the cause and where to look.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Text
	}
	return e.Text + "; " + e.Hint
}

// maxText bounds the cause, which may hold names that a peer sent.
const maxText = 1000

// Errorf returns an Error of one printable line.
func Errorf(reason Reason, hint, format string, args ...any) *Error {
	return fail(reason, hint, format, args...)
}

// fail makes an Error of one printable line.
func fail(reason Reason, hint, format string, args ...any) *Error {
	text := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, fmt.Sprintf(format, args...))
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return &Error{Reason: reason, Text: text, Hint: hint}
}

// asError keeps a nil *Error from becoming an error that is not nil.
func asError(err *Error) error {
	if err == nil {
		return nil
	}
	return err
}
