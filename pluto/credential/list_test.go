package credential

import (
	"crypto/elliptic"
	"crypto/x509"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"ipsec/pluto"
	"ipsec/pluto/keytest"
)

// TestLists compares the lists with what they should be. What hangs on keys, which are
// drawn at random, is cut out.
func TestLists(t *testing.T) {
	numbered := func(n int64, days int) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(n), noon.AddDate(0, 0, -2), noon.AddDate(0, 0, days)
		}
	}
	root := issue(t, nil, "Root", both(asCA, numbered(1, 1000)))
	west := issueFor(t, root, keytest.RSA(t, 2048), "west", numbered(0x1234, 10))
	old := issue(t, root, "old", numbered(5, -1))
	store := New(Parts{
		CAs: held(root), Certs: held(west, old), Keys: []PrivateKey{{Signer: west.key}},
		CRLs: []*CRL{root.crl(noon, noon.AddDate(0, 0, 40), old)},
	})
	conns := []*pluto.Connection{{Remote: pluto.End{
		ID: parseID(t, "@east"), PublicKeys: []string{keytest.Public(t, keytest.ECDSA(t, elliptic.P256()).Public())},
	}}}
	random := regexp.MustCompile(`(Key|(?:subj|auth)key:) +[^ ,\n]+`)
	tests := []struct {
		lines []string
		want  string
	}{
		{store.ListCerts(noon), `

List of X.509 End Certificates:

west.pem, count: 1
       subject: 'C=CA, O=Example, CN=west'
       issuer:  'C=CA, O=Example, CN=Root'
       serial:   12:34
       pubkey:   2048 RSA Key …, has private key
       validity: not before May 30 12:00:00 2030 ok
                 not after  Jun 11 12:00:00 2030 warning (expires in 10 days)
       authkey: …
old.pem, count: 1
       subject: 'C=CA, O=Example, CN=old'
       issuer:  'C=CA, O=Example, CN=Root'
       serial:   05
       pubkey:   ECDSA P-256 Key …
       validity: not before May 30 12:00:00 2030 ok
                 not after  May 31 12:00:00 2030 fatal (expired)
       authkey: …`},
		{store.ListCACerts(noon.AddDate(0, 0, -3)), `

List of X.509 CA Certificates:

Root.pem, count: 1
       subject: 'C=CA, O=Example, CN=Root'
       issuer:  'C=CA, O=Example, CN=Root'
       serial:   01
       pubkey:   ECDSA P-256 Key …
       validity: not before May 30 12:00:00 2030 fatal (not valid yet)
                 not after  Feb 25 12:00:00 2033 ok
       subjkey: …`},
		{store.ListAACerts(noon), `

List of X.509 AA Certificates:
`},
		{store.ListCRLs(noon), `

List of X.509 CRLs:

Root.crl, revoked certs: 1
       issuer:  'C=CA, O=Example, CN=Root'
       updates:  this Jun 01 12:00:00 2030
                 next Jul 11 12:00:00 2030 ok
       authkey: …`},
		{store.ListPublicKeys(conns, noon), `

List of Public Keys:

ECDSA P-256 Key … (no private key), until --- -- --:--:-- ---- ok (expires never)
       ID_FQDN '@east'
2048 RSA Key … (has private key), until Jun 11 12:00:00 2030 warning (expires in 10 days)
       ID_DER_ASN1_DN 'C=CA, O=Example, CN=west'
       Issuer 'C=CA, O=Example, CN=Root'
ECDSA P-256 Key … (no private key), until May 31 12:00:00 2030 fatal (expired)
       ID_DER_ASN1_DN 'C=CA, O=Example, CN=old'
       Issuer 'C=CA, O=Example, CN=Root'`},
	}
	for _, test := range tests {
		got := "\n" + random.ReplaceAllString(strings.Join(test.lines, "\n"), "$1 …")
		if got != test.want {
			t.Errorf("got%s\nwant%s", got, test.want)
		}
	}
}
