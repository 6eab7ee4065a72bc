package interop

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
)

// withCerts gives a pairing certificates: both sides' own are signed by ca.
func withCerts(p pairing, ca *pki, ours, theirs leaf) pairing {
	if !strings.Contains(p.ours, "authby=") {
		p.ours += "\nauthby=rsasig"
	}
	p.ours = "leftcert=ours.pem\nleftrsasigkey=%cert\nrightrsasigkey=%cert\nleftsendcert=always\n" + p.ours
	p.secret = or(p.secret, ": RSA ours.key\n")
	files := map[string]string{"certs/ours.pem": string(ours.cert), "private/ours.key": string(ours.key), "cacerts/ca.pem": string(ca.pem())}
	for name, text := range p.files {
		files[name] = text
	}
	p.files = files
	p.swan.local = or(p.swan.local, "auth = pubkey\n certs = peer.pem\n id = peer.test")
	p.swan.remote = or(p.swan.remote, "auth = pubkey\n id = ours.test")
	p.swan.secrets = " " // no shared key
	p.swan.conn += "\n send_cert = always"
	files = map[string]string{"x509/peer.pem": string(theirs.cert), "private/peer.key": string(theirs.key), "x509ca/ca.pem": string(ca.pem())}
	for name, text := range p.swan.files {
		files[name] = text
	}
	p.swan.files = files
	return p
}

// authBy is authby= for a kind of key.
func authBy(kind string) string {
	switch {
	case strings.HasPrefix(kind, "ecdsa"):
		return "authby=ecdsa"
	case kind == "ed25519":
		return "authby=eddsa"
	}
	return "authby=rsasig"
}

// certificates are pairings of each kind of key.
func certificates(t testing.TB) []pairing {
	var list []pairing
	for _, c := range []struct{ kind, name string }{
		{"rsa2048", "RSA 2048"}, {"rsa3072", "RSA 3072"},
		{"ecdsa256", "ECDSA P-256"}, {"ecdsa384", "ECDSA P-384"}, {"ecdsa521", "ECDSA P-521"}, {"ed25519", "Ed25519"},
	} {
		ca := newPKI(t, c.kind, "CA of "+c.name)
		list = append(list, withCerts(pairing{name: "certificates, " + c.name, auth: c.name, ours: authBy(c.kind)},
			ca, ca.issue(c.kind, "ours.test", nil), ca.issue(c.kind, "peer.test", nil)))
	}
	ca := newPKI(t, "rsa2048", "CA")
	ours, theirs := ca.issue("rsa2048", "ours.test", nil), ca.issue("rsa2048", "peer.test", nil)
	list = append(list,
		withCerts(pairing{name: "RSA-PSS with SHA-512", auth: "RSA-PSS", ours: "authby=rsa-sha2_512",
			swan: swan{local: "auth = rsa/pss-sha512\n certs = peer.pem\n id = peer.test", remote: "auth = ike:rsa/pss-sha512\n id = ours.test"}}, ca, ours, theirs),
		withCerts(pairing{name: "PKCS#1 1.5 with SHA-256 by the peer", auth: "RSA 2048",
			swan: swan{local: "auth = rsa-sha256\n certs = peer.pem\n id = peer.test"}}, ca, ours, theirs),
		chain(t))
	mixed := newPKI(t, "ecdsa256", "mixed CA")
	list = append(list,
		withCerts(pairing{name: "ECDSA here, RSA there", auth: "ECDSA P-256, RSA 2048", ours: "authby=ecdsa,rsasig"},
			mixed, mixed.issue("ecdsa256", "ours.test", nil), mixed.issue("rsa2048", "peer.test", nil)),
	)
	return list
}

// chain has each side send a certificate with two authorities between it and
// the root that the other knows: more than fits one datagram.
func chain(t testing.TB) pairing {
	root := newPKI(t, "rsa3072", "root")
	middle := root.authority("rsa3072", "between")
	low := middle.authority("rsa3072", "below")
	big := func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Value: make([]byte, 3000)})
	}
	ours, theirs := low.issue("rsa3072", "ours.test", big), low.issue("rsa3072", "peer.test", big)
	between := string(middle.pem()) + string(low.pem())
	return withCerts(pairing{name: "chain of 6 kB, in fragments", auth: "RSA 3072, chain of 3",
		files: map[string]string{"certs/chain.pem": between, "cacerts/between.pem": string(middle.pem()), "cacerts/below.pem": string(low.pem())},
		swan: swan{conn: " fragmentation = yes", files: map[string]string{
			"x509ca/between.pem": string(middle.pem()), "x509ca/below.pem": string(low.pem())}}}, root, ours, theirs)
}

// rawKeys are public keys without certificates.
func rawKeys(t testing.TB) []pairing {
	var list []pairing
	for _, c := range []struct{ kind, name, keyword string }{
		{"rsa2048", "RSA 2048", "rsasigkey"}, {"ecdsa256", "ECDSA P-256", "pubkey"}, {"ed25519", "Ed25519", "pubkey"},
	} {
		ca := newPKI(t, "ecdsa256", "nobody")
		ours, theirs := ca.issue(c.kind, "ours.test", nil), ca.issue(c.kind, "peer.test", nil)
		list = append(list, pairing{name: "raw keys, " + c.name, auth: c.name + ", raw",
			ours:   authBy(c.kind) + "\nleft" + c.keyword + "=" + rawKey(t, ours) + "\nright" + c.keyword + "=" + rawKey(t, theirs),
			secret: ": " + map[bool]string{true: "RSA", false: "PKCS8"}[c.kind == "rsa2048"] + " ours.key\n",
			files:  map[string]string{"private/ours.key": string(ours.key)},
			swan: swan{local: "auth = pubkey\n pubkeys = peer.pem\n id = peer.test", remote: "auth = pubkey\n pubkeys = ours.pem\n id = ours.test", secrets: " ",
				files: map[string]string{"pubkey/peer.pem": publicPEM(t, theirs), "pubkey/ours.pem": publicPEM(t, ours), "private/peer.key": string(theirs.key)}}})
	}
	return list
}

func publicPEM(t testing.TB, l leaf) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(l.public)
	if err != nil {
		t.Fatal(err)
	}
	return string(encode("PUBLIC KEY", der))
}

// rawKey is a public key as ipsec.conf has it: of RFC 3110 for RSA.
func rawKey(t testing.TB, l leaf) string {
	t.Helper()
	if key, ok := l.public.(*rsa.PublicKey); ok {
		exponent := []byte{byte(key.E >> 16), byte(key.E >> 8), byte(key.E)}
		return base64(append(append([]byte{3}, exponent...), key.N.Bytes()...))
	}
	der, err := x509.MarshalPKIXPublicKey(l.public)
	if err != nil {
		t.Fatal(err)
	}
	return base64(der)
}
