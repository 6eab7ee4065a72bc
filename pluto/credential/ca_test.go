package credential

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"slices"
	"testing"

	"ipsec/pluto"
	"ipsec/pluto/keytest"
)

// TestCertRequest asks for the certificates that a conn could check, and no others.
func TestCertRequest(t *testing.T) {
	root, other := issue(t, nil, "Root", asCA), issue(t, nil, "Other", asCA)
	ours := issue(t, other, "west", nil)
	hash := func(p *pki) []byte {
		der, err := x509.MarshalPKIXPublicKey(p.key.Public())
		sum := sha1.Sum(marshal(t, der, err))
		return sum[:]
	}
	store := New(Parts{CAs: held(root, other), CertFile: func(string) ([]Cert, error) { return held(ours), nil }})
	tests := []struct {
		name   string
		authby string
		local  pluto.End
		remote pluto.End
		want   []byte
	}{
		{"all", "rsasig", pluto.End{}, pluto.End{}, slices.Concat(hash(root), hash(other))},
		{"shared key", "secret", pluto.End{}, pluto.End{}, nil},
		{"CA demanded", "ecdsa", pluto.End{}, pluto.End{CA: "C=CA, O=Example, CN=Root"}, hash(root)},
		{"same CA", "ecdsa", pluto.End{Cert: "ours"}, pluto.End{CA: "%same"}, hash(other)},
		{"same CA, named", "ecdsa", pluto.End{Cert: "ours", CA: "C=CA, O=Example, CN=Root"}, pluto.End{CA: "%same"}, hash(root)},
		{"unknown CA demanded", "ecdsa", pluto.End{}, pluto.End{CA: "CN=Nobody"}, nil},
		{"rightcert", "rsasig", pluto.End{}, pluto.End{Cert: "ours"}, nil},
		{"raw key", "rsasig", pluto.End{}, pluto.End{PublicKeys: []string{keytest.Public(t, root.key.Public())}}, nil},
		{"%cert", "rsasig", pluto.End{}, pluto.End{PublicKeys: []string{"%cert"}}, slices.Concat(hash(root), hash(other))},
	}
	for _, test := range tests {
		got := store.CertRequest(&pluto.Connection{AuthBy: keytest.Methods(test.authby), Local: test.local, Remote: test.remote})
		if !bytes.Equal(got, test.want) {
			t.Errorf("%s: %x, want %x", test.name, got, test.want)
		}
	}
}

// TestOwnCertificate chooses what we sign with and which certificates we send.
func TestOwnCertificate(t *testing.T) {
	root, other := issue(t, nil, "Root", asCA), issue(t, nil, "Other", asCA)
	middle := issue(t, root, "Middle", asCA)
	below, direct := issue(t, middle, "west", names), issue(t, other, "west", names)
	expired := issue(t, root, "old", func(c *x509.Certificate) { c.NotAfter = noon.AddDate(0, 0, -1) })
	keyless := issue(t, root, "keyless", names)
	request := func(cas ...*pki) (out [][]byte) {
		for _, ca := range cas {
			out = append(out, keyHash(ca.cert))
		}
		return out
	}
	store := New(Parts{
		CAs:   held(root, other),
		Certs: held(middle, below, direct, expired, keyless),
		Keys:  []PrivateKey{{Signer: below.key}, {Signer: direct.key}, {Signer: expired.key}},
		CertFile: func(name string) ([]Cert, error) {
			return map[string][]Cert{"below": held(below), "direct": held(direct), "expired": held(expired), "keyless": held(keyless)}[name], nil
		},
	})
	always, ifAsked, never := pluto.SendCertAlways, pluto.SendCertIfAsked, pluto.SendCertNever
	tests := []struct {
		name   string
		end    pluto.End
		asked  [][]byte
		id     string
		sent   [][]byte
		reason Reason
	}{
		{"leftcert", pluto.End{Cert: "below", SendCert: always}, nil, "", ders(below, middle), 0},
		{"if asked, not asked", pluto.End{Cert: "below", SendCert: ifAsked}, nil, "", nil, 0},
		{"if asked, asked", pluto.End{Cert: "below", SendCert: ifAsked}, request(root), "", ders(below, middle), 0},
		{"if asked for others", pluto.End{Cert: "below", SendCert: ifAsked}, request(other), "", ders(below, middle), 0},
		{"never", pluto.End{Cert: "below", SendCert: never}, request(root), "", nil, 0},
		{"no intermediates", pluto.End{Cert: "direct"}, nil, "", ders(direct), 0},
		{"by ID and CA", pluto.End{}, request(other), "west", ders(direct), 0},
		{"by ID and CA, the other", pluto.End{}, request(root), "west", ders(below, middle), 0},
		{"by ID and intermediate", pluto.End{}, request(middle), "west", ders(below, middle), 0},
		{"by ID, all asked in one", pluto.End{}, [][]byte{slices.Concat(keyHash(keyless.cert), keyHash(other.cert))}, "west", ders(direct), 0},
		{"by ID alone", pluto.End{}, nil, "west", ders(below, middle), 0},
		{"by ID and leftca", pluto.End{CA: "C=CA, O=Example, CN=Other"}, nil, "west", ders(direct), 0},
		{"by ID and leftca, asked for another", pluto.End{CA: "C=CA, O=Example, CN=Other"}, request(root), "west", ders(direct), 0},
		{"by ID and leftca with a wildcard", pluto.End{CA: "C=CA, O=Example, CN=*"}, request(other), "west", ders(direct), 0},
		{"by ID and unknown leftca", pluto.End{CA: "CN=Nobody"}, nil, "west", nil, NoPrivateKey},
		{"nothing named, many keys", pluto.End{}, nil, "stranger", nil, NoPrivateKey},
		{"no private key", pluto.End{Cert: "keyless"}, nil, "", nil, NoPrivateKey},
		{"expired", pluto.End{Cert: "expired"}, nil, "", nil, Expired},
		{"missing", pluto.End{Cert: "none"}, nil, "", nil, NoCert},
	}
	for _, test := range tests {
		if test.id == "" {
			test.id = "anybody"
		}
		_, sent, err := store.Own(Case{
			Conn:  &pluto.Connection{AuthBy: keytest.Methods("ecdsa"), Local: test.end},
			OwnID: parseID(t, "C=CA, O=Example, CN="+test.id), Now: noon,
		}, test.asked)
		check(t, test.name, err, test.reason)
		if !slices.EqualFunc(sent, test.sent, bytes.Equal) {
			t.Errorf("%s: %d certificates sent, want %d", test.name, len(sent), len(test.sent))
		}
	}
}

// TestOwnID follows leftid and leftcert.
func TestOwnID(t *testing.T) {
	west := issue(t, nil, "west", nil)
	store := New(Parts{CertFile: func(string) ([]Cert, error) { return held(west), nil }})
	const dn = "C=CA, O=Example, CN=west"
	tests := []struct{ id, cert, own, peer string }{
		{"%none", "", "%none", "%none"},
		{"%none", "west", dn, dn},
		{"%fromcert", "west", dn, dn},
		{"%fromcert", "", "", "%any"},
		{"@west", "west", "@west", "@west"},
		{"%any", "west", "%any", "%any"},
	}
	for _, test := range tests {
		end := pluto.End{ID: parseID(t, test.id), Cert: test.cert}
		own, err := store.OwnID(&pluto.Connection{Local: end})
		if (err != nil) != (test.own == "") || err == nil && own.String() != test.own {
			t.Errorf("leftid=%s leftcert=%s: %s, %v, want %q", test.id, test.cert, own, err, test.own)
		}
		peer, err := store.PeerID(&pluto.Connection{Remote: end})
		if err != nil || peer.String() != test.peer {
			t.Errorf("rightid=%s rightcert=%s: %s, %v, want %q", test.id, test.cert, peer, err, test.peer)
		}
	}
}
