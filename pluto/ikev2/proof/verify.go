package proof

import (
	"crypto"
	"strings"

	"ipsec/pluto"
	"ipsec/pluto/credential"
)

// Verify checks a peer's proof. Errors are of type *[credential.Error].
func Verify(s Store, c Claim) (Result, error) {
	ways := c.Conn.Proofs(&c.Conn.Remote)
	policy := ParsePolicy(ways)
	switch c.Method {
	case MethodPSK:
		return verifyPSK(s, c, policy, ways)
	case MethodNull:
		return Result{}, wrongMethod("nothing (NULL authentication)", ways)
	}
	scheme, signature, err := schemeOf(c.Method, c.Data)
	if err != nil {
		return Result{}, err
	}
	if !policy.permits(scheme, c.Hashes != nil) {
		if scheme.hash == crypto.SHA1 && policy.SHA1Fallback {
			return Result{}, fail(credential.WrongMethod, "have the peer sign with SHA-2 (RFC 7427), or permit it by authby=rsa-sha1",
				"peer signed with SHA-1, though it knows better")
		}
		return Result{}, wrongMethod(scheme.name, ways)
	}
	candidates, err := s.Peer(c.Case, c.Certs)
	if err != nil {
		return Result{}, err
	}
	var first error
	for _, k := range candidates {
		err := scheme.verify(k.Key, c.Octets, signature)
		var trust credential.Trust
		if err == nil {
			trust, err = k.Trust()
		}
		if err == nil {
			if weak := credential.Weakness(k.Key); weak != "" {
				trust.Warnings = append(trust.Warnings, "peer's key is "+weak)
			}
			return Result{Method: scheme.kind(), How: scheme.name, Key: credential.DescribeKey(k.Key), Trust: trust}, nil
		}
		if first == nil {
			first = err
		}
	}
	return Result{}, first
}

func verifyPSK(s Store, c Claim, policy Policy, ways []pluto.AuthMethod) (Result, error) {
	if !policy.PSK {
		return Result{}, wrongMethod("a shared key", ways)
	}
	secret, place, err := s.Shared(c.Case)
	if err != nil {
		return Result{}, err
	}
	if !pskMatches(c.PRF, secret, c.Octets, c.Data) {
		return Result{}, fail(credential.WrongSecret, "look at "+place+" and the peer's own",
			"the peer's shared key for %s and %s is not the same as ours", c.Own(), c.Peer())
	}
	return Result{Method: pluto.AuthPSK, How: "shared key"}, nil
}

func wrongMethod(what string, words []pluto.AuthMethod) error {
	return fail(credential.WrongMethod, "look at authby= of both ends", "peer proved itself by %s, but authby=%s", what, joinWords(words))
}

func joinWords(words []pluto.AuthMethod) string {
	var out []string
	for _, w := range words {
		out = append(out, string(w))
	}
	return strings.Join(out, ",")
}

// schemeOf tells by which scheme an AUTH payload was signed.
func schemeOf(method uint8, data []byte) (scheme, []byte, error) {
	if method == MethodSignature {
		return splitSignature(data)
	}
	for _, s := range methodSchemes {
		if s.method == method {
			return s, data, nil
		}
	}
	return scheme{}, nil, fail(credential.BadAlgorithm, "", "peer proved itself by authentication method %d, which we do not know", method)
}

// fail makes an error of one printable line.
func fail(reason credential.Reason, hint, format string, args ...any) error {
	return credential.Errorf(reason, hint, format, args...)
}
