package keys

import (
	"errors"
	"fmt"

	"ipsec/conf"
	"ipsec/conf/manualkey"
	"ipsec/conf/secret"
	"ipsec/klips"
	"ipsec/klips/algorithm"
	"ipsec/klips/said"
	"ipsec/plan"
)

// SA returns the SA that op sets, with the keys of its conn.
func SA(conn *conf.Conn, op plan.AddSA) (klips.SA, error) {
	sa := klips.SA{ID: op.SAID, Src: op.Src, ReplayWindow: op.ReplayWindow, Encap: klips.Encap{SrcPort: op.EncapSrc, DstPort: op.EncapDst}}
	k, err := Of(conn, op.SAID.Dst, op.Src)
	if err == nil {
		err = k.Set(&sa, op.Algorithm)
	}
	return sa, err
}

// Set sets the algorithms of an SA of ESP or AH, by the name that manualkey.ParseESP or
// manualkey.ParseAH reads, and its keys. A key that the algorithm has no use for is
// passed over.
func (k Keys) Set(sa *klips.SA, algorithm string) error {
	bits := 0
	var err error
	if sa.ID.Proto == said.AH {
		if sa.Auth, err = manualkey.ParseAH(algorithm); err != nil {
			return err
		}
		sa.AuthKey, err = authKey(sa.Auth, "ahkey", k.AH)
		return err
	}
	if sa.Enc, sa.Auth, bits, err = manualkey.ParseESP(algorithm); err != nil {
		return err
	}
	if sa.EncKey, err = encKey(sa.Enc, bits, k.Enc); err != nil {
		return err
	}
	sa.AuthKey, err = authKey(sa.Auth, "espauthkey", k.Auth)
	return err
}

// SetAll is Set, and fails for a key that the algorithm has no use for: who gives
// one means it to protect something.
func (k Keys) SetAll(sa *klips.SA, algorithm string) error {
	err := k.Set(sa, algorithm)
	switch {
	case err != nil:
	case k.Enc.IsSet() && sa.EncKey == nil:
		err = errors.New("there is an espenckey, and the algorithm takes none")
	case (k.Auth.IsSet() || k.AH.IsSet()) && sa.AuthKey == nil:
		err = errors.New("there is a key for authentication, and the algorithm takes none")
	}
	return err
}

// encKey decodes a key of a cipher and checks its length.
func encKey(name string, bits int, secret secret.Text) ([]byte, error) {
	cipher, err := algorithm.FindCipher(name)
	if err != nil {
		return nil, err
	}
	if len(cipher.Keys) == 1 && cipher.Keys[0] == 0 { // the null cipher
		return nil, nil
	}
	key, err := decode("espenckey", secret)
	if err != nil {
		return nil, err
	}
	if err := cipher.CheckKey(key); err != nil {
		return nil, fmt.Errorf("espenckey: %w", err)
	}
	if got := 8 * (len(key) - cipher.Salt); bits != 0 && got != bits {
		return nil, fmt.Errorf("espenckey: key of %s has %d bits, expected %d", name, got, bits)
	}
	return key, nil
}

// authKey decodes a key of an authenticator and checks its length. Where there
// is no authenticator there is no key.
func authKey(name, keyword string, secret secret.Text) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	auth, err := algorithm.FindAuth(name)
	if err != nil {
		return nil, err
	}
	key, err := decode(keyword, secret)
	if err != nil {
		return nil, err
	}
	if err := auth.CheckKey(key); err != nil {
		return nil, fmt.Errorf("%s: %w", keyword, err)
	}
	return key, nil
}

func decode(keyword string, secret secret.Text) ([]byte, error) {
	key, err := secret.Decode()
	if err != nil {
		return nil, fmt.Errorf("malformed %s: %w", keyword, err)
	}
	return key, nil
}
