package credential

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"strings"

	"ipsec/conf/rawkey"
	"ipsec/pluto"
)

// Own returns what we sign with, and the certificates to send with the signature, DER: our own, and
// the intermediates above it. certReqs are the peer's wishes, runs of SHA-1 hashes of the keys of
// CAs (RFC 7296 §3.7). The error is of type *[Error].
func (s *Store) Own(c Case, certReqs [][]byte) (PrivateKey, [][]byte, error) {
	key, chain, err := s.ownKey(c, certReqs)
	if err != nil || len(chain) == 0 {
		return key, nil, asError(err)
	}
	if err := dated(chain[0].Certificate, c.Now); err != nil {
		err.Text = "our own " + err.Text
		return PrivateKey{}, nil, err
	}
	if !sends(c.Conn.Local.SendCert, len(certReqs) > 0) {
		return key, nil, nil
	}
	return key, s.toSend(chain), nil
}

// sends is leftsendcert.
func sends(when pluto.SendCert, asked bool) bool {
	return when == pluto.SendCertAlways || when == pluto.SendCertIfAsked && asked
}

// ownKey finds what we sign with: the key of leftcert, of leftrsasigkey, of a
// certificate in ipsec.d/certs for our ID, or the one that ipsec.secrets has for our ID.
func (s *Store) ownKey(r Case, certReqs [][]byte) (PrivateKey, []Cert, *Error) {
	if r.Conn.Local.Cert != "" {
		chain, err := s.certFile(r.Conn.Local.Cert)
		if err != nil {
			return PrivateKey{}, nil, err
		}
		key, ok := s.privateKey(chain[0].PublicKey)
		if !ok {
			return PrivateKey{}, nil, fail(NoPrivateKey, "put it into ipsec.d/private, or name it in ipsec.secrets",
				"no private key for our certificate \"%s\" (%s)", name(chain[0].RawSubject), chain[0].Source)
		}
		return key, chain, nil
	}
	raw, err := parseKeys(r.Conn.Local.PublicKeys)
	if err != nil {
		return PrivateKey{}, nil, err
	}
	for _, public := range raw {
		if key, ok := s.privateKey(public); ok {
			return key, nil, nil
		}
	}
	if len(raw) > 0 {
		return PrivateKey{}, nil, fail(NoPrivateKey, "look at leftrsasigkey= and ipsec.secrets", "no private key for our raw public key (%s)", DescribeKey(raw[0]))
	}
	if key, cert, ok := s.ownCert(r, certReqs); ok {
		return key, []Cert{cert}, nil
	}
	if key, ok := s.keyFor(r.OwnID, r.OwnAddr); ok {
		return key, nil, nil
	}
	return PrivateKey{}, nil, fail(NoPrivateKey, "look at leftcert= or leftrsasigkey=",
		"the conn names neither a certificate nor a public key of ours, and none of our %d private keys is for %s alone", len(s.parts.Keys), idOr(r.OwnID, r.OwnAddr))
}

// ownCert chooses a certificate for our ID, under leftca, whose private key we hold; best one
// that hangs from a CA that the peer asked for.
func (s *Store) ownCert(r Case, certReqs [][]byte) (key PrivateKey, cert Cert, ok bool) {
	underCA := func(Cert) bool { return true }
	if ca := r.Conn.Local.CA; ca != "" && !strings.HasPrefix(ca, "%") {
		dn, err := parseCA(ca)
		if err != nil {
			return key, cert, false
		}
		wanted := matches(dn)
		underCA = func(c Cert) bool {
			return s.hangsFrom(c, func(issuer *x509.Certificate) bool { return wanted(issuer.RawSubject) })
		}
	}
	for _, c := range s.parts.Certs {
		k, have := s.privateKey(c.PublicKey)
		if !have || speaksFor(c.Certificate, r.OwnID) != nil || dated(c.Certificate, r.Now) != nil || !underCA(c) {
			continue
		}
		asked := s.askedFor(c, certReqs)
		if !ok || asked {
			key, cert, ok = k, c, true
		}
		if asked {
			break
		}
	}
	return key, cert, ok
}

// toSend returns our certificate and the intermediates above it, not the root:
// those of leftcert's file, then those of ipsec.d.
func (s *Store) toSend(chain []Cert) [][]byte {
	out := [][]byte{chain[0].Raw}
	at := chain[0].Certificate
	for len(out) < MaxCerts && !selfIssued(at) {
		issuer := s.issuerOf(at, chain[1:])
		if issuer == nil || selfIssued(issuer) {
			break
		}
		out = append(out, issuer.Raw)
		at = issuer
	}
	return out
}

// issuerOf finds who signed c, among others and in the Store.
func (s *Store) issuerOf(c *x509.Certificate, others []Cert) *x509.Certificate {
	fits := func(issuer *x509.Certificate) bool {
		return bytes.Equal(issuer.RawSubject, c.RawIssuer) && c.CheckSignatureFrom(issuer) == nil
	}
	for _, o := range others {
		if fits(o.Certificate) {
			return o.Certificate
		}
	}
	for _, i := range s.intermediates {
		if fits(i) {
			return i
		}
	}
	return nil
}

func selfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }

// parseKeys reads the raw public keys of an end; words such as %cert are none.
func parseKeys(keys []string) ([]crypto.PublicKey, *Error) {
	var out []crypto.PublicKey
	for _, text := range keys {
		if text == "" || text[0] == '%' {
			continue
		}
		key, err := rawkey.Parse(text)
		if err != nil {
			return nil, fail(BadKey, "look at leftrsasigkey= and rightrsasigkey=", "%v", err)
		}
		out = append(out, key)
	}
	return out, nil
}
