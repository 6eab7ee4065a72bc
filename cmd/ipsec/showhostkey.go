package main

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ipsec/conf"
	"ipsec/conf/identity"
	"ipsec/conf/rawkey"
	"ipsec/conf/secrets"
	"ipsec/pluto/credential"
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

// hostKey is a private key's public part and where it stands.
type hostKey struct {
	entry  *secrets.Entry
	public crypto.PublicKey
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
	return c.print(e, keys[0].public)
}

// keys returns the keys of the file, at least one. What is wrong with other
// entries is told on stderr.
func (c *showhostkeyCmd) keys(e *env) ([]hostKey, error) {
	file := c.File
	if file == "" {
		file = e.Paths.Secrets()
	}
	var want identity.ID
	if c.ID != "" {
		var err error
		if want, err = identity.Parse(c.ID); err != nil {
			return nil, usageError(err.Error())
		}
	}
	s, err := secrets.Load(file)
	if err != nil && len(s.Files) == 0 {
		return nil, err
	}
	if err != nil {
		fmt.Fprintln(e.Stderr, err)
	}
	var list []hostKey
	for _, entry := range s.PrivateKeys() {
		if c.ID != "" && !isIndex(entry, want) {
			continue
		}
		public, err := publicOf(entry, e.Paths)
		if err != nil {
			fmt.Fprintln(e.Stderr, err)
			continue
		}
		list = append(list, hostKey{entry, public})
	}
	switch {
	case len(list) > 0:
		return list, nil
	case c.ID != "":
		return nil, fmt.Errorf("%s holds no private key of %s that can be read", file, want)
	}
	return nil, fmt.Errorf("%s holds no private key that can be read: ipsec newhostkey makes one", file)
}

// isIndex reports whether an index of an entry is that identity.
func isIndex(entry *secrets.Entry, id identity.ID) bool {
	for _, index := range entry.IDs {
		if index.Equal(id) {
			return true
		}
	}
	return false
}

// publicOf returns the public part of the key of an entry.
func publicOf(entry *secrets.Entry, paths conf.Paths) (crypto.PublicKey, error) {
	if key := entry.RSAKey(); key != nil {
		return &key.PublicKey, nil
	}
	file := entry.File
	if !filepath.IsAbs(file) {
		file = filepath.Join(paths.Dir(), "private", file)
	}
	fail := func(err error) error {
		return conf.Errors{{Pos: entry.Pos, Text: fmt.Sprintf("failed to read the key: %v", err)}}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fail(err)
	}
	var passphrase []byte
	if entry.Passphrase.IsSet() {
		if passphrase, err = conf.DecodeKey(entry.Passphrase); err != nil {
			return nil, fail(err)
		}
	}
	key, err := credential.ParsePrivateKey(data, passphrase)
	if err != nil {
		return nil, fail(fmt.Errorf("%s: %w", file, err))
	}
	return key.Public(), nil
}

// list prints a line for each key.
func (c *showhostkeyCmd) list(e *env, keys []hostKey) error {
	for i, k := range keys {
		_, kind := rawkey.Keyword(k.public)
		ids := "%any"
		if len(k.entry.IDs) > 0 {
			words := make([]string, len(k.entry.IDs))
			for j, id := range k.entry.IDs {
				words[j] = id.String()
			}
			ids = strings.Join(words, "; ")
		}
		fmt.Fprintf(e.Stdout, "%d: %s %s of %s at %s\n", i+1, kind, rawkey.ID(k.public), ids, k.entry.Pos)
		if c.Dump {
			text, err := rawkey.Format(k.public)
			if err != nil {
				return err
			}
			fmt.Fprintf(e.Stdout, "\tpubkey=%s\n", text)
		}
	}
	return nil
}

// print prints one key in the form that was asked for.
func (c *showhostkeyCmd) print(e *env, key crypto.PublicKey) error {
	text, err := rawkey.Format(key)
	if err != nil {
		return err
	}
	keyword, kind := rawkey.Keyword(key)
	if c.Left || c.Right {
		side := "left"
		if c.Right {
			side = "right"
		}
		fmt.Fprintf(e.Stdout, "\t# %s key %s\n\t%s%s=%s\n", kind, rawkey.ID(key), side, keyword, text)
		return nil
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return fmt.Errorf("the key is one of %s: expected RSA for a record of the DNS", kind)
	}
	body := base64.StdEncoding.EncodeToString(rawkey.EncodeRSA(public))
	if c.Ipseckey {
		return c.ipseckey(e, body)
	}
	gateway, err := identity.Parse(c.Txt)
	if err != nil || gateway.Addr() == (netip.Addr{}) && gateway.Type != identity.TypeFQDN {
		return usageError(fmt.Sprintf("unexpected gateway %q: expected an address or @NAME", c.Txt))
	}
	record := fmt.Sprintf("X-IPsec-Server(10)=%s %s", gateway, body)
	var parts []string
	for part := range slices.Chunk([]byte(record), 250) { // a string of a TXT record has at most 255 bytes
		parts = append(parts, strconv.Quote(string(part)))
	}
	fmt.Fprintf(e.Stdout, "\t; RSA %d bits   %s\n\tIN\tTXT\t%s\n", public.N.BitLen(), rawkey.ID(key), strings.Join(parts, " "))
	return nil
}

// ipseckey prints an IPSECKEY record: precedence 10, the type of the gateway,
// RSA, the gateway and the key.
func (c *showhostkeyCmd) ipseckey(e *env, body string) error {
	kind, gateway := 0, "."
	if c.Gateway != "" {
		a, err := netip.ParseAddr(c.Gateway)
		switch {
		case err != nil || a.Zone() != "":
			return usageError(fmt.Sprintf("unexpected gateway %q: expected an address", c.Gateway))
		case a.Is4():
			kind, gateway = 1, a.String()
		default:
			kind, gateway = 2, a.String()
		}
	}
	fmt.Fprintf(e.Stdout, "\tIN\tIPSECKEY\t10 %d 2 %s %s\n", kind, gateway, body)
	return nil
}
