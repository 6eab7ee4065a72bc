// Package hostkey makes the private keys of a host, finds them in ipsec.secrets, and
// writes their public parts for ipsec.conf and the DNS. Nothing that it writes for
// others to read is secret.
package hostkey

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"ipsec/conf/secrets"
)

// Sizes of an RSA key in bits.
const (
	minBits = 2048
	maxBits = 8192
)

// CheckBits fails for a size of an RSA key that New does not make.
func CheckBits(bits int) error {
	if bits < minBits || bits > maxBits || bits%16 != 0 {
		return fmt.Errorf("unexpected size of %d bits: expected %d to %d, a multiple of 16", bits, minBits, maxBits)
	}
	return nil
}

// New makes an RSA key and returns the inside of its block for ipsec.secrets. host
// is for the comment; "" is the name of this machine.
func New(bits int, host string) ([]byte, error) {
	if err := CheckBits(bits); err != nil {
		return nil, err
	}
	if host == "" {
		host, _ = os.Hostname()
	}
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("failed to make an RSA key: %w", err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "\t# RSA %d bits   %s   %s\n\t# for signatures only\n", bits, printable(host), time.Now().Format(time.ANSIC))
	if err := secrets.WriteRSA(&b, key); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// printable returns a name without what a comment cannot hold.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
}

// Entry returns the entry of ipsec.secrets whose inside New returned.
func Entry(inside []byte) []byte {
	return append(append([]byte(": RSA {\n"), inside...), "\t}\n"...)
}

// Absent fails where there is a file of that name.
func Absent(name string) error {
	if _, err := os.Lstat(name); err == nil {
		return present(name)
	}
	return nil
}

func present(name string) error {
	return fmt.Errorf("%s is there already: expected the name of a new file, which ipsec.secrets can include", name)
}

// Write writes a new file with mode 0600, or leaves none.
func Write(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return present(name)
	}
	if err != nil {
		return fmt.Errorf("failed to write the key: %w", err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(name)
		return fmt.Errorf("failed to write the key: %w", err)
	}
	return nil
}
