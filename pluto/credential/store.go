package credential

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ipsec/conf/identity"
)

// Cert is a certificate that this host holds, and where it is from.
type Cert struct {
	*x509.Certificate
	Source string // the file, for messages
}

// PrivateKey is a key to sign with, and where it is from. It prints neither.
type PrivateKey struct {
	crypto.Signer
	Source string        // FILE, or FILE:LINE of ipsec.secrets
	IDs    []identity.ID // whom ipsec.secrets says it is for; none: for everybody
}

// Format writes a placeholder and the source, whatever the verb.
func (k PrivateKey) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "[private key of %s]", k.Source) }

// Secrets are the shared keys of a host.
type Secrets interface {
	// Shared returns the key for a pair of identities and addresses as
	// ipsec.secrets(5) looks it up, and whether there is one. What it returns is not changed.
	Shared(own, peer identity.ID, ownAddr, peerAddr netip.Addr) ([]byte, bool)
}

// StrictCRL is strictcrlpolicy.
type StrictCRL uint8

// What becomes of a certificate for which there is no valid CRL.
const (
	CRLOptional StrictCRL = iota // it passes
	CRLRequired                  // it is refused
	CRLIfURI                     // it is refused if it names a place where its CRL is
)

// Parts are what a [Store] is made of. [Load] fills them from files, tests by hand.
type Parts struct {
	Certs   []Cert // of ourselves, of peers, intermediates: ipsec.d/certs
	CAs     []Cert // trusted: ipsec.d/cacerts
	AAs     []Cert // ipsec.d/aacerts; they are listed, and that is all
	CRLs    []*CRL
	Keys    []PrivateKey
	Secrets Secrets // nil: there are none
	Strict  StrictCRL
	// CertFile reads a file that a conn's leftcert names, its chain included; nil where there are no files.
	CertFile func(name string) ([]Cert, error)
}

// Store is what a host holds. See the package comment.
type Store struct {
	source        Source // the zero Source where there are no files
	parts         Parts
	roots         *x509.CertPool
	intermediates []*x509.Certificate
}

// New makes a Store. The parts belong to it from then on.
func New(parts Parts) *Store {
	s := &Store{parts: parts, roots: x509.NewCertPool()}
	for _, ca := range parts.CAs {
		s.roots.AddCert(knownConstraints(ca.Certificate))
		s.intermediates = append(s.intermediates, ca.Certificate)
	}
	for _, c := range parts.Certs {
		if c.IsCA {
			s.intermediates = append(s.intermediates, c.Certificate)
		}
	}
	return s
}

// equaler is what every public key of the standard library is.
type equaler interface{ Equal(crypto.PublicKey) bool }

// keyFor finds the private key for an identity of ours, where the conn says nothing of a key: the first
// one that ipsec.secrets has for it, or the only one that is for everybody.
func (s *Store) keyFor(id identity.ID, addr netip.Addr) (PrivateKey, bool) {
	var general []PrivateKey
	for _, k := range s.parts.Keys {
		for _, of := range k.IDs {
			if id.Matches(of) || addr.IsValid() && of == identity.FromAddr(addr) {
				return k, true
			}
		}
		if len(k.IDs) == 0 && !slices.ContainsFunc(general, func(g PrivateKey) bool { return sameKey(g.Public(), k.Public()) }) {
			general = append(general, k)
		}
	}
	if len(general) != 1 {
		return PrivateKey{}, false
	}
	return general[0], true
}

func sameKey(a, b crypto.PublicKey) bool {
	e, ok := a.(equaler)
	return ok && e.Equal(b)
}

// privateKey finds the private key of a public one.
func (s *Store) privateKey(public crypto.PublicKey) (PrivateKey, bool) {
	i := slices.IndexFunc(s.parts.Keys, func(k PrivateKey) bool { return sameKey(k.Public(), public) })
	if i < 0 {
		return PrivateKey{}, false
	}
	return s.parts.Keys[i], true
}

// certFile reads the file that leftcert names.
func (s *Store) certFile(name string) ([]Cert, *Error) {
	if s.parts.CertFile == nil {
		return nil, fail(NoCert, "look at leftcert=", "certificate file %q cannot be read: there are no files", name)
	}
	certs, err := s.parts.CertFile(name)
	if err != nil {
		return nil, fail(NoCert, "look at leftcert= and ipsec.d/certs", "certificate of the conn: %v", err)
	}
	if len(certs) == 0 {
		return nil, fail(NoCert, "look at leftcert= and ipsec.d/certs", "certificate file %q holds no certificate", name)
	}
	return certs, nil
}

// placer is what Secrets may know besides: where the key that Shared returns stands, and where
// another stands that fits as well.
type placer interface {
	places(own, peer identity.ID, ownAddr, peerAddr netip.Addr) (found, clash string)
}

// Shared returns the shared key of both ends as ipsec.secrets(5) looks it up, and where it stands,
// for messages. The error is of type *[Error].
func (s *Store) Shared(c Case) (key []byte, place string, err error) {
	key, place, failed := s.shared(c.OwnID, c.PeerID, c.OwnAddr, c.PeerAddr)
	return key, place, asError(failed)
}

// shared looks up a shared key; place is where it stands.
func (s *Store) shared(own, peer identity.ID, ownAddr, peerAddr netip.Addr) (key []byte, place string, err *Error) {
	if s.parts.Secrets == nil {
		return nil, "", s.noSecret(own, peer, ownAddr, peerAddr)
	}
	key, ok := s.parts.Secrets.Shared(own, peer, ownAddr, peerAddr)
	if !ok {
		return nil, "", s.noSecret(own, peer, ownAddr, peerAddr)
	}
	place = "ipsec.secrets"
	if p, ok := s.parts.Secrets.(placer); ok {
		found, clash := p.places(own, peer, ownAddr, peerAddr)
		place = found
		if clash != "" {
			place += " (and at " + clash + ", which fits as well but is not used)"
		}
	}
	return key, place, nil
}

func (s *Store) noSecret(own, peer identity.ID, ownAddr, peerAddr netip.Addr) *Error {
	file := s.source.Secrets
	if file == "" {
		file = "ipsec.secrets"
	}
	hint := "look at " + file
	if k, ok := s.parts.Secrets.(sharedKeys); ok && len(k.file.Files) == 0 {
		hint += ", which is not there or could not be read"
	}
	return fail(NoSecret, hint, "no shared key for %s and %s", idOr(own, ownAddr), idOr(peer, peerAddr))
}

// dated says since when a certificate is, or is not, valid.
func dated(c *x509.Certificate, now time.Time) *Error {
	const layout = "2006-01-02 15:04:05 UTC"
	switch {
	case now.Before(c.NotBefore):
		return fail(NotYetValid, "look at the clocks of both ends", "certificate \"%s\" is not valid before %s", name(c.RawSubject), c.NotBefore.UTC().Format(layout))
	case now.After(c.NotAfter):
		return fail(Expired, "a new one is needed, or a clock is wrong", "certificate \"%s\" expired on %s", name(c.RawSubject), c.NotAfter.UTC().Format(layout))
	}
	return nil
}
