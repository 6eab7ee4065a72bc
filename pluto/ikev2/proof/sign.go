package proof

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"fmt"
	"math/big"

	"ipsec/pluto/credential"
)

// sign makes the data of an AUTH payload by scheme s.
func (s scheme) sign(key crypto.Signer, octets []byte) ([]byte, error) {
	digest := octets
	if s.hash != 0 {
		h := s.hash.New()
		h.Write(octets)
		digest = h.Sum(nil)
	}
	var opts crypto.SignerOpts = s.hash
	if s.padding == pss {
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: s.hash}
	}
	signature, err := key.Sign(rand.Reader, digest, opts)
	if err != nil {
		return nil, err
	}
	if s.padding == ecdsaRaw {
		if signature, err = rawFromDER(signature, s.curveBits); err != nil {
			return nil, err
		}
	}
	if s.method != MethodSignature {
		return signature, nil
	}
	data := append([]byte{byte(len(s.identifier))}, s.identifier...)
	return append(data, signature...), nil
}

// verify checks a signature (of method 14: without its identifier) by scheme s.
func (s scheme) verify(key crypto.PublicKey, octets, signature []byte) error {
	digest := octets
	if s.hash != 0 {
		h := s.hash.New()
		h.Write(octets)
		digest = h.Sum(nil)
	}
	if err := credential.CheckKey(key); err != nil {
		return fail(credential.BadKey, "", "peer's key is %v", err)
	}
	ok := false
	switch key := key.(type) {
	case *rsa.PublicKey:
		switch s.padding {
		case pkcs1:
			ok = rsa.VerifyPKCS1v15(key, s.hash, digest, signature) == nil
		case pss:
			ok = rsa.VerifyPSS(key, s.hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		default:
			return s.otherKind(key)
		}
	case *ecdsa.PublicKey:
		switch {
		case s.padding == ecdsaDER:
			ok = ecdsa.VerifyASN1(key, digest, signature)
		case s.padding == ecdsaRaw && key.Curve.Params().BitSize == s.curveBits:
			der, err := derFromRaw(signature, s.curveBits)
			ok = err == nil && ecdsa.VerifyASN1(key, digest, der)
		default:
			return s.otherKind(key)
		}
	case ed25519.PublicKey:
		if s.padding != eddsa {
			return s.otherKind(key)
		}
		ok = ed25519.Verify(key, octets, signature)
	}
	if !ok {
		return fail(credential.BadSignature, "", "signature (%s) does not verify with the peer's %s key", s.name, credential.DescribeKey(key))
	}
	return nil
}

func (s scheme) otherKind(key crypto.PublicKey) error {
	return fail(credential.BadSignature, "", "peer signed with %s, but its key is %s", s.name, credential.DescribeKey(key))
}

// ecdsaValue is Ecdsa-Sig-Value (RFC 3279 §2.2.3).
type ecdsaValue struct{ R, S *big.Int }

// rawFromDER gives r and s, each as long as the curve's field (RFC 4754 §7).
func rawFromDER(der []byte, bits int) ([]byte, error) {
	var v ecdsaValue
	if rest, err := asn1.Unmarshal(der, &v); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("malformed ECDSA signature")
	}
	n := (bits + 7) / 8
	if v.R.Sign() < 0 || v.S.Sign() < 0 || v.R.BitLen() > 8*n || v.S.BitLen() > 8*n {
		return nil, fmt.Errorf("malformed ECDSA signature")
	}
	raw := make([]byte, 2*n)
	v.R.FillBytes(raw[:n])
	v.S.FillBytes(raw[n:])
	return raw, nil
}

func derFromRaw(raw []byte, bits int) ([]byte, error) {
	n := (bits + 7) / 8
	if len(raw) != 2*n {
		return nil, fmt.Errorf("ECDSA signature of %d bytes, not %d", len(raw), 2*n)
	}
	return asn1.Marshal(ecdsaValue{new(big.Int).SetBytes(raw[:n]), new(big.Int).SetBytes(raw[n:])})
}
