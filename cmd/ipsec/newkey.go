package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"ipsec/conf/secrets"
)

// Sizes of an RSA key in bits.
const (
	minKeyBits = 2048
	maxKeyBits = 8192
)

// rsasigkeyCmd is ipsec rsasigkey, ipsec_rsasigkey(8).
type rsasigkeyCmd struct {
	Verbose  bool   `help:"Say on stderr what goes on."`
	Hostname string `placeholder:"NAME" help:"Name for the comment; that of this machine when not given."`
	Bits     int    `arg:"" optional:"" default:"3072" help:"Size of the key: 2048 to 8192 bits, a multiple of 16."`
}

// Run makes a key and prints the inside of its block for ipsec.secrets.
func (c *rsasigkeyCmd) Run(e *env) error {
	progress := io.Discard
	if c.Verbose {
		progress = e.Stderr
	}
	text, err := newRSA(progress, c.Bits, c.Hostname)
	if err != nil {
		return err
	}
	_, err = e.Stdout.Write(text)
	return err
}

// newRSA makes a key and returns the inside of its block.
func newRSA(progress io.Writer, bits int, host string) ([]byte, error) {
	if bits < minKeyBits || bits > maxKeyBits || bits%16 != 0 {
		return nil, usageError(fmt.Sprintf("unexpected size of %d bits: expected %d to %d, a multiple of 16", bits, minKeyBits, maxKeyBits))
	}
	if host == "" {
		host, _ = os.Hostname()
	}
	fmt.Fprintf(progress, "making an RSA key of %d bits, which may take some seconds\n", bits)
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

// newhostkeyCmd is ipsec newhostkey, ipsec_newhostkey(8).
type newhostkeyCmd struct {
	Output   string `required:"" placeholder:"FILE" help:"File to write, which must not exist; - for stdout."`
	Bits     int    `default:"3072" placeholder:"N" help:"Size of the key: 2048 to 8192 bits, a multiple of 16."`
	Hostname string `placeholder:"NAME" help:"Name for the comment; that of this machine when not given."`
	Quiet    bool   `help:"Say nothing while it takes its time."`
}

// Run makes a key and writes its entry for ipsec.secrets into a new file that
// only its owner can read.
func (c *newhostkeyCmd) Run(e *env) error {
	progress := e.Stderr
	if c.Quiet {
		progress = io.Discard
	}
	if _, err := os.Lstat(c.Output); err == nil && c.Output != "-" {
		return existsAlready(c.Output) // before it takes its time
	}
	text, err := newRSA(progress, c.Bits, c.Hostname)
	if err != nil {
		return err
	}
	text = append(append([]byte(": RSA {\n"), text...), "\t}\n"...)
	if c.Output == "-" {
		_, err = e.Stdout.Write(text)
		return err
	}
	return writeSecret(c.Output, text)
}

func existsAlready(name string) error {
	return fmt.Errorf("%s is there already: expected the name of a new file, which ipsec.secrets can include", name)
}

// writeSecret writes a new file with mode 0600, or leaves none.
func writeSecret(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return existsAlready(name)
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
