// Package identity says who a peer is: leftid in every form, and the ID
// payload of IKE.
package identity

// ID is an identity. The zero value is none.
type ID struct {
	Type uint8  // of the ID payload, RFC 7296, section 3.5
	Data string // its bytes
}
