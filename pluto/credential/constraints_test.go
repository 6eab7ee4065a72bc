package credential

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"

	"ipsec/conf/identity"
	"ipsec/pluto"
	"ipsec/pluto/keytest"
)

// subtrees are name constraints in DER: permitted and excluded general names.
func subtrees(t *testing.T, critical bool, permitted, excluded []asn1.RawValue) func(*x509.Certificate) {
	type tree struct{ Base asn1.RawValue }
	list := func(tag int, names []asn1.RawValue) (v asn1.RawValue) {
		for _, n := range names {
			der, err := asn1.Marshal(tree{n})
			if err != nil {
				t.Fatal(err)
			}
			v.Bytes = append(v.Bytes, der...)
		}
		return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: v.Bytes}
	}
	var both []asn1.RawValue
	if len(permitted) > 0 {
		both = append(both, list(0, permitted))
	}
	if len(excluded) > 0 {
		both = append(both, list(1, excluded))
	}
	der, err := asn1.Marshal(both)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: oidNameConstraints, Critical: critical, Value: der})
	}
}

func directory(t *testing.T, text string) asn1.RawValue {
	id, err := identity.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tagDirectory, IsCompound: true, Bytes: []byte(id.Data)}
}

func general(tag int, text string) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: []byte(text)}
}

// TestConstraints holds certificates against the name constraints, the uses and the depth of the
// CAs above, in the cases of BetterTLS and x509-limbo that are about end entities of IKE.
func TestConstraints(t *testing.T) {
	root := issue(t, nil, "Root", asCA)
	type change = func(*x509.Certificate)
	list := func(v ...asn1.RawValue) []asn1.RawValue { return v }
	example, guests := directory(t, "C=CA, O=Example"), directory(t, "C=CA, O=Guests")
	email := func(address string) change {
		return func(c *x509.Certificate) {
			c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{
				{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "east"}, {Type: oidEmailAddress, Value: address}}
		}
	}
	san := func(names ...asn1.RawValue) change {
		der, err := asn1.Marshal(names)
		if err != nil {
			t.Fatal(err)
		}
		return func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: oidSubjectAltName, Value: der})
		}
	}
	other := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 8, Bytes: []byte{0x2a, 3, 4}} // registeredID
	use := func(u ...x509.ExtKeyUsage) change { return func(c *x509.Certificate) { c.ExtKeyUsage = u } }
	for _, tt := range []struct {
		name string
		ca   change // of the CA between root and the end entity
		leaf change
		bad  string // "" for none
	}{
		{"directory name permitted", subtrees(t, true, list(example), nil), nil, ""},
		{"in other letters", subtrees(t, true, list(directory(t, "C=ca, O=EXAMPLE")), nil), nil, ""},
		{"directory name not permitted", subtrees(t, true, list(guests), nil), nil, "CN=east"},
		{"not permitted, not critical", subtrees(t, false, list(guests), nil), nil, "CN=east"},
		{"one of two permitted", subtrees(t, false, list(guests, example), nil), nil, ""},
		{"directory name excluded", subtrees(t, true, nil, list(example)), nil, "CN=east"},
		{"another excluded", subtrees(t, true, nil, list(guests)), nil, ""},
		{"permitted and excluded", subtrees(t, false, list(directory(t, "C=CA")), list(example)), nil, "CN=east"},
		{"a longer name permitted", subtrees(t, true, list(directory(t, "C=CA, O=Example, CN=east, OU=x")), nil), nil, "CN=east"},
		{"all permitted", subtrees(t, true, list(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tagDirectory, IsCompound: true, Bytes: []byte{0x30, 0}}), nil), nil, ""},
		{"directory name of subjectAltName not permitted", subtrees(t, false, list(example), nil), san(guests), "O=Guests"},
		{"directory name of subjectAltName permitted", subtrees(t, false, list(example), nil), san(directory(t, "C=CA, O=Example, CN=x")), ""},
		{"email in the subject not permitted", subtrees(t, true, list(general(tagEmail, "example.org")), nil), email("a@evil.com"), "a@evil.com"},
		{"email in the subject permitted", subtrees(t, true, list(general(tagEmail, "example.org")), nil), email("a@Example.org"), ""},
		{"a mailbox permitted", subtrees(t, true, list(general(tagEmail, "a@example.org")), nil), email("b@example.org"), "b@example.org"},
		{"a domain permitted", subtrees(t, true, list(general(tagEmail, ".example.org")), nil), email("b@x.example.org"), ""},
		{"the host of a domain", subtrees(t, true, list(general(tagEmail, ".example.org")), nil), email("b@example.org"), "b@example.org"},
		{"email in the subject excluded", subtrees(t, false, nil, list(general(tagEmail, "evil.com"))), email("a@evil.com"), "a@evil.com"},
		{"email of subjectAltName not permitted", subtrees(t, true, list(general(tagEmail, "example.org")), nil), func(c *x509.Certificate) { c.EmailAddresses = []string{"a@evil.com"} }, "evil.com"},
		{"DNS name not permitted", subtrees(t, true, list(general(tagDNS, "example.org")), nil), func(c *x509.Certificate) { c.DNSNames = []string{"evil.com"} }, "evil.com"},
		{"both kinds, one not permitted", subtrees(t, true, list(example, general(tagDNS, "example.org")), nil), func(c *x509.Certificate) { c.DNSNames = []string{"evil.com"} }, "evil.com"},
		{"a kind that nobody knows, without such a name", subtrees(t, true, list(other), nil), nil, ""},
		{"a kind that nobody knows, with such a name", subtrees(t, true, list(other), nil), san(other), "another kind"},

		{"CA for TLS", use(x509.ExtKeyUsageServerAuth), nil, ""},
		{"CA for any use", use(x509.ExtKeyUsageAny), nil, ""},
		{"CA for code signing", use(x509.ExtKeyUsageCodeSigning), nil, "other uses"},
		{"CA for email, end entity for TLS", use(x509.ExtKeyUsageEmailProtection), use(x509.ExtKeyUsageClientAuth), "other uses"},
		{"CA for several", use(x509.ExtKeyUsageEmailProtection, x509.ExtKeyUsageIPSECUser), nil, ""},
		{"CA without keyCertSign", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }, nil, "cannot sign"},
		{"CA without keyUsage", func(c *x509.Certificate) { c.KeyUsage = 0 }, nil, ""},
		{"no CA", func(c *x509.Certificate) { c.IsCA = false }, nil, "cannot"},
		{"path of no length, used for an end entity", func(c *x509.Certificate) { c.MaxPathLenZero = true }, nil, ""},
		{"nonRepudiation", nil, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageContentCommitment }, ""},
		{"keyAgreement", nil, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }, "signatures"},
		{"OCSP signing", nil, use(x509.ExtKeyUsageOCSPSigning), "not for IKE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ca := issue(t, root, "Middle", both(asCA, orNone(tt.ca)))
			leaf := issue(t, ca, "east", orNone(tt.leaf))
			_, err := trustOf(New(Parts{CAs: held(root)}), leaf, "", ca)
			if (err != nil) != (tt.bad != "") || err != nil && !strings.Contains(err.Error(), tt.bad) {
				t.Errorf("%v, expected %q in it", err, tt.bad)
			}
		})
	}
}

func orNone(change func(*x509.Certificate)) func(*x509.Certificate) {
	if change == nil {
		return func(*x509.Certificate) {}
	}
	return change
}

// trustOf has a store check a certificate that is sent with others, under rightca.
func trustOf(s *Store, leaf *pki, rightca string, sent ...*pki) (Trust, error) {
	return trusted(s, Case{
		Conn:   &pluto.Connection{AuthBy: keytest.Methods("ecdsa"), Remote: pluto.End{CA: rightca}},
		PeerID: SubjectID(leaf.cert), Now: noon,
	}, ders(append([]*pki{leaf}, sent...)...), leaf.key.Public())
}

// TestConstraintsAbove: what a CA may not be called, those that it calls itself by again may not
// be either; and a root has constraints as any CA has.
func TestConstraintsAbove(t *testing.T) {
	only := subtrees(t, true, []asn1.RawValue{directory(t, "C=CA, O=Guests")}, nil)
	root := issue(t, nil, "Root", both(asCA, only))
	middle := issue(t, issue(t, nil, "Wide", asCA), "Middle", both(asCA, only))
	below := issue(t, middle, "Below", asCA)
	if _, err := trustOf(New(Parts{CAs: held(root)}), issue(t, root, "east", nil), ""); err == nil {
		t.Error("the constraints of a root do not count")
	}
	if _, err := trustOf(New(Parts{CAs: held(middle)}), issue(t, below, "east", nil), "", below); err == nil {
		t.Error("constraints two levels above do not count")
	}
}

// TestDemandedCA: rightca= is one CA, by its subject and key.
func TestDemandedCA(t *testing.T) {
	const vip = "C=CA, O=Example, CN=VIP CA"
	root := issue(t, nil, "Root", asCA)
	real := issue(t, root, "VIP CA", asCA)
	guest := issue(t, root, "Guest CA", asCA)
	fake := issue(t, guest, "VIP CA", asCA)
	honest, rogue := issue(t, real, "vip", nil), issue(t, fake, "vip", nil)
	for _, tt := range []struct {
		name   string
		certs  []*pki // held beside the root
		leaf   *pki
		sent   []*pki
		passes bool
	}{
		{"held", []*pki{real}, honest, nil, true},
		{"held, and sent", []*pki{real}, honest, []*pki{real}, true},
		{"held, another of that name sent", []*pki{real}, rogue, []*pki{fake, guest}, false},
		{"not held", nil, honest, []*pki{real}, false},
		{"not held, another of that name sent", nil, rogue, []*pki{fake, guest}, false},
	} {
		store := New(Parts{CAs: held(root), Certs: held(tt.certs...)})
		if _, err := trustOf(store, tt.leaf, vip, tt.sent...); (err == nil) != tt.passes {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	store := New(Parts{CAs: held(root), Certs: held(real)})
	if got := store.CertRequest(&pluto.Connection{AuthBy: keytest.Methods("ecdsa"), Remote: pluto.End{CA: vip}}); string(got) != string(keyHash(real.cert)) {
		t.Errorf("asked for a certificate of %x, expected the key of the one CA that is demanded", got)
	}
}
