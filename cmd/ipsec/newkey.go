package main

import (
	"fmt"
	"io"

	"ipsec/pluto/hostkey"
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

// newRSA makes a key, says so, and returns the inside of its block.
func newRSA(progress io.Writer, bits int, host string) ([]byte, error) {
	if err := hostkey.CheckBits(bits); err != nil {
		return nil, usageError(err.Error())
	}
	fmt.Fprintf(progress, "making an RSA key of %d bits, which may take some seconds\n", bits)
	return hostkey.New(bits, host)
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
	if c.Output != "-" { // before it takes its time
		if err := hostkey.Absent(c.Output); err != nil {
			return err
		}
	}
	inside, err := newRSA(progress, c.Bits, c.Hostname)
	if err != nil {
		return err
	}
	text := hostkey.Entry(inside)
	if c.Output == "-" {
		_, err = e.Stdout.Write(text)
		return err
	}
	return hostkey.Write(c.Output, text)
}
