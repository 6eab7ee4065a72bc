package secrets

import (
	"crypto/rsa"
	"encoding/hex"
	"math/big"
	"strings"

	"ipsec/conf/secret"
)

// fields are those of an RSA block, in the order of rsasigkey(8). The last
// three follow from the others and may be missing.
func fields() []string {
	return []string{"Modulus", "PublicExponent", "PrivateExponent", "Prime1", "Prime2", "Exponent1", "Exponent2", "Coefficient"}
}

// maxKeyBits bounds the numbers of a key.
const maxKeyBits = 16384

// block reads { FIELD: NUMBER … }.
func (p *parser) block(e *Entry, words []word) bool {
	brace := words[0]
	numbers := make(map[string]*big.Int)
	i := 1
	for ; i < len(words) && !words[i].is("}"); i += 2 {
		w := words[i]
		name := ""
		for _, f := range fields() {
			if strings.EqualFold(w.text, f+":") {
				name = f
			}
		}
		switch {
		case strings.HasPrefix(w.text, "CKAID"):
			p.errorf(w.pos, "the key is in a database of NSS, which is not read here: expected the key itself, or RSA FILE")
			return false
		case name == "" || w.quoted:
			p.errorf(w.pos, "unknown field of an RSA key: expected %s, each with a colon", strings.Join(fields(), ", "))
			return false
		case numbers[name] != nil:
			p.errorf(w.pos, "%s is given twice", name)
			return false
		case i+1 == len(words):
			p.errorf(w.pos, "no number after %s", name)
			return false
		}
		n := number(words[i+1].text)
		if n == nil {
			p.errorf(words[i+1].pos, "malformed %s: expected 0x and hex digits, or 0s and base64, of at most %d bits", name, maxKeyBits)
			return false
		}
		numbers[name] = n
	}
	if i >= len(words) {
		p.errorf(brace.pos, "this brace is not closed: expected } after the key, on an indented line or on one of its own")
		return false
	}
	key, wrong := makeKey(numbers)
	if wrong != "" {
		p.errorf(brace.pos, "%s", wrong)
		return false
	}
	e.key = key
	return p.nothingAfter(e, words[i+1:])
}

// number reads 0x and hex digits, of which there may be an odd number, or 0s
// and base64; nil when it is neither.
func number(text string) *big.Int {
	digits, isHex := strings.CutPrefix(strings.ReplaceAll(text, "_", ""), "0x")
	var data []byte
	var err error
	if isHex {
		data, err = hex.DecodeString(strings.Repeat("0", len(digits)%2) + digits)
	} else {
		data, err = secret.New(text).Decode()
	}
	n := new(big.Int).SetBytes(data)
	if err != nil || n.Sign() == 0 || n.BitLen() > maxKeyBits || strings.HasPrefix(text, "0t") {
		return nil
	}
	return n
}

// makeKey makes a key of the numbers; wrong says what is wrong with them, and
// shows none.
func makeKey(numbers map[string]*big.Int) (key *rsa.PrivateKey, wrong string) {
	for _, f := range fields()[:5] {
		if numbers[f] == nil {
			return nil, "the RSA key has no " + f
		}
	}
	e := numbers["PublicExponent"]
	if e.BitLen() > 31 {
		return nil, "the RSA key's PublicExponent is too large: expected one such as 0x010001"
	}
	key = &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: numbers["Modulus"], E: int(e.Int64())},
		D:         numbers["PrivateExponent"],
		Primes:    []*big.Int{numbers["Prime1"], numbers["Prime2"]},
	}
	if err := key.Validate(); err != nil {
		return nil, "the numbers of the RSA key do not go together"
	}
	key.Precompute()
	for f, n := range map[string]*big.Int{"Exponent1": key.Precomputed.Dp, "Exponent2": key.Precomputed.Dq, "Coefficient": key.Precomputed.Qinv} {
		if given := numbers[f]; given != nil && n != nil && given.Cmp(n) != 0 {
			return nil, "the numbers of the RSA key do not go together: " + f + " is wrong"
		}
	}
	return key, ""
}
