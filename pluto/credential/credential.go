// Package credential holds the keys and certificates of a host, and makes and
// checks the proofs of identity of IKEv2: the AUTH payload (RFC 7296 §2.15),
// digital signatures (RFC 7427, RFC 8420), ECDSA (RFC 4754), shared keys, and the
// CERT and CERTREQ payloads that go with them.
//
// A [Store] is what a host holds: ipsec.d and ipsec.secrets, as they were when it
// was loaded. It never changes; rereading makes another one. Its methods may be
// called by many goroutines at once, do not look at the clock, and send nothing
// over the network: OCSP and CRLs by URI are not supported.
package credential

import (
	"net/netip"
	"time"

	"ipsec/conf/identity"
	"ipsec/pluto"
)

// Authentication methods of the AUTH payload (IANA "IKEv2 Authentication Method").
const (
	MethodRSA       uint8 = 1  // RSA PKCS#1 1.5 with SHA-1, RFC 7296 §3.8
	MethodPSK       uint8 = 2  // shared key, RFC 7296 §2.15
	MethodECDSA256  uint8 = 9  // SHA2-256 on P-256, RFC 4754
	MethodECDSA384  uint8 = 10 // SHA2-384 on P-384, RFC 4754
	MethodECDSA521  uint8 = 11 // SHA2-512 on P-521, RFC 4754
	MethodNull      uint8 = 13 // no authentication, RFC 7619; always refused
	MethodSignature uint8 = 14 // digital signature, RFC 7427
)

// Hash algorithms of the SIGNATURE_HASH_ALGORITHMS notify (IANA "IKEv2 Hash Algorithms").
const (
	HashSHA1     uint16 = 1
	HashSHA2_256 uint16 = 2
	HashSHA2_384 uint16 = 3
	HashSHA2_512 uint16 = 4
	HashIdentity uint16 = 5 // the signature scheme hashes by itself, RFC 8420
)

// Hashes returns what we announce in SIGNATURE_HASH_ALGORITHMS, best first. SHA-1
// is never among them.
func Hashes() []uint16 {
	return []uint16{HashSHA2_256, HashSHA2_384, HashSHA2_512, HashIdentity}
}

// Limits on what a peer may send.
const (
	MaxCerts     = 16        // certificates of one chain
	MaxCertBytes = 128 << 10 // bytes of one chain
	maxRSABits   = 8192      // of a key that signed something for us to check
	minRSABits   = 1024
)

// PRF is the pseudo-random function of an IKE SA. Both the PRF and what it returns
// belong to the caller.
type PRF func(key, data []byte) []byte

// Request asks for a proof of who we are.
type Request struct {
	// Conn is oriented: Local is our end. Of it count AuthBy and, of the ends, Cert,
	// PublicKeys, CA and SendCert.
	Conn *pluto.Connection

	OwnID    identity.ID // as in the ID payload that we send, see [Store.OwnID]
	PeerID   identity.ID // the peer's, or the one that we expect; the zero ID when nothing is known
	OwnAddr  netip.Addr  // of the IKE SA, for the lookup of a shared key
	PeerAddr netip.Addr

	// Hashes is what the peer announced in SIGNATURE_HASH_ALGORITHMS; nil when it did not.
	Hashes []uint16
	// CertReqs are the bodies of the peer's CERTREQ payloads of encoding 4: each a
	// run of SHA-1 hashes of the keys of CAs (RFC 7296 §3.7).
	CertReqs [][]byte

	// Octets is what is signed: InitiatorSignedOctets or ResponderSignedOctets.
	Octets []byte
	PRF    PRF
	Now    time.Time
}

// Proof is an AUTH payload, with the CERT payloads beside it.
type Proof struct {
	Method uint8    // the AUTH payload's
	Data   []byte   // the AUTH payload's, with the AlgorithmIdentifier of method 14 in front
	Certs  [][]byte // DER, encoding 4; the first one is the end's own
}

// Claim is a peer's proof and all that is known about it. That PeerID is one that
// the conn's rightid permits is for the caller to check; that the proof speaks for PeerID is for us.
type Claim struct {
	Proof
	Conn *pluto.Connection // as in [Request]

	OwnID    identity.ID // as we sent it, or would
	PeerID   identity.ID // as in the peer's ID payload
	OwnAddr  netip.Addr
	PeerAddr netip.Addr

	// Hashes is what the peer announced, as in [Request].
	Hashes []uint16

	Octets []byte
	PRF    PRF
	Now    time.Time
}

// Result tells how a peer proved itself, for reports.
type Result struct {
	Method  pluto.AuthMethod // the kind, without its hash: AuthPSK, AuthRSA, AuthECDSA or AuthEdDSA
	How     string           // such as "RSASSA-PSS with SHA2_256", "shared key"
	Key     string           // such as "RSA 2048", empty for a shared key
	Subject string           // DN of the certificate, empty without one
	CA      string           // DN of the root that it hangs from, empty without a certificate

	// NotAfter is when the proof's certificates (all of the chain) expire; zero without any.
	NotAfter time.Time
	// Warnings are weaknesses that were let pass, one line each.
	Warnings []string
}
