// Package order has the messages between a test and its guest, which are JSON.
package order

// Order is a script for /bin/sh in the guest, which ends at the first command
// that fails. An empty one ends the guest.
type Order struct{ Script string }

// Answer is what a script printed, on stdout and on stderr, and its exit status.
// The first answer comes unasked, when the guest is ready.
type Answer struct {
	Output string
	Status int
}
