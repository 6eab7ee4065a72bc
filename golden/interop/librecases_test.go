package interop

import (
	"crypto/x509"
	"strings"
	"testing"
)

// newLibreswan starts Libreswan with the keys that librecases need.
func newLibreswan(t testing.TB, h host) (*libreswan, []pairing) {
	t.Helper()
	l := &libreswan{host: h, dir: needLibreswan(t), identities: map[string]leaf{}, cas: map[string]*pki{}}
	var list []pairing
	for _, c := range []struct{ kind, name, authby string }{
		{"rsa2048", "RSA 2048", "rsasig"}, {"rsa3072", "RSA 3072", "rsasig"}, {"ecdsa256", "ECDSA P-256", "ecdsa"}, {"ecdsa384", "ECDSA P-384", "ecdsa"},
	} {
		ca := newPKI(t, c.kind, "CA of "+c.kind)
		ours := ca.issue(c.kind, "ours.test", nil)
		l.cas["ca-"+c.kind], l.identities["peer-"+c.kind] = ca, ca.issue(c.kind, c.kind+".test", func(c *x509.Certificate) { c.DNSNames = []string{"peer.test"} }) // NSS has a nickname for each subject
		p := withCerts(pairing{name: "certificates, " + c.name, auth: c.name, ours: authBy(c.kind)}, ca, ours, leaf{})
		p.libre = "authby=" + c.authby + "\nleftcert=peer-" + c.kind + "\nleftsendcert=always\nrightca=%same\nleftrsasigkey=%cert\nrightrsasigkey=%cert"
		list = append(list, p)
	}
	ca := newPKI(t, "rsa2048", "raw keys")
	ours, theirs := ca.issue("rsa2048", "ours.test", nil), ca.issue("rsa2048", "raw.test", nil)
	l.identities["raw"] = theirs
	list = append(list, pairing{name: "raw keys, RSA 2048", auth: "RSA 2048, raw",
		ours:   "authby=rsasig\nleftrsasigkey=" + rawKey(t, ours) + "\nrightrsasigkey=" + rawKey(t, theirs),
		secret: ": RSA ours.key\n", files: map[string]string{"private/ours.key": string(ours.key)},
		libre: "authby=rsasig\nleftrsasigkey=" + rawKey(t, theirs) + "\nrightrsasigkey=" + rawKey(t, ours)})
	l.install(t)
	l.start(t)
	return l, append(list, librePairings()...)
}

// librePairings are the cases with shared keys.
func librePairings() []pairing {
	list := []pairing{{name: "defaults of both"}}
	for _, s := range [][4]string{ // ours and Libreswan's: ike, esp
		{"aes128-sha1-modp2048", "aes128-sha1", "aes128-sha1-modp2048", "aes128-sha1"},
		{"aes256-sha256-modp3072", "aes256-sha256", "aes256-sha2_256-modp3072", "aes256-sha2_256"},
		{"aes256-sha512-ecp256", "aes256-sha512", "aes256-sha2_512-dh19", "aes256-sha2_512"},
		{"aes256-sha384-ecp384", "aes128gcm16", "aes256-sha2_384-dh20", "aes_gcm128-null"},
		{"aes128gcm16-prfsha256-ecp521", "aes256gcm16", "aes_gcm128-sha2_256-dh21", "aes_gcm256-null"},
		{"aes256gcm16-prfsha512-curve25519", "chacha20poly1305", "aes_gcm256-sha2_512-dh31", "chacha20_poly1305-null"},
		{"aes128-sha256-modp4096", "aes128ccm16", "aes128-sha2_256-modp4096", "aes_ccm128-null"},
		{"aes128-sha256-modp2048", "aes128ctr-sha256", "aes128-sha2_256-modp2048", "aes_ctr128-sha2_256"},
		{"3des-sha1-modp2048", "3des-sha1", "3des-sha1-modp2048", "3des-sha1"},
	} {
		list = append(list, pairing{name: "suite " + s[0] + " / " + s[1], ours: "ike=" + s[0] + "\nesp=" + s[1], libre: "ike=" + s[2] + "\nesp=" + s[3]})
	}
	ids := func(name, ours, theirs string) pairing {
		return pairing{name: "identities: " + name, ours: "leftid=" + ours + "\nrightid=" + theirs, secret: ours + " " + theirs + ` : PSK "swordfish"` + "\n",
			libre: "leftid=" + theirs + "\nrightid=" + ours, libreSecret: ours + " " + theirs + ` : PSK "swordfish"` + "\n"}
	}
	const six = "left=2001:db8:1::2\nright=2001:db8:1::1"
	short := "keylife=12s\nrekeymargin=9s\nrekeyfuzz=0%"
	return append(list,
		ids("addresses", "192.0.2.1", "192.0.2.2"),
		ids("user@fqdn", "us@ours.test", "them@peer.test"),
		ids("@#hex, a key ID", "@#0102beef", "@#0a0b0c"),
		pairing{name: "ESN", ours: "esp=aes128gcm16-esn", libre: "esn=yes\nesp=aes_gcm128-null", then: extended},
		pairing{name: "PFS", ours: "esp=aes128gcm16\npfsgroup=ecp256", libre: "pfs=yes\nesp=aes_gcm128-null-dh19\nike=aes256-sha2_256-dh19"},
		pairing{name: "ESP in UDP", ours: "forceencaps=yes", libre: "encapsulation=yes", udp: true},
		pairing{name: "transport mode", ours: "type=transport\nleftsubnet=\nrightsubnet=", libre: "type=transport\nleftsubnet=192.0.2.2/32\nrightsubnet=192.0.2.1/32", from: ourAddr, to: peerAddr},
		pairing{name: "IPv6 in IPv6", ours: outer6 + "\nleftsubnet=2001:db8:a::1/128\nrightsubnet=2001:db8:b::1/128", from: ourHost6, to: peerHost6,
			libre: six + "\nleftsubnet=2001:db8:b::1/128\nrightsubnet=2001:db8:a::1/128"},
		pairing{name: "IPv4 in IPv6", ours: outer6, libre: six},
		pairing{name: "IPv6 in IPv4", ours: "leftsubnet=2001:db8:a::1/128\nrightsubnet=2001:db8:b::1/128", from: ourHost6, to: peerHost6,
			libre: "leftsubnet=2001:db8:b::1/128\nrightsubnet=2001:db8:a::1/128"},
		pairing{name: "narrowing of ours by the peer", only: "initiator", ours: "leftsubnet=10.0.1.0/24\nrightsubnet=10.0.2.0/24", libre: "narrowing=yes", then: narrowed},
		pairing{name: "narrowing of the peer's by us", only: "responder", libre: "leftsubnet=10.0.2.0/24\nrightsubnet=10.0.1.0/24\nnarrowing=yes", then: narrowed},
		pairing{name: "several Child SAs", more: "conn second\n\talso=t\n\tleftsubnet=10.0.1.129/32\n\trightsubnet=10.0.2.129/32\n",
			libreMore: "conn second\n\talso=t\n\tleftsubnet=10.0.2.129/32\n\trightsubnet=10.0.1.129/32\n", then: secondChild},
		pairing{name: "IPCOMP", ours: "compress=yes", libre: "compress=yes", then: compressed},
		pairing{name: "rekey of the Child SA by us", ours: short, only: "initiator", then: byUs("child")},
		pairing{name: "rekey of the IKE SA by us", ours: strings.ReplaceAll(short, "keylife", "ikelifetime"), only: "initiator", then: byUs("ike")},
		pairing{name: "rekey of the Child SA by the peer", then: byPeer("child")},
		pairing{name: "rekey of the IKE SA by the peer", then: byPeer("ike")},
		pairing{name: "wrong shared key", secret: `@ours.test @peer.test : PSK "sardine"` + "\n",
			refused: []string{`AUTHENTICATION_FAILED.*see [a-z]+=`, `shared key.*ipsec\.secrets:1.*see [a-z]+=`}},
		pairing{name: "no proposal chosen for the IKE SA", ours: "ike=aes256-sha512-modp4096", libre: "ike=aes128-sha2_256-dh19",
			refused: []string{`NO_PROPOSAL_CHOSEN.*see [a-z]+=`, `proposal.*see [a-z]+=`}},
		pairing{name: "no acceptable selector", ours: "leftsubnet=10.7.0.0/24\nrightsubnet=10.8.0.0/24",
			refused: []string{`TS_UNACCEPTABLE.*see [a-z]+=`, `10\.0\.1\.1.*see [a-z]+=`}},
	)
}
