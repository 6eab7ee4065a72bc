package interop

import (
	"crypto/x509"
	"net"
	"testing"
)

// identities are cases for each form of leftid and rightid.
func identities(t testing.TB) []pairing {
	psk := func(name, left, right, ours, theirs string) pairing {
		return pairing{name: "identities: " + name, ours: "leftid=" + left + "\nrightid=" + right,
			secret: left + " " + right + ` : PSK "swordfish"` + "\n",
			swan:   swan{local: "auth = psk\n id = " + theirs, remote: "auth = psk\n id = " + ours}}
	}
	ca := newPKI(t, "ecdsa256", "identities")
	ours := ca.issue("ecdsa256", "ours.test", func(c *x509.Certificate) { c.EmailAddresses = []string{"us@ours.test"} })
	theirs := ca.issue("ecdsa256", "peer.test", func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.ParseIP(peerAddr)} })
	cert := func(name, left, right, ours_, theirs_ string) pairing {
		return withCerts(pairing{name: "identities: " + name, auth: "ECDSA P-256", ours: "authby=ecdsa\nleftid=" + left + "\nrightid=" + right,
			swan: swan{local: "auth = pubkey\n certs = peer.pem\n id = " + theirs_, remote: "auth = pubkey\n id = " + ours_}}, ca, ours, theirs)
	}
	list := []pairing{
		psk("addresses", "192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.2"),
		psk("IPv6 addresses that are not the hosts'", "2001:db8::7", "2001:db8::8", "2001:db8::7", "2001:db8::8"),
		psk("user@fqdn", "us@ours.test", "them@peer.test", "us@ours.test", "them@peer.test"),
		psk("@#hex, a key ID", "@#0102beef", "@#0a0b0c", `"keyid:#0102beef"`, `"keyid:#0a0b0c"`),
		psk("@[text], a key ID", "@[our-group]", "@[their-group]", "keyid:our-group", "keyid:their-group"),
		cert("distinguished names", `"O=Interop, CN=ours.test"`, `"O=Interop, CN=peer.test"`, `"O=Interop, CN=ours.test"`, `"O=Interop, CN=peer.test"`),
		cert("a distinguished name with a wildcard", "@ours.test", `"O=Interop, CN=*"`, "ours.test", `"O=Interop, CN=peer.test"`),
		cert("%fromcert", "%fromcert", "%fromcert", `"O=Interop, CN=ours.test"`, `"O=Interop, CN=peer.test"`),
		cert("other names of certificates", "us@ours.test", "192.0.2.2", "us@ours.test", "192.0.2.2"),
		{name: "identities: secret for %any", secret: `@ours.test %any : PSK "swordfish"` + "\n"},
		{name: "identities: the secret for the pair, not that for all", secret: `: PSK "another"` + "\n" + `@ours.test @peer.test : PSK "swordfish"` + "\n"},
		{name: "road warrior, right=%any", only: "responder", ours: "right=%any", secret: `@ours.test %any : PSK "swordfish"` + "\n"},
		{name: "road warrior, any identity", only: "responder", ours: "right=%any\nrightid=", secret: `: PSK "swordfish"` + "\n"},
		{name: "shared key of bytes, 0x", secret: ": PSK 0x0102030405060708090a0b0c0d0e0f10\n", swan: swan{secrets: "ike-1 {\n secret = 0x0102030405060708090a0b0c0d0e0f10\n }"}},
	}
	return list
}
