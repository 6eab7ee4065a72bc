package interop

// libre is Libreswan's side of a pairing.
type libre struct {
	conn  string            // keywords of its conn
	files map[string]string // PKCS#12 …
}
