package credential

import (
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"strings"
	"testing"
	"time"

	"ipsec/conf/identity"
	"ipsec/pluto"
	"ipsec/pluto/keytest"
)

// TestCertificates has a peer prove itself by a certificate, in every way in which
// that succeeds or fails.
func TestCertificates(t *testing.T) {
	root := issue(t, nil, "Root", asCA)
	other := issue(t, nil, "Other", asCA)
	stranger := issue(t, nil, "Stranger", asCA)
	middle := issue(t, root, "Middle", asCA)
	oldMiddle := issue(t, root, "Old Middle", both(asCA, func(c *x509.Certificate) { c.NotAfter = noon.AddDate(0, 0, -1) }))
	noMiddle := issue(t, root, "No Middle", names)
	short := issue(t, root, "Short", both(asCA, func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true }))
	deep := issue(t, short, "Deep", asCA)
	narrow := issue(t, root, "Narrow", both(asCA, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"example.org"}
	}))
	oldRoot := issue(t, nil, "Old Root", both(asCA, func(c *x509.Certificate) { c.NotAfter = noon.AddDate(0, 0, -1) }))

	leaf := issue(t, root, "east", names)
	below := issue(t, middle, "east", names)
	uri := issue(t, root, "east", both(names, func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://crl.example.com"} }))
	rsaRoot := issueFor(t, nil, keytest.RSA(t, 2048), "RSA Root", asCA)
	sha1 := issue(t, rsaRoot, "east", both(names, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }))
	use := func(use x509.KeyUsage, ext ...x509.ExtKeyUsage) *pki {
		return issue(t, root, "east", both(names, func(c *x509.Certificate) { c.KeyUsage, c.ExtKeyUsage = use, ext }))
	}
	ikeUse := issue(t, root, "east", both(names, func(c *x509.Certificate) {
		c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{oidIKEIntermediate}
	}))
	unknownCritical := issue(t, root, "east", both(names, func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
	}))
	namesake := issue(t, other, "Root", asCA)
	noName := issue(t, root, "east", nil)
	impostor := issueFor(t, nil, stranger.key, "Root", asCA)
	forged := issue(t, impostor, "east", names)
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }

	ca := "C=CA, O=Example, CN="
	tests := []struct {
		name   string
		peer   *pki
		sent   []*pki // besides the peer's certificate
		id     string
		ca     string // rightca
		strict StrictCRL
		crls   []*CRL
		at     time.Time // noon, when zero
		reason Reason
		text   string
	}{
		{name: "subject", peer: leaf},
		{name: "subject in other letters", peer: leaf, id: "c=ca, o=EXAMPLE, cn=East"},
		{name: "another subject", peer: leaf, id: "C=CA, O=Example, CN=west", reason: IDMismatch, text: `CN=east`},
		{name: "FQDN", peer: leaf, id: "@east.example.com"},
		{name: "FQDN in other letters", peer: leaf, id: "@EAST.example.com"},
		{name: "another FQDN", peer: leaf, id: "@west.example.com", reason: IDMismatch, text: `as DNS name that has ["east.example.com"`},
		{name: "FQDN by a wildcard", peer: leaf, id: "@a.wild.example.com", reason: IDMismatch},
		{name: "FQDN that is a wildcard", peer: leaf, id: "@*.wild.example.com", reason: IDMismatch},
		{name: "email", peer: leaf, id: "east@example.com"},
		{name: "another email", peer: leaf, id: "west@example.com", reason: IDMismatch, text: "email address"},
		{name: "IPv4", peer: leaf, id: "192.0.2.2"},
		{name: "IPv6", peer: leaf, id: "2001:db8::2"},
		{name: "another address", peer: leaf, id: "192.0.2.3", reason: IDMismatch, text: "IP address"},
		{name: "key id", peer: leaf, id: "@#0102", reason: IDMismatch, text: "subjectKeyIdentifier"},
		{name: "no names", peer: noName, id: "@east.example.com", reason: IDMismatch, text: "no subjectAltName of kind DNS name"},

		{name: "intermediate sent", peer: below, sent: []*pki{middle}},
		{name: "intermediate and root sent", peer: below, sent: []*pki{root, middle}},
		{name: "intermediate missing", peer: below, reason: UnknownCA, text: `unknown CA, "C=CA, O=Example, CN=Middle"`},
		{name: "stranger", peer: issue(t, stranger, "east", names), sent: []*pki{stranger}, reason: UnknownCA, text: `CN=Stranger`},
		{name: "name with a comma", peer: issue(t, issue(t, nil, "Acme, Inc.", asCA), "east", names), reason: UnknownCA, text: `CN=Acme\, Inc."`},
		{name: "self-signed", peer: issue(t, nil, "east", names), reason: UnknownCA},
		{name: "forged", peer: forged, sent: []*pki{impostor}, reason: UnknownCA, text: "CN=Root"},
		{name: "intermediate that is no CA", peer: issue(t, noMiddle, "east", names), sent: []*pki{noMiddle}, reason: UnknownCA, text: "cannot sign this kind"},
		{name: "path too long", peer: issue(t, deep, "east", names), sent: []*pki{deep, short}, reason: BadCert},
		{name: "name out of bounds", peer: issue(t, narrow, "east", names), sent: []*pki{narrow}, reason: BadCert, text: "example.com"},
		{name: "RSA above ECDSA", peer: issue(t, rsaRoot, "east", names)},
		{name: "SHA-1", peer: sha1, reason: BadCert, text: "SHA-1"},
		{name: "critical extension", peer: unknownCritical, reason: BadCert},

		{name: "expired", peer: leaf, at: noon.AddDate(1, 0, 0), reason: Expired, text: `"C=CA, O=Example, CN=east" expired on 2030-12-01 12:00:00 UTC`},
		{name: "not yet valid", peer: leaf, at: noon.AddDate(-1, 0, 0), reason: NotYetValid, text: "not valid before 2029-12-01 12:00:00 UTC"},
		{name: "expired intermediate", peer: issue(t, oldMiddle, "east", names), sent: []*pki{oldMiddle}, reason: Expired, text: "Old Middle"},
		{name: "expired root", peer: issue(t, oldRoot, "east", names), reason: Expired, text: "Old Root"},

		{name: "serverAuth", peer: use(0, x509.ExtKeyUsageServerAuth)},
		{name: "clientAuth", peer: use(x509.KeyUsageDigitalSignature, x509.ExtKeyUsageClientAuth)},
		{name: "ikeIntermediate", peer: ikeUse},
		{name: "any use", peer: use(0, x509.ExtKeyUsageAny)},
		{name: "code signing", peer: use(0, x509.ExtKeyUsageCodeSigning), reason: BadCert, text: "not for IKE"},
		{name: "encryption only", peer: use(x509.KeyUsageKeyEncipherment), reason: BadCert, text: "signatures"},

		{name: "CA demanded", peer: leaf, ca: ca + "Root"},
		{name: "CA demanded above an intermediate", peer: below, sent: []*pki{middle}, ca: ca + "Root"},
		{name: "intermediate demanded, that is not held", peer: below, sent: []*pki{middle}, ca: ca + "Middle", reason: UnknownCA, text: "its name alone proves nothing"},
		{name: "another CA demanded", peer: leaf, ca: ca + "Other", reason: UnknownCA, text: "not of the one that the conn demands"},
		{name: "CA demanded, whose name one below another CA has", peer: issue(t, namesake, "east", names), sent: []*pki{namesake}, ca: ca + "Root", reason: UnknownCA, text: "not of the one that the conn demands"},
		{name: "any CA", peer: leaf, ca: "%any"},
		{name: "same CA as ours", peer: leaf, ca: "%same", reason: UnknownCA},
		{name: "same CA as ours, which it is", peer: issue(t, other, "east", names), ca: "%same"},
		{name: "malformed CA", peer: leaf, ca: "@west", reason: UnknownCA, text: "malformed DN"},

		{name: "CRL", peer: leaf, strict: CRLRequired, crls: []*CRL{root.crl(hour(-1), hour(1))}},
		{name: "revoked", peer: leaf, crls: []*CRL{root.crl(hour(-1), hour(1), leaf)}, reason: Revoked, text: "was revoked on 2030-06-01 11:00:00 UTC"},
		{name: "revoked, the CRL out of date", peer: leaf, crls: []*CRL{root.crl(hour(-2), hour(-1), leaf)}, reason: Revoked},
		{name: "intermediate revoked", peer: below, sent: []*pki{middle}, crls: []*CRL{root.crl(hour(-1), hour(1), middle)}, reason: Revoked, text: "Middle"},
		{name: "another one revoked", peer: leaf, crls: []*CRL{root.crl(hour(-1), hour(1), below)}},
		{name: "revoked by a stranger", peer: leaf, crls: []*CRL{stranger.crl(hour(-1), hour(1), leaf)}},
		{name: "revoked by an impostor", peer: leaf, crls: []*CRL{impostor.crl(hour(-1), hour(1), leaf)}},
		{name: "no CRL, strict", peer: leaf, strict: CRLRequired, reason: NoCRL, text: "there is none"},
		{name: "old CRL, strict", peer: leaf, strict: CRLRequired, crls: []*CRL{root.crl(hour(-2), hour(-1))}, reason: NoCRL, text: "out of date"},
		{name: "impostor's CRL, strict", peer: leaf, strict: CRLRequired, crls: []*CRL{impostor.crl(hour(-1), hour(1))}, reason: NoCRL, text: "not signed"},
		{name: "no CRL, ifuri, no URI", peer: leaf, strict: CRLIfURI},
		{name: "no CRL, ifuri, URI", peer: uri, strict: CRLIfURI, reason: NoCRL},
	}
	ours := issue(t, other, "west", nil)
	for _, test := range tests {
		if test.id == "" {
			test.id = "C=CA, O=Example, CN=east"
		}
		if test.at.IsZero() {
			test.at = noon
		}
		id, err := identity.Parse(test.id)
		if err != nil {
			t.Fatal(err)
		}
		store := New(Parts{
			CAs: held(root, other, oldRoot, rsaRoot), CRLs: test.crls, Strict: test.strict,
			CertFile: func(string) ([]Cert, error) { return held(ours), nil },
		})
		result, err := trusted(store, Case{
			Conn:   &pluto.Connection{AuthBy: keytest.Methods("ecdsa"), Local: pluto.End{Cert: "ours"}, Remote: pluto.End{CA: test.ca}},
			PeerID: id, Now: test.at,
		}, ders(append([]*pki{test.peer}, test.sent...)...), test.peer.key.Public())
		check(t, test.name, err, test.reason)
		if err != nil && !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v, want %q in it", test.name, err, test.text)
		}
		if err == nil && (result.Subject == "" || result.CA == "" || result.NotAfter.IsZero()) {
			t.Errorf("%s: %+v", test.name, result)
		}
	}
}

// TestPeerSends limits what a peer may send.
func TestPeerSends(t *testing.T) {
	root := issue(t, nil, "Root", asCA)
	leaf := issue(t, root, "east", names)
	big := issue(t, root, "east", both(names, func(c *x509.Certificate) {
		for range 30_000 {
			c.IPAddresses = append(c.IPAddresses, net.IPv4(192, 0, 2, 2))
		}
	}))
	small := issueFor(t, root, keytest.ECDSA(t, elliptic.P224()), "east", names)
	tests := []struct {
		name   string
		certs  [][]byte
		reason Reason
	}{
		{"one", ders(leaf), 0},
		{"none, and none here", nil, NoPublicKey},
		{"many", ders(leaf, root, root, root, root, root, root, root, root, root, root, root, root, root, root, root), 0},
		{"too many", ders(leaf, root, root, root, root, root, root, root, root, root, root, root, root, root, root, root, root), TooMany},
		{"too long", ders(big), TooMany},
		{"empty", [][]byte{{}}, BadCert},
		{"malformed", [][]byte{leaf.cert.Raw[1:]}, BadCert},
		{"malformed after a good one", append(ders(leaf), []byte("0")), BadCert},
		{"curve that we do not know", ders(small), BadKey},
		{"somebody else's", ders(root), BadSignature},
	}
	store := New(Parts{CAs: held(root)})
	for _, test := range tests {
		_, err := trusted(store, Case{Conn: &pluto.Connection{AuthBy: keytest.Methods("rsasig")}, PeerID: SubjectID(leaf.cert), Now: noon}, test.certs, leaf.key.Public())
		check(t, test.name, err, test.reason)
	}

	// Who demands a CA that is not here has asked for no certificate.
	conn := &pluto.Connection{AuthBy: keytest.Methods("rsasig"), Remote: pluto.End{CA: "CN=Nobody"}}
	_, err := trusted(store, Case{Conn: conn, PeerID: SubjectID(leaf.cert), Now: noon}, nil, leaf.key.Public())
	check(t, "none, for an unknown CA is demanded", err, UnknownCA)
	if err != nil && !strings.Contains(err.Error(), "demands (CN=Nobody) is here") {
		t.Error(err)
	}
}

// TestHeld finds the peer's key where the peer sends no certificate: in rightcert, in
// ipsec.d/certs, and in rightrsasigkey, which rules out whatever is sent.
func TestHeld(t *testing.T) {
	root := issue(t, nil, "Root", asCA)
	leaf := issue(t, root, "east", names)
	alone := issue(t, nil, "alone", names)
	twin := issue(t, root, "east", names)
	raw := func(key crypto.PublicKey) []string { return []string{"%cert", keytest.Public(t, key)} }
	tests := []struct {
		name   string
		peer   *pki
		end    pluto.End
		sent   [][]byte
		certs  []Cert
		crls   []*CRL
		id     string
		reason Reason
	}{
		{name: "rightcert", peer: leaf, end: pluto.End{Cert: "leaf"}},
		{name: "rightcert, another sent", peer: twin, end: pluto.End{Cert: "leaf"}, sent: ders(twin), reason: BadSignature},
		{name: "rightcert, self-signed", peer: alone, end: pluto.End{Cert: "alone"}},
		{name: "rightcert, another ID", peer: alone, end: pluto.End{Cert: "alone"}, id: "@west", reason: IDMismatch},
		{name: "rightcert and rightid", peer: alone, end: pluto.End{Cert: "alone", ID: parseID(t, "@west")}, id: "@west"},
		{name: "rightcert revoked", peer: leaf, end: pluto.End{Cert: "leaf"}, crls: []*CRL{root.crl(noon, noon, leaf)}, reason: Revoked},
		{name: "rightcert missing", peer: leaf, end: pluto.End{Cert: "none"}, reason: NoCert},
		{name: "certs", peer: leaf, certs: held(alone, leaf)},
		{name: "second of certs", peer: twin, certs: held(leaf, twin)},
		{name: "none of certs", peer: twin, certs: held(leaf), reason: BadSignature},
		{name: "raw key", peer: leaf, end: pluto.End{PublicKeys: raw(leaf.cert.PublicKey)}, id: "@anybody"},
		{name: "another raw key", peer: leaf, end: pluto.End{PublicKeys: raw(twin.cert.PublicKey)}, sent: ders(leaf), reason: BadSignature},
		{name: "malformed raw key", peer: leaf, end: pluto.End{PublicKeys: []string{"0sAA=="}}, reason: BadKey},
	}
	for _, test := range tests {
		if test.id == "" {
			test.id = "east@example.com"
		}
		store := New(Parts{CAs: held(root), Certs: test.certs, CRLs: test.crls, CertFile: func(name string) ([]Cert, error) {
			return map[string][]Cert{"leaf": held(leaf), "alone": held(alone)}[name], nil
		}})
		conn := &pluto.Connection{AuthBy: keytest.Methods("rsasig"), Remote: test.end}
		_, err := trusted(store, Case{Conn: conn, PeerID: parseID(t, test.id), Now: noon}, test.sent, test.peer.key.Public())
		check(t, test.name, err, test.reason)
	}
}

func parseID(t *testing.T, text string) identity.ID {
	t.Helper()
	id, err := identity.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
