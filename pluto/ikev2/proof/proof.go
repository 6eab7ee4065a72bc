// Package proof makes and checks the proofs of identity of IKEv2: the AUTH payload (RFC 7296
// §2.15), digital signatures (RFC 7427, RFC 8420), ECDSA (RFC 4754) and shared keys. The keys and
// certificates come from a [Store]; package proof implements one.
package proof

import (
	"ipsec/pluto"
	"ipsec/pluto/credential"
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

// PRF is the pseudo-random function of an IKE SA. Both the PRF and what it returns
// belong to the caller.
type PRF func(key, data []byte) []byte

// Store finds keys and certificates. Its errors are of type *[credential.Error].
type Store interface {
	// Shared returns the shared key of both ends, and where it stands.
	Shared(credential.Case) (key []byte, place string, err error)
	// Own returns the key that we sign with, and the certificates to send with the proof, DER, our own
	// first. certReqs are the bodies of the peer's CERTREQ payloads.
	Own(c credential.Case, certReqs [][]byte) (credential.PrivateKey, [][]byte, error)
	// Peer returns the keys that the peer's signature may be checked with; sent are the
	// certificates that it has sent.
	Peer(c credential.Case, sent [][]byte) ([]credential.PeerKey, error)
}

// Request asks for a proof of who we are.
type Request struct {
	credential.Case // of whose Conn AuthBy counts, too

	// Hashes is what the peer announced in SIGNATURE_HASH_ALGORITHMS; nil when it did not.
	Hashes []uint16
	// CertReqs are the bodies of the peer's CERTREQ payloads of encoding 4: each a
	// run of SHA-1 hashes of the keys of CAs (RFC 7296 §3.7).
	CertReqs [][]byte

	// Octets is what is signed: InitiatorSignedOctets or ResponderSignedOctets.
	Octets []byte
	PRF    PRF
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
	credential.Case // OwnID as we sent it, or would; PeerID as in the peer's ID payload

	// Hashes is what the peer announced, as in [Request].
	Hashes []uint16

	Octets []byte
	PRF    PRF
}

// Result tells how a peer proved itself, for reports.
type Result struct {
	Method pluto.AuthMethod // the kind, without its hash: AuthPSK, AuthRSA, AuthECDSA or AuthEdDSA
	How    string           // such as "RSASSA-PSS with SHA2_256", "shared key"
	Key    string           // such as "RSA 2048", empty for a shared key
	credential.Trust
}
