package secrets

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"math/big"

	"ipsec/conf/rawkey"
)

// WriteRSA writes a key as the inside of an RSA block: the public key as
// ipsec.conf has it in a comment, then the fields, each on an indented line.
// It writes the secret.
func WriteRSA(w io.Writer, key *rsa.PrivateKey) error {
	if len(key.Primes) != 2 {
		return errors.New("failed to write an RSA key: expected two primes")
	}
	key.Precompute()
	public, err := rawkey.Format(&key.PublicKey)
	if err != nil {
		return err
	}
	text := "\t#pubkey=" + public + "\n"
	numbers := []*big.Int{key.N, big.NewInt(int64(key.E)), key.D, key.Primes[0], key.Primes[1], key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv}
	for i, f := range fields() {
		text += fmt.Sprintf("\t%s: 0x%x\n", f, numbers[i].Bytes())
		if f == "PublicExponent" {
			text += "\t# everything after this point is secret\n"
		}
	}
	_, err = io.WriteString(w, text)
	return err
}
