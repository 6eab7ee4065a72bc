package interop

import (
	"crypto/x509"
	"testing"
	"time"
)

// refusals must not come up, and one message on our side says why and where to
// look.
func refusals(t testing.TB) []pairing {
	ca, other := newPKI(t, "ecdsa256", "CA"), newPKI(t, "ecdsa256", "unknown CA")
	ours, theirs := ca.issue("ecdsa256", "ours.test", nil), ca.issue("ecdsa256", "peer.test", nil)
	old := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	}
	const conn = "authby=ecdsa"
	certs := func(name, ours_ string, ca *pki, ours, theirs leaf, files map[string]string, refused ...string) pairing {
		return withCerts(pairing{name: name, auth: "ECDSA P-256", ours: conn + ours_, files: files, refused: refused}, ca, ours, theirs)
	}
	unknown := certs("unknown CA of the peer's certificate", "", ca, ours, other.issue("ecdsa256", "peer.test", nil), nil,
		`unknown CA.*ipsec\.d/cacerts.*see [a-z]+=`)
	revoked := theirs
	return []pairing{
		{name: "wrong shared key", secret: `@ours.test @peer.test : PSK "sardine"` + "\n",
			refused: []string{`AUTHENTICATION_FAILED.*see [a-z]+=`, `shared key.*ipsec\.secrets:1.*see [a-z]+=`}},
		{name: "no shared key", secret: `@ours.test @nobody.test : PSK "swordfish"` + "\n",
			refused: []string{`ipsec\.secrets`}},
		unknown,
		certs("expired certificate of the peer", "", ca, ours, ca.issue("ecdsa256", "peer.test", old), nil, `expired`),
		certs("revoked certificate of the peer", "", ca, ours, revoked, map[string]string{"crls/ca.pem": string(ca.crl(revoked))}, `revoked`),
		certs("certificate of another name", "\nrightid=@elsewhere.test", ca, ours, theirs, nil, `AUTHENTICATION_FAILED.*see [a-z]+=`, `@peer\.test.*see [a-z]+=`),
		{name: "no proposal chosen for the IKE SA", ours: "ike=aes256-sha512-modp4096", swan: swan{conn: " proposals = aes128-sha256-x25519"},
			refused: []string{`NO_PROPOSAL_CHOSEN.*see [a-z]+=`, `proposal.*see [a-z]+=`}},
		{name: "no proposal chosen for the Child SA", ours: "esp=aes256-sha512", swan: swan{child: " esp_proposals = aes128gcm16"},
			refused: []string{`NO_PROPOSAL_CHOSEN.*see [a-z]+=`, `proposal.*see [a-z]+=`}},
		{name: "no acceptable selector", ours: "leftsubnet=10.7.0.0/24\nrightsubnet=10.8.0.0/24",
			refused: []string{`TS_UNACCEPTABLE.*see [a-z]+=`, `10\.0\.1\.1.*see [a-z]+=`}},
	}
}

// kernelRefusals need a kernel with ESP of its own at the other end.
func kernelRefusals() []pairing {
	return []pairing{
		{name: "another mode of the Child SA", ours: "type=transport\nleftsubnet=\nrightsubnet=", swan: swan{localTS: "dynamic", remoteTS: "dynamic", child: " mode = tunnel"},
			refused: []string{`type=.*see [a-z]+=`, `transport.*see [a-z]+=`}},
	}
}
