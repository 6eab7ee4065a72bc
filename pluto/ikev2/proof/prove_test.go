package proof

import (
	"crypto"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ipsec/conf/identity"
	"ipsec/pluto"
	"ipsec/pluto/credential"
	"ipsec/pluto/keytest"
)

var (
	west = netip.MustParseAddr("192.0.2.1")
	east = netip.MustParseAddr("192.0.2.2")
	noon = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
)

func prfSHA256(key, data []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(data)
	return h.Sum(nil)
}

// oneSecret is the shared key of everybody.
type oneSecret string

func (s oneSecret) Shared(identity.ID, identity.ID, netip.Addr, netip.Addr) ([]byte, bool) {
	return []byte(s), s != ""
}

// TestSharedKey proves and verifies by shared keys.
func TestSharedKey(t *testing.T) {
	conn := &pluto.Connection{AuthBy: keytest.Methods("secret")}
	octets := []byte("signed octets")
	proof, err := Prove(credential.New(credential.Parts{Secrets: oneSecret("swordfish")}), Request{Case: credential.Case{Conn: conn, OwnAddr: west, PeerAddr: east}, Octets: octets, PRF: prfSHA256})
	if err != nil {
		t.Fatal(err)
	}
	want := prfSHA256(prfSHA256([]byte("swordfish"), []byte("Key Pad for IKEv2")), octets)
	if proof.Method != MethodPSK || !hmac.Equal(proof.Data, want) {
		t.Errorf("method %d, %x, want %x", proof.Method, proof.Data, want)
	}
	tests := []struct {
		secret, authby string
		reason         credential.Reason
	}{
		{"swordfish", "secret", 0},
		{"swordfish", "rsasig secret", 0},
		{"sardine", "secret", credential.WrongSecret},
		{"", "secret", credential.NoSecret},
		{"swordfish", "rsasig", credential.WrongMethod},
		{"swordfish", "", credential.WrongMethod},
	}
	for _, test := range tests {
		conn := &pluto.Connection{AuthBy: keytest.Methods(test.authby)}
		_, err := Verify(credential.New(credential.Parts{Secrets: oneSecret(test.secret)}), Claim{Proof: proof, Case: credential.Case{Conn: conn, OwnAddr: east, PeerAddr: west}, Octets: octets, PRF: prfSHA256})
		check(t, test.authby+" "+test.secret, err, test.reason)
		if err != nil && strings.Contains(err.Error(), "fish") {
			t.Errorf("the secret shows in %q", err)
		}
	}
}

// TestEachInItsWay has one end prove itself by a shared key and the other by RSA.
func TestEachInItsWay(t *testing.T) {
	octets := []byte("what is proved")
	conn := func(local, remote pluto.AuthMethod) *pluto.Connection {
		return &pluto.Connection{AuthBy: keytest.Methods("secret rsasig"), Local: pluto.End{Auth: local}, Remote: pluto.End{Auth: remote}}
	}
	store := credential.New(credential.Parts{Secrets: oneSecret("swordfish")})
	proof, err := Prove(store, Request{Case: credential.Case{Conn: conn(pluto.AuthPSK, pluto.AuthRSA), OwnAddr: west, PeerAddr: east}, Octets: octets, PRF: prfSHA256})
	check(t, "secret for us", err, 0)
	_, err = Prove(store, Request{Case: credential.Case{Conn: conn(pluto.AuthRSA, pluto.AuthPSK), OwnAddr: west, PeerAddr: east}, Octets: octets, PRF: prfSHA256})
	check(t, "rsasig for us", err, credential.NoPrivateKey)
	for _, test := range []struct {
		remote pluto.AuthMethod
		reason credential.Reason
	}{{pluto.AuthPSK, 0}, {pluto.AuthRSA, credential.WrongMethod}, {"", 0}} {
		_, err := Verify(store, Claim{Proof: proof, Case: credential.Case{Conn: conn("", test.remote), OwnAddr: east, PeerAddr: west}, Octets: octets, PRF: prfSHA256})
		check(t, "from the peer: "+string(test.remote), err, test.reason)
	}
	if store.CertRequest(conn(pluto.AuthRSA, pluto.AuthPSK)) != nil {
		t.Error("a certificate is asked for that proves nothing")
	}
}

func check(t *testing.T, name string, err error, reason credential.Reason) {
	t.Helper()
	if reason == 0 {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	e, ok := err.(*credential.Error)
	if !ok || e.Reason != reason {
		t.Errorf("%s: %v, want reason %d", name, err, reason)
		return
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: more than a line: %q", name, err)
	}
}

// TestRawKeys proves and verifies by raw public keys, for each word of authby and
// each announcement of hashes.
func TestRawKeys(t *testing.T) {
	ed := keytest.Ed25519(t)
	r, p256, p384, p521 := keytest.RSA(t, 2048), keytest.ECDSA(t, elliptic.P256()), keytest.ECDSA(t, elliptic.P384()), keytest.ECDSA(t, elliptic.P521())
	all := Hashes()
	tests := []struct {
		name   string
		key    crypto.Signer
		authby string
		hashes []uint16
		how    string
		prove  credential.Reason
		verify credential.Reason
	}{
		{"rsa", r, "rsasig", all, "RSASSA-PSS with SHA2_256", 0, 0},
		{"rsa, one hash of authby", r, "rsa-sha2_512", all, "RSASSA-PSS with SHA2_512", 0, 0},
		{"rsa, one hash of the peer", r, "rsasig", []uint16{HashSHA2_384}, "RSASSA-PSS with SHA2_384", 0, 0},
		{"rsa, no hash in common", r, "rsa-sha2_512", []uint16{HashSHA2_256}, "", credential.NoMethod, 0},
		{"rsa, old peer", r, "rsasig", nil, "RSA with SHA1", 0, 0},
		{"rsa, old peer, SHA-2 demanded", r, "rsa-sha2", nil, "", credential.NoMethod, 0},
		{"rsa, hash for ecdsa alone", r, "rsa-sha2 ecdsa-sha2_512", all, "RSASSA-PSS with SHA2_256", 0, 0},
		{"rsa, peer of SHA-1 alone", r, "rsasig", []uint16{HashSHA1}, "", credential.NoMethod, 0},
		{"rsa, old peer, SHA2_256 demanded", r, "rsa-sha2_256", nil, "", credential.NoMethod, 0},
		{"rsa, sha1 named", r, "rsa-sha1", all, "RSA with SHA1", 0, 0},
		{"rsa, sha1 named besides", r, "rsa-sha1 rsa-sha2", all, "RSASSA-PSS with SHA2_256", 0, 0},
		{"rsa by ecdsa", r, "ecdsa", all, "", credential.NoMethod, 0},
		{"p256", p256, "ecdsa", all, "ECDSA with SHA2_256", 0, 0},
		{"p256 by rsasig, which means any public key", p256, "rsasig", all, "ECDSA with SHA2_256", 0, 0},
		{"p256 by rsa-sha2", p256, "rsa-sha2", all, "", credential.NoMethod, 0},
		{"p384", p384, "ecdsa", all, "ECDSA with SHA2_384", 0, 0},
		{"p521", p521, "ecdsa", all, "ECDSA with SHA2_512", 0, 0},
		{"p521, SHA2_256 alone", p521, "ecdsa", []uint16{HashSHA2_256}, "ECDSA with SHA2_256", 0, 0},
		{"p256, old peer", p256, "ecdsa", nil, "ECDSA P-256 with SHA2_256", 0, 0},
		{"p384, old peer", p384, "ecdsa", nil, "ECDSA P-384 with SHA2_384", 0, 0},
		{"p521, old peer", p521, "ecdsa", nil, "ECDSA P-521 with SHA2_512", 0, 0},
		{"ed25519", ed, "eddsa", all, "Ed25519", 0, 0},
		{"ed25519, old peer", ed, "eddsa", nil, "", credential.NoMethod, 0},
		{"ed25519, peer without identity", ed, "eddsa", []uint16{HashSHA2_256}, "", credential.NoMethod, 0},
	}
	for _, test := range tests {
		conn := &pluto.Connection{AuthBy: keytest.Methods(test.authby), Local: pluto.End{PublicKeys: []string{keytest.Public(t, test.key.Public())}}}
		ours := credential.New(credential.Parts{Keys: []credential.PrivateKey{{Signer: r, Source: "other"}, {Signer: test.key, Source: "test"}}})
		proof, err := Prove(ours, Request{Case: credential.Case{Conn: conn, Now: noon}, Hashes: test.hashes, Octets: []byte("octets")})
		check(t, test.name, err, test.prove)
		if err != nil {
			continue
		}
		peer := credential.New(credential.Parts{})
		result, err := Verify(peer, Claim{Proof: proof, Case: credential.Case{Conn: conn.Reversed(), Now: noon}, Hashes: test.hashes, Octets: []byte("octets")})
		check(t, test.name, err, test.verify)
		if result.How != test.how {
			t.Errorf("%s: by %q, want %q", test.name, result.How, test.how)
		}
		kind := map[string]pluto.AuthMethod{"RSA": pluto.AuthRSA, "RSASSA-PSS": pluto.AuthRSA, "ECDSA": pluto.AuthECDSA, "Ed25519": pluto.AuthEdDSA}
		if word, _, _ := strings.Cut(test.how, " "); result.Method != kind[word] {
			t.Errorf("%s: method %q, want %q", test.name, result.Method, kind[word])
		}
	}
}
