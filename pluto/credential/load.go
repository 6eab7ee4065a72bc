package credential

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Source is where a host keeps its keys and certificates.
type Source struct {
	Folder  string    // ipsec.d: certs, cacerts, aacerts, private, crls below it
	Secrets string    // ipsec.secrets(5)
	Strict  StrictCRL // strictcrlpolicy
}

// Section is a part of a [Source] that can be reread by itself.
type Section uint8

// The sections, as whack's options name them.
const (
	RereadSecrets Section = 1 << iota // ipsec.secrets and ipsec.d/private
	RereadCACerts                     // ipsec.d/cacerts
	RereadAACerts                     // ipsec.d/aacerts
	RereadCRLs                        // ipsec.d/crls
	RereadCerts                       // ipsec.d/certs, and the files of leftcert
	RereadAll     = RereadSecrets | RereadCACerts | RereadAACerts | RereadCRLs | RereadCerts
)

// Load reads all of a Source. What cannot be read is left out, with one line for each
// file or entry that says why; a folder that does not exist is empty, and an ipsec.secrets, too.
func (src Source) Load() (*Store, []string) {
	return src.read(Parts{}, RereadAll, false)
}

// Reread returns a Store like s, but for the sections, which are read anew. It
// is for a Store that [Source.Load] made; another one is returned as it is.
func (s *Store) Reread(sections Section) (*Store, []string) {
	if s.source == (Source{}) {
		return s, nil
	}
	return s.source.read(s.parts, sections, true)
}

func (src Source) read(parts Parts, sections Section, again bool) (*Store, []string) {
	l := loader{again: again}
	parts.Strict = src.Strict
	if sections&RereadCerts != 0 {
		parts.Certs = l.certs(filepath.Join(src.Folder, "certs"))
	}
	if sections&RereadCACerts != 0 {
		parts.CAs = l.cas(filepath.Join(src.Folder, "cacerts"))
	}
	if sections&RereadAACerts != 0 {
		parts.AAs = l.certs(filepath.Join(src.Folder, "aacerts"))
	}
	if sections&RereadCRLs != 0 {
		parts.CRLs = l.crls(filepath.Join(src.Folder, "crls"))
	}
	if sections&RereadSecrets != 0 {
		parts.Keys, parts.Secrets = l.secrets(src)
	}
	if sections&RereadCerts != 0 || parts.CertFile == nil {
		files := certFiles{folder: filepath.Join(src.Folder, "certs")}
		parts.CertFile = files.read
	}
	s := New(parts)
	s.source = src
	return s, l.warnings
}

// loader reads files and collects what is wrong with them.
type loader struct {
	warnings []string
	again    bool // a person has asked for it
}

func (l *loader) warn(format string, args ...any) {
	l.warnings = append(l.warnings, fmt.Sprintf(format, args...))
}

// each calls read with every file of a folder, in the order of their names. Names that begin with a dot
// are left out.
func (l *loader) each(folder string, read func(file string) error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		if !os.IsNotExist(err) {
			l.warn("failed to read %s: %v", folder, err)
		}
		return
	}
	for i, e := range entries {
		if i == maxFiles {
			l.warn("%s holds more than %d files; the rest is left out", folder, maxFiles)
			return
		}
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		file := filepath.Join(folder, e.Name())
		if err := read(file); err != nil {
			l.warn("%s", about(file, err))
		}
	}
}

// about makes sure that an error names its file.
func about(file string, err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	if strings.Contains(text, file) {
		return text
	}
	return file + ": " + text
}

func (l *loader) certs(folder string) (out []Cert) {
	l.each(folder, func(file string) error {
		certs, err := readCerts(file)
		out = append(out, certs...)
		return err
	})
	return out
}

func (l *loader) cas(folder string) (out []Cert) {
	for _, c := range l.certs(folder) {
		if c.BasicConstraintsValid && !c.IsCA {
			l.warn("%s: %q is not the certificate of a CA (basicConstraints says CA:FALSE); one of a peer belongs into ipsec.d/certs", c.Source, name(c.RawSubject))
			continue
		}
		if err := CheckKey(c.PublicKey); err != nil {
			l.warn("%s: CA %q has %v", c.Source, name(c.RawSubject), err)
			continue
		}
		out = append(out, c)
	}
	return out
}

func (l *loader) crls(folder string) (out []*CRL) {
	l.each(folder, func(file string) error {
		data, _, err := readFile(file, maxCRLFile, false)
		if err != nil {
			return err
		}
		ders, err := blocks(data, "X509 CRL")
		if err != nil {
			return err
		}
		for _, der := range ders {
			crl, err := ParseCRL(der, file)
			if err != nil {
				return fmt.Errorf("CRL cannot be used: %w", err)
			}
			out = append(out, crl)
		}
		return nil
	})
	return out
}

// readCerts reads a file of certificates.
func readCerts(file string) ([]Cert, error) {
	data, _, err := readFile(file, maxCertFile, false)
	if err != nil {
		return nil, err
	}
	return parseCertFile(data, file)
}

func parseCertFile(data []byte, file string) ([]Cert, error) {
	parsed, err := ParseCertBundle(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var certs []Cert
	for _, c := range parsed {
		certs = append(certs, Cert{c, file})
	}
	return certs, nil
}

// privateKeys reads the keys of a folder; those in known are read already, or have been found
// unreadable.
func (l *loader) privateKeys(folder string, known map[string]bool) (out []PrivateKey) {
	l.each(folder, func(file string) error {
		if known[file] {
			return nil
		}
		key, err := readPrivateKey(file, nil)
		if err == nil {
			out = append(out, l.checked(key))
		}
		return err
	})
	return out
}

// checked warns of a weak key.
func (l *loader) checked(key PrivateKey) PrivateKey {
	if weak := Weakness(key.Public()); weak != "" {
		l.warn("%s: the private key there is %s", key.Source, weak)
	}
	return key
}

// readPrivateKey reads the file of a private key.
func readPrivateKey(file string, passphrase []byte) (PrivateKey, error) {
	data, _, err := readFile(file, maxKeyFile, true)
	if err != nil {
		return PrivateKey{}, err
	}
	defer clear(data)
	signer, err := ParsePrivateKey(data, passphrase)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("%s: %w", file, err)
	}
	return PrivateKey{Signer: signer, Source: file}, nil
}
