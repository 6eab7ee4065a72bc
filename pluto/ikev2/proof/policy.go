package proof

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"slices"
	"strings"

	"ipsec/pluto"
	"ipsec/pluto/credential"
)

// Policy is what the words of authby permit.
type Policy struct {
	PSK   bool
	RSA   []uint16 // the hashes of RSA, PKCS#1 1.5 and PSS; none: no RSA of RFC 7427
	ECDSA []uint16 // the hashes of ECDSA
	EdDSA bool

	// SHA1 permits RSA with SHA-1 (method 1); SHA1Fallback only with a peer
	// that does not know RFC 7427.
	SHA1, SHA1Fallback bool
}

// ParsePolicy reads the words of authby. rsasig (and pubkey) is the word of old
// configurations for "a public key", so it permits every kind of key; rsa-sha2 and the like
// are for RSA alone. Words that name no proof of IKEv2 (never, null, xauthpsk, eap) permit nothing.
func ParsePolicy(words []pluto.AuthMethod) Policy {
	sha2 := []uint16{HashSHA2_256, HashSHA2_384, HashSHA2_512}
	var p Policy
	for _, word := range words {
		switch word {
		case "secret", "psk":
			p.PSK = true
		case "rsasig", "pubkey", "rsa":
			p.RSA, p.ECDSA, p.EdDSA, p.SHA1Fallback = sha2, sha2, true, true
		case "rsa-sha1", "rsasig-sha1":
			p.SHA1 = true
		case "rsa-sha2":
			p.RSA = sha2
		case "rsa-sha2_256":
			p.RSA = append(slices.Clip(p.RSA), HashSHA2_256)
		case "rsa-sha2_384":
			p.RSA = append(slices.Clip(p.RSA), HashSHA2_384)
		case "rsa-sha2_512":
			p.RSA = append(slices.Clip(p.RSA), HashSHA2_512)
		case "ecdsa", "ecdsasig", "ecdsa-sha2":
			p.ECDSA = sha2
		case "ecdsa-sha2_256":
			p.ECDSA = append(slices.Clip(p.ECDSA), HashSHA2_256)
		case "ecdsa-sha2_384":
			p.ECDSA = append(slices.Clip(p.ECDSA), HashSHA2_384)
		case "ecdsa-sha2_512":
			p.ECDSA = append(slices.Clip(p.ECDSA), HashSHA2_512)
		case "eddsa", "ed25519":
			p.EdDSA = true
		}
	}
	return p
}

// PublicKey reports whether any kind of signature is permitted.
func (p Policy) PublicKey() bool {
	return len(p.RSA) > 0 || len(p.ECDSA) > 0 || p.EdDSA || p.SHA1 || p.SHA1Fallback
}

// permits reports whether a peer may prove itself by s; announced is whether it
// knows RFC 7427.
func (p Policy) permits(s scheme, announced bool) bool {
	switch s.padding {
	case pkcs1, pss:
		if s.hash == crypto.SHA1 {
			return p.SHA1 || p.SHA1Fallback && !announced
		}
		return slices.Contains(p.RSA, s.ikeHash)
	case ecdsaDER, ecdsaRaw:
		return slices.Contains(p.ECDSA, s.ikeHash)
	case eddsa:
		return p.EdDSA
	}
	return false
}

// choose returns the scheme to sign with, given our key and what the peer announced
// (nil: nothing). The hash fits the key's strength where the peer and the policy
// let it. RSA is signed with PSS, which every peer that knows RFC 7427 must verify (RFC 8247 §3.2).
func (p Policy) choose(key crypto.PublicKey, peer []uint16) (scheme, error) {
	var wanted padding
	best := HashSHA2_256
	switch key := key.(type) {
	case *rsa.PublicKey:
		wanted = pss
		if key.N.BitLen() >= 7680 {
			best = HashSHA2_512
		}
	case *ecdsa.PublicKey:
		wanted = ecdsaDER
		switch key.Curve.Params().BitSize {
		case 384:
			best = HashSHA2_384
		case 521:
			best = HashSHA2_512
		}
	case ed25519.PublicKey:
		wanted, best = eddsa, HashIdentity
	}
	if peer != nil {
		for _, hash := range []uint16{best, HashSHA2_256, HashSHA2_384, HashSHA2_512} {
			for _, s := range signatureSchemes {
				if s.padding == wanted && s.ikeHash == hash && slices.Contains(peer, hash) && p.permits(s, true) && fits(s, key) {
					return s, nil
				}
			}
		}
	}
	for _, s := range methodSchemes {
		if ownMethod(s, key) && p.permits(s, peer != nil) {
			return s, nil
		}
	}
	if peer == nil {
		return scheme{}, fail(credential.NoMethod, "look at authby=",
			"cannot sign with our %s key: the peer knows no digital signatures (RFC 7427), and authby permits no older way", credential.DescribeKey(key))
	}
	return scheme{}, fail(credential.NoMethod, "look at authby=",
		"cannot sign with our %s key: no hash that the peer announced (%s) is one that authby permits", credential.DescribeKey(key), hashNames(peer))
}

// fits reports whether an RSA key is long enough for a scheme of PSS (RFC 8017 §9.1.1).
func fits(s scheme, key crypto.PublicKey) bool {
	k, ok := key.(*rsa.PublicKey)
	return !ok || s.padding != pss || k.Size() >= 2*s.hash.Size()+2
}

// ownMethod reports whether s is the method that is made for this kind of key.
func ownMethod(s scheme, key crypto.PublicKey) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return s.padding == pkcs1
	case *ecdsa.PublicKey:
		return s.padding == ecdsaRaw && s.curveBits == key.Curve.Params().BitSize
	}
	return false
}

// hashNames lists hashes as their users know them.
func hashNames(hashes []uint16) string {
	names := map[uint16]string{HashSHA1: "sha1", HashSHA2_256: "sha2_256", HashSHA2_384: "sha2_384", HashSHA2_512: "sha2_512", HashIdentity: "identity"}
	var out []string
	for _, h := range hashes {
		if name, ok := names[h]; ok {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return "none that we know"
	}
	return strings.Join(out, ", ")
}
