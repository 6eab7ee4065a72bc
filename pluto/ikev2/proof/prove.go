package proof

import (
	"ipsec/pluto"
	"ipsec/pluto/credential"
)

// Prove makes the proof of who we are. The words of authby are tried in their order; the first
// one that can be done is done. Errors are of type *[credential.Error].
func Prove(s Store, r Request) (Proof, error) {
	var first error
	ways := r.Conn.Proofs(&r.Conn.Local)
	for _, word := range ways {
		policy := ParsePolicy([]pluto.AuthMethod{word})
		var proof Proof
		var err error
		switch {
		case policy.PSK:
			proof, err = provePSK(s, r)
		case policy.PublicKey():
			proof, err = proveKey(s, r, ParsePolicy(ways))
		default:
			continue
		}
		if err == nil {
			return proof, nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = fail(credential.NoMethod, "look at authby=", "authby=%s names no way to prove who we are", joinWords(ways))
	}
	return Proof{}, first
}

func provePSK(s Store, r Request) (Proof, error) {
	secret, _, err := s.Shared(r.Case)
	if err != nil {
		return Proof{}, err
	}
	return Proof{Method: MethodPSK, Data: pskAuth(r.PRF, secret, r.Octets)}, nil
}

func proveKey(s Store, r Request, policy Policy) (Proof, error) {
	key, certs, err := s.Own(r.Case, r.CertReqs)
	if err != nil {
		return Proof{}, err
	}
	scheme, err := policy.choose(key.Public(), r.Hashes)
	if err != nil {
		return Proof{}, err
	}
	data, err := scheme.sign(key, r.Octets)
	if err != nil {
		return Proof{}, fail(credential.BadKey, "look at "+key.Source, "failed to sign with our %s key: %v", credential.DescribeKey(key.Public()), err)
	}
	return Proof{Method: scheme.method, Data: data, Certs: certs}, nil
}
