// Package credential holds the keys and certificates of a host, and finds there what an end of a
// connection proves itself with and what its peer's proof is checked by: shared keys, private
// and public keys, certificates with the chains and CRLs that they hang from. How a proof is made
// of them each version of IKE says for itself; for IKEv2 see package proof.
//
// A [Store] is what a host holds: ipsec.d and ipsec.secrets, as they were when it
// was loaded. It never changes; rereading makes another one. Its methods may be
// called by many goroutines at once, do not look at the clock, and send nothing
// over the network: OCSP and CRLs by URI are not supported.
package credential

import (
	"crypto"
	"net/netip"
	"time"

	"ipsec/conf/identity"
	"ipsec/pluto"
)

// Limits on what a peer may send.
const (
	MaxCerts     = 16        // certificates of one chain
	MaxCertBytes = 128 << 10 // bytes of one chain
)

// Case is whose credentials are asked for: an IKE SA between two ends.
type Case struct {
	// Conn is oriented: Local is our end. Of the ends count Cert, PublicKeys, CA and SendCert.
	Conn *pluto.Connection

	OwnID    identity.ID // as in the identity that we send, see [Store.OwnID]
	PeerID   identity.ID // the peer's, or the one that we expect; the zero ID when nothing is known
	OwnAddr  netip.Addr  // of the IKE SA, for the lookup of a shared key
	PeerAddr netip.Addr
	Now      time.Time
}

// PeerKey is a public key that may be the peer's.
type PeerKey struct {
	Key crypto.PublicKey
	// Trust checks that the key is the peer's, once its signature verifies. The error is of
	// type *[Error].
	Trust func() (Trust, error)
}

// Trust tells why a peer's key is trusted, for reports.
type Trust struct {
	Subject string // DN of the certificate, empty without one
	CA      string // DN of the root that it hangs from, empty without a certificate

	// NotAfter is when the proof's certificates (all of the chain) expire; zero without any.
	NotAfter time.Time
	// Warnings are weaknesses that were let pass, one line each.
	Warnings []string
}
