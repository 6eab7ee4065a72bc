package main

import (
	"crypto"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"

	"ipsec/conf"
	"ipsec/conf/identity"
	"ipsec/conf/rawkey"
	"ipsec/pluto/hostkey"
)

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
