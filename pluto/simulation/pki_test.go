package simulation

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/netip"
	"time"

	"ipsec/conf/identity"
	"ipsec/pluto/credential"
	"ipsec/pluto/plutotest"
)

// issued is a certificate and its key.
type issued struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// key returns a key that follows from the seed and a name.
func (w *world) key(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	plutotest.Random(w.seed, "key of "+name).Read(seed)
	return ed25519.NewKeyFromSeed(seed)
}

// issue returns a certificate of ca for a name of the DNS; a CA's, where ca is nil.
func (w *world) issue(ca *issued, name string) *issued {
	by := ""
	if ca != nil {
		by = " of " + ca.cert.Subject.CommonName
	}
	key := w.key(name + by)
	w.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(w.serial), Subject: pkix.Name{CommonName: name},
		NotBefore: w.start.Add(-time.Hour), NotAfter: w.start.Add(100 * time.Hour), BasicConstraintsValid: true,
	}
	parent, signer := template, crypto.Signer(key)
	if ca == nil {
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
	} else {
		template.DNSNames = []string{name}
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(nil, template, parent, key.Public(), signer)
	var cert *x509.Certificate
	if err == nil {
		cert, err = x509.ParseCertificate(der)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return &issued{cert, key}
}

// held are certificates as a host holds them.
func held(list ...*issued) (certs []credential.Cert) {
	for _, i := range list {
		certs = append(certs, credential.Cert{Certificate: i.cert, Source: i.cert.Subject.CommonName})
	}
	return certs
}

// own returns the credentials of a host with a certificate of its own, which its conns name as leftcert=own.
func own(i *issued, secrets credential.Secrets, cas ...*issued) *credential.Store {
	return credential.New(credential.Parts{
		CAs: held(cas...), Secrets: secrets, Keys: []credential.PrivateKey{{Signer: i.key}},
		CertFile: func(string) ([]credential.Cert, error) { return held(i), nil },
	})
}

// keyring is shared keys: those for one identity of a peer, or one address, and one for all others.
type keyring struct {
	ids   map[identity.ID]string
	addrs map[netip.Addr]string
	any   string
}

// Shared implements credential.Secrets.
func (k keyring) Shared(_, peer identity.ID, _, addr netip.Addr) ([]byte, bool) {
	for id, key := range k.ids {
		if peer.Equal(id) {
			return []byte(key), true
		}
	}
	if key, ok := k.addrs[addr]; ok {
		return []byte(key), true
	}
	return []byte(k.any), k.any != ""
}
