package proof

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // the hash of method 1
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"

	"ipsec/pluto"
	"ipsec/pluto/credential"
)

// padding tells the signature schemes of one kind of key apart.
type padding uint8

const (
	pkcs1 padding = iota + 1
	pss
	ecdsaDER // ASN.1 Ecdsa-Sig-Value, as in method 14
	ecdsaRaw // r and s side by side, as in methods 9 to 11
	eddsa
)

// scheme is one signature algorithm of the AUTH payload.
type scheme struct {
	name    string
	method  uint8
	padding padding
	hash    crypto.Hash // 0 where the scheme hashes by itself
	ikeHash uint16
	// identifier is the AlgorithmIdentifier of method 14, DER.
	identifier []byte
	curveBits  int // methods 9 to 11 are each for one curve
}

// kind returns what authby= calls the scheme, without its hash.
func (s scheme) kind() pluto.AuthMethod {
	switch s.padding {
	case ecdsaDER, ecdsaRaw:
		return pluto.AuthECDSA
	case eddsa:
		return pluto.AuthEdDSA
	}
	return pluto.AuthRSA
}

var (
	oidPSS  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidMGF1 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}

	oidSHA = map[crypto.Hash]asn1.ObjectIdentifier{
		crypto.SHA256: {2, 16, 840, 1, 101, 3, 4, 2, 1},
		crypto.SHA384: {2, 16, 840, 1, 101, 3, 4, 2, 2},
		crypto.SHA512: {2, 16, 840, 1, 101, 3, 4, 2, 3},
	}
)

var ed25519Scheme = scheme{"Ed25519", MethodSignature, eddsa, 0, HashIdentity, plainIdentifier(asn1.ObjectIdentifier{1, 3, 101, 112}, false), 0}

// signatureSchemes are the algorithms of method 14 (RFC 7427 appendix A, RFC 8420 appendix A).
var signatureSchemes = []scheme{
	{"RSASSA-PSS with SHA2_256", MethodSignature, pss, crypto.SHA256, HashSHA2_256, pssIdentifier(crypto.SHA256), 0},
	{"RSASSA-PSS with SHA2_384", MethodSignature, pss, crypto.SHA384, HashSHA2_384, pssIdentifier(crypto.SHA384), 0},
	{"RSASSA-PSS with SHA2_512", MethodSignature, pss, crypto.SHA512, HashSHA2_512, pssIdentifier(crypto.SHA512), 0},
	{"RSA with SHA2_256", MethodSignature, pkcs1, crypto.SHA256, HashSHA2_256, plainIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, true), 0},
	{"RSA with SHA2_384", MethodSignature, pkcs1, crypto.SHA384, HashSHA2_384, plainIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, true), 0},
	{"RSA with SHA2_512", MethodSignature, pkcs1, crypto.SHA512, HashSHA2_512, plainIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, true), 0},
	{"ECDSA with SHA2_256", MethodSignature, ecdsaDER, crypto.SHA256, HashSHA2_256, plainIdentifier(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, false), 0},
	{"ECDSA with SHA2_384", MethodSignature, ecdsaDER, crypto.SHA384, HashSHA2_384, plainIdentifier(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, false), 0},
	{"ECDSA with SHA2_512", MethodSignature, ecdsaDER, crypto.SHA512, HashSHA2_512, plainIdentifier(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}, false), 0},
	ed25519Scheme,
}

// methodSchemes are the methods that name their algorithm by themselves.
var methodSchemes = []scheme{
	{"RSA with SHA1", MethodRSA, pkcs1, crypto.SHA1, HashSHA1, nil, 0},
	{"ECDSA P-256 with SHA2_256", MethodECDSA256, ecdsaRaw, crypto.SHA256, HashSHA2_256, nil, 256},
	{"ECDSA P-384 with SHA2_384", MethodECDSA384, ecdsaRaw, crypto.SHA384, HashSHA2_384, nil, 384},
	{"ECDSA P-521 with SHA2_512", MethodECDSA521, ecdsaRaw, crypto.SHA512, HashSHA2_512, nil, 521},
}

// pssParameters are RSASSA-PSS-params (RFC 4055 §3.1). A part that is absent
// has its default, which is never one that we accept, except the trailer's.
type pssParameters struct {
	Hash    pkix.AlgorithmIdentifier `asn1:"explicit,tag:0,optional"`
	MGF     pkix.AlgorithmIdentifier `asn1:"explicit,tag:1,optional"`
	Salt    int                      `asn1:"explicit,tag:2,optional,default:20"`
	Trailer int                      `asn1:"explicit,tag:3,optional,default:1"`
}

func mustMarshal(v any) []byte {
	der, err := asn1.Marshal(v)
	if err != nil {
		panic(err) // a constant of this file is wrong
	}
	return der
}

func plainIdentifier(oid asn1.ObjectIdentifier, null bool) []byte {
	id := pkix.AlgorithmIdentifier{Algorithm: oid}
	if null {
		id.Parameters = asn1.NullRawValue
	}
	return mustMarshal(id)
}

// pssIdentifier is for MGF1 with the same hash, and a salt of the hash's length.
func pssIdentifier(hash crypto.Hash) []byte {
	inner := pkix.AlgorithmIdentifier{Algorithm: oidSHA[hash], Parameters: asn1.NullRawValue}
	return mustMarshal(pkix.AlgorithmIdentifier{Algorithm: oidPSS, Parameters: asn1.RawValue{FullBytes: mustMarshal(pssParameters{
		Hash:    inner,
		MGF:     pkix.AlgorithmIdentifier{Algorithm: oidMGF1, Parameters: asn1.RawValue{FullBytes: mustMarshal(inner)}},
		Salt:    hash.Size(),
		Trailer: 1,
	})}})
}

// splitSignature takes the data of method 14 apart (RFC 7427 §3): a length
// byte, an AlgorithmIdentifier, the signature.
func splitSignature(data []byte) (scheme, []byte, error) {
	if len(data) < 1 || len(data) < 1+int(data[0]) || data[0] == 0 {
		return scheme{}, nil, fail(credential.BadAlgorithm, "", "malformed AUTH payload: %d bytes are too few for its AlgorithmIdentifier", len(data))
	}
	end := 1 + int(data[0])
	identifier, signature := data[1:end], data[end:]
	for _, s := range signatureSchemes {
		if bytes.Equal(s.identifier, identifier) {
			return s, signature, nil
		}
	}
	s, err := parsePSS(identifier)
	if err != nil {
		return scheme{}, nil, fail(credential.BadAlgorithm, "", "peer signed with an algorithm that we do not accept: %v", err)
	}
	return s, signature, nil
}

// parsePSS reads RSASSA-PSS identifiers that say the same as ours in other words:
// hash parameters absent, trailer written out.
func parsePSS(der []byte) (scheme, error) {
	var id pkix.AlgorithmIdentifier
	if rest, err := asn1.Unmarshal(der, &id); err != nil || len(rest) > 0 {
		return scheme{}, fmt.Errorf("malformed AlgorithmIdentifier %x", der)
	}
	if !id.Algorithm.Equal(oidPSS) {
		return scheme{}, fmt.Errorf("AlgorithmIdentifier %x (%s)", der, id.Algorithm)
	}
	var p pssParameters
	if len(id.Parameters.FullBytes) == 0 {
		return scheme{}, fmt.Errorf("RSASSA-PSS with its default SHA-1")
	}
	if rest, err := asn1.Unmarshal(id.Parameters.FullBytes, &p); err != nil || len(rest) > 0 {
		return scheme{}, fmt.Errorf("malformed RSASSA-PSS parameters %x", id.Parameters.FullBytes)
	}
	var mgf pkix.AlgorithmIdentifier
	if rest, err := asn1.Unmarshal(p.MGF.Parameters.FullBytes, &mgf); err != nil || len(rest) > 0 || !p.MGF.Algorithm.Equal(oidMGF1) {
		return scheme{}, fmt.Errorf("RSASSA-PSS with another mask than MGF1")
	}
	for _, s := range signatureSchemes {
		if s.padding != pss || !oidSHA[s.hash].Equal(p.Hash.Algorithm) || !emptyParameters(p.Hash) {
			continue
		}
		switch {
		case !oidSHA[s.hash].Equal(mgf.Algorithm) || !emptyParameters(mgf):
			return scheme{}, fmt.Errorf("RSASSA-PSS with different hashes for message and mask")
		case p.Salt != s.hash.Size():
			return scheme{}, fmt.Errorf("RSASSA-PSS with a salt of %d bytes, not %d", p.Salt, s.hash.Size())
		case p.Trailer != 1:
			return scheme{}, fmt.Errorf("RSASSA-PSS with trailer %d, not 1", p.Trailer)
		}
		return s, nil
	}
	return scheme{}, fmt.Errorf("RSASSA-PSS with hash %s", p.Hash.Algorithm)
}

func emptyParameters(id pkix.AlgorithmIdentifier) bool {
	return len(id.Parameters.FullBytes) == 0 || bytes.Equal(id.Parameters.FullBytes, asn1.NullBytes)
}
