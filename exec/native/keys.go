package native

import (
	"context"
	"fmt"
	"net/netip"

	"ipsec/conf"
	"ipsec/klips"
	"ipsec/klips/algorithm"
	"ipsec/klips/said"
	"ipsec/plan"
)

// AddSA is like 'ipsec spi --said SAID --src SRC --esp ALG|--ah ALG
// [--replay_window N] [--encap SPORT:DPORT] --keys-of CONN'. No error shows
// anything of a key.
func (e *Executor) AddSA(_ context.Context, op plan.AddSA) error {
	sa, err := e.keyed(op)
	if err != nil {
		return fmt.Errorf("failed to set SA %s of conn %s: %w", op.SAID, op.KeysOf, err)
	}
	return e.ask(func(t klips.Table) error { return t.AddSA(sa) })
}

// keyed returns the SA of op with its keys.
func (e *Executor) keyed(op plan.AddSA) (klips.SA, error) {
	sa := klips.SA{
		ID:           op.SAID,
		Src:          op.Src,
		ReplayWindow: op.ReplayWindow,
		Encap:        klips.Encap{SrcPort: op.EncapSrc, DstPort: op.EncapDst},
	}
	config, err := e.config()
	if err != nil {
		return sa, err
	}
	if config == nil || config.Conn(op.KeysOf) == nil {
		return sa, fmt.Errorf("there is no such conn in %s", e.env.Paths.Conf)
	}
	conn := config.Conn(op.KeysOf)
	side, err := Towards(conn, op.SAID.Dst, op.Src)
	if err != nil {
		return sa, err
	}
	enc, auth, ah := conn.Keys(side)
	err = SetKeys(&sa, op.Algorithm, enc, auth, ah)
	return sa, err
}

// SetKeys sets the algorithms of an SA of ESP or AH, by the name that
// conf.ParseESP or conf.ParseAH reads, and its keys: enc and auth of ESP, ah of
// AH. A key that the algorithm has no use for is passed over. No error shows
// anything of a key.
func SetKeys(sa *klips.SA, algorithm string, enc, auth, ah conf.Secret) error {
	bits := 0
	var err error
	if sa.ID.Proto == said.AH {
		if sa.Auth, err = conf.ParseAH(algorithm); err != nil {
			return err
		}
		sa.AuthKey, err = authKey(sa.Auth, "ahkey", ah)
		return err
	}
	if sa.Enc, sa.Auth, bits, err = conf.ParseESP(algorithm); err != nil {
		return err
	}
	if sa.EncKey, err = encKey(sa.Enc, bits, enc); err != nil {
		return err
	}
	sa.AuthKey, err = authKey(sa.Auth, "espauthkey", auth)
	return err
}

// Towards returns the side that an SA is sent to: the one of its destination,
// else the one that is not of its source. A side whose address is not
// in the configuration (%defaultroute, a name) is known by the other one.
func Towards(conn *conf.Conn, dst, src netip.Addr) (conf.Side, error) {
	for _, side := range []conf.Side{conf.Left, conf.Right} {
		if conn.End(side).Host.Addr == dst && conn.End(side.Other()).Host.Addr != dst {
			return side, nil
		}
	}
	for _, side := range []conf.Side{conf.Left, conf.Right} {
		if src.IsValid() && conn.End(side.Other()).Host.Addr == src && !conn.End(side).Host.Addr.IsValid() {
			return side, nil
		}
	}
	return 0, fmt.Errorf("the conn at %s has neither left= nor right= %s: was ipsec.conf changed?", conn.Pos, dst)
}

// encKey decodes a key of a cipher and checks its length.
func encKey(name string, bits int, secret conf.Secret) ([]byte, error) {
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
func authKey(name, keyword string, secret conf.Secret) ([]byte, error) {
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

func decode(keyword string, secret conf.Secret) ([]byte, error) {
	key, err := conf.DecodeKey(secret)
	if err != nil {
		return nil, fmt.Errorf("malformed %s: %w", keyword, err)
	}
	return key, nil
}
