package whack

import "errors"

// Parse reads a command line of whack(8).
func Parse(words []string) (*Request, error) {
	return nil, errors.New("not yet")
}
