package message

import "fmt"

// A SyntaxError is a message that breaks the rules of its format. What sends it
// gets INVALID_SYNTAX, if it is known to be the peer.
type SyntaxError struct {
	In     string // the payload, or "message"
	Reason string
}

func (e *SyntaxError) Error() string { return "malformed " + e.In + ": " + e.Reason }

func malformed(in, format string, args ...any) error {
	return &SyntaxError{in, fmt.Sprintf(format, args...)}
}

// A CriticalError is a payload of a type that is not known here, in a message
// that must not be acted on without understanding it. The answer is
// UNSUPPORTED_CRITICAL_PAYLOAD, with the type as its data of one byte.
type CriticalError struct{ Payload PayloadType }

func (e *CriticalError) Error() string {
	return fmt.Sprintf("critical payload of the unknown type %d", uint8(e.Payload))
}

// A VersionError is a message of another major version. The answer is
// INVALID_MAJOR_VERSION, with ours as its data of one byte.
type VersionError struct{ Version uint8 }

func (e *VersionError) Error() string {
	return fmt.Sprintf("message of IKE version %d.%d, expected 2", e.Version>>4, e.Version&15)
}
