package main

import (
	"crypto"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"strings"

	"ipsec/conf"
	"ipsec/conf/identity"
	"ipsec/conf/rawkey"
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

// showhostkeyCmd is ipsec showhostkey, ipsec_showhostkey(8). It prints nothing
// that is secret.
type showhostkeyCmd struct {
	Left     bool   `help:"Print a line for ipsec.conf, as leftrsasigkey=."`
	Right    bool   `help:"Print it as rightrsasigkey=."`
	Txt      string `placeholder:"GATEWAY" help:"Print a TXT record of the DNS for opportunistic encryption by that gateway."`
	Ipseckey bool   `help:"Print an IPSECKEY record of the DNS (RFC 4025)."`
	Gateway  string `placeholder:"ADDR" help:"The gateway in the IPSECKEY record."`
	List     bool   `help:"List all keys."`
	Dump     bool   `help:"The same, with the public keys."`
	ID       string `name:"id" placeholder:"ID" help:"The key of that identity, rather than the first one."`
	File     string `placeholder:"FILE" help:"Another file than ipsec.secrets."`
}

// Run prints the key.
func (c *showhostkeyCmd) Run(e *env) error {
	what, err := one(form{"--left", c.Left}, form{"--right", c.Right}, form{"--txt", c.Txt != ""},
		form{"--ipseckey", c.Ipseckey}, form{"--list", c.List}, form{"--dump", c.Dump})
	if err != nil {
		return err
	}
	if what == "" {
		return usageError("expected one of --left, --right, --txt, --ipseckey, --list and --dump")
	}
	if c.Gateway != "" && !c.Ipseckey {
		return usageError("--gateway goes with --ipseckey")
	}
	keys, err := c.keys(e)
	if err != nil {
		return err
	}
	if c.List || c.Dump {
		return c.list(e, keys)
	}
	text, err := c.text(keys[0].Public)
	if err != nil {
		return err
	}
	_, err = io.WriteString(e.Stdout, text)
	return err
}

// keys returns the keys of the file, at least one. What is wrong with other
// entries is told on stderr.
func (c *showhostkeyCmd) keys(e *env) ([]hostkey.Key, error) {
	file := c.File
	if file == "" {
		file = e.Paths.Secrets()
	}
	var of *identity.ID
	if c.ID != "" {
		id, err := identity.Parse(c.ID)
		if err != nil {
			return nil, usageError(err.Error())
		}
		of = &id
	}
	keys, warnings, err := hostkey.Find(file, filepath.Join(e.Paths.Dir(), "private"), of)
	for _, warning := range warnings {
		fmt.Fprintln(e.Stderr, warning)
	}
	return keys, err
}

// list prints a line for each key, and its public part after it for --dump.
func (c *showhostkeyCmd) list(e *env, keys []hostkey.Key) error {
	for i, k := range keys {
		fmt.Fprintf(e.Stdout, "%d: %s\n", i+1, k)
		if c.Dump {
			text, err := rawkey.Format(k.Public)
			if err != nil {
				return err
			}
			fmt.Fprintf(e.Stdout, "\tpubkey=%s\n", text)
		}
	}
	return nil
}

// text returns one key in the form that was asked for.
func (c *showhostkeyCmd) text(key crypto.PublicKey) (string, error) {
	switch {
	case c.Left:
		return hostkey.Line(key, conf.Left)
	case c.Right:
		return hostkey.Line(key, conf.Right)
	case c.Ipseckey:
		var gateway netip.Addr
		if c.Gateway != "" {
			var err error
			if gateway, err = netip.ParseAddr(c.Gateway); err != nil || gateway.Zone() != "" {
				return "", usageError(fmt.Sprintf("unexpected gateway %q: expected an address", c.Gateway))
			}
		}
		return hostkey.IPSECKEY(key, gateway)
	}
	gateway, err := identity.Parse(c.Txt)
	if err != nil || gateway.Addr() == (netip.Addr{}) && gateway.Type != identity.TypeFQDN {
		return "", usageError(fmt.Sprintf("unexpected gateway %q: expected an address or @NAME", c.Txt))
	}
	return hostkey.TXT(key, gateway)
}

// ranbitsCmd is ipsec ranbits, ipsec_ranbits(8).
type ranbitsCmd struct {
	Quick      bool `help:"Accepted for the sake of old scripts: the bits are always good and never slow."`
	Continuous bool `help:"Leave out the underscores between each 32 bits."`
	Bytes      bool `help:"Count bytes rather than bits."`
	Count      int  `arg:"" name:"n" help:"How many bits; rounded up to whole bytes."`
}

// maxRandom is how many random bytes are printed at most.
const maxRandom = 20000 / 8

// Run prints the bits as 0x and hex digits.
func (c *ranbitsCmd) Run(e *env) error {
	unit, n := "bits", c.Count
	limit := maxRandom * 8
	if c.Bytes {
		unit, limit = "bytes", maxRandom
	}
	if n < 1 || n > limit {
		return usageError(fmt.Sprintf("unexpected number %d: expected 1 to %d %s", n, limit, unit))
	}
	if !c.Bytes {
		n = (n + 7) / 8
	}
	data := make([]byte, n)
	rand.Read(data)
	text := hex.EncodeToString(data)
	if !c.Continuous {
		var groups []string
		for i := 0; i < len(text); i += 8 {
			groups = append(groups, text[i:min(i+8, len(text))])
		}
		text = strings.Join(groups, "_")
	}
	fmt.Fprintln(e.Stdout, "0x"+text)
	return nil
}
