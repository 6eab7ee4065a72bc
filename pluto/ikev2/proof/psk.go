package proof

import "crypto/hmac"

// keyPad is the text that keeps a shared key from being tried against other
// uses of the PRF (RFC 7296 §2.15).
const keyPad = "Key Pad for IKEv2"

// pskAuth returns prf(prf(secret, "Key Pad for IKEv2"), octets).
func pskAuth(prf PRF, secret, octets []byte) []byte {
	return prf(prf(secret, []byte(keyPad)), octets)
}

// pskMatches compares in constant time.
func pskMatches(prf PRF, secret, octets, auth []byte) bool {
	return hmac.Equal(pskAuth(prf, secret, octets), auth)
}
