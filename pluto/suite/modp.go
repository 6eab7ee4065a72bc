package suite

import (
	"fmt"
	"io"
	"math/big"
	"sync"

	"filippo.io/bigmod"
)

// modp is a group of integers modulo a safe prime, with generator 2.
type modp struct {
	exponent int // bytes of a private key
	modulus  func() *bigmod.Modulus
}

// modpGroups are the groups of RFC 2409, section 6.2, and RFC 3526, with what tells their
// primes apart and with keys of the length of RFC 3526, section 8: no shorter than
// the group is strong.
var modpGroups = []Group{
	newMODP(MODP1024, 1024, 129093, 32),
	newMODP(MODP1536, 1536, 741804, 32),
	newMODP(MODP2048, 2048, 124476, 40),
	newMODP(MODP3072, 3072, 1690314, 53),
	newMODP(MODP4096, 4096, 240904, 60),
	newMODP(MODP6144, 6144, 929484, 68),
	newMODP(MODP8192, 8192, 4743158, 78),
}

func newMODP(id uint16, bits int, offset int64, exponent int) Group {
	modulus := sync.OnceValue(func() *bigmod.Modulus {
		m, err := bigmod.NewModulus(prime(bits, offset).Bytes())
		if err != nil {
			panic("suite: " + err.Error())
		}
		return m
	})
	return Group{id, fmt.Sprintf("modp%d", bits), bits / 8, bits / 8, modp{exponent, modulus}}
}

// prime returns 2^bits - 2^(bits-64) - 1 + 2^64 · (⌊2^(bits-130) · π⌋ + offset).
func prime(bits int, offset int64) *big.Int {
	power := func(n int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(n)) }
	p := pi(bits - 130)
	p.Add(p, big.NewInt(offset))
	p.Mul(p, power(64))
	p.Add(p, power(bits))
	p.Sub(p, power(bits-64))
	return p.Sub(p, big.NewInt(1))
}

// pi returns ⌊2^bits · π⌋, by π = 16 arctan 1/5 - 4 arctan 1/239. The guard bits hold
// what cutting off each term of the series makes wrong.
func pi(bits int) *big.Int {
	const guard = 32
	arctan := func(x int64) *big.Int { // of 1/x
		sum := new(big.Int)
		power := new(big.Int).Lsh(big.NewInt(1), uint(bits+guard))
		power.Quo(power, big.NewInt(x))
		for n := int64(1); power.Sign() != 0; n += 2 {
			term := new(big.Int).Quo(power, big.NewInt(n))
			if n%4 == 3 {
				term.Neg(term)
			}
			sum.Add(sum, term)
			power.Quo(power, big.NewInt(x*x))
		}
		return sum
	}
	p := new(big.Int).Mul(big.NewInt(16), arctan(5))
	p.Sub(p, new(big.Int).Mul(big.NewInt(4), arctan(239)))
	return p.Rsh(p, guard)
}

func (g modp) generate(random io.Reader) (PrivateKey, error) {
	k := &modpKey{group: g, exponent: make([]byte, g.exponent)}
	if _, err := io.ReadFull(random, k.exponent); err != nil {
		return nil, err
	}
	k.exponent[0] |= 0x80 // of full length, hence never zero
	m := g.modulus()
	k.public = bigmod.NewNat().Exp(bigmod.NewNat().SetUint(2).ExpandFor(m), k.exponent, m).Bytes(m)
	return k, nil
}

type modpKey struct {
	group            modp
	exponent, public []byte
}

func (k *modpKey) Public() []byte { return k.public }

// Shared checks 1 < y < p-1, which in a group of a safe prime is all that RFC 6989,
// section 2.1, asks.
func (k *modpKey) Shared(peer []byte) ([]byte, error) {
	m := k.group.modulus()
	if len(peer) != m.Size() {
		return nil, ErrPublic
	}
	y, err := bigmod.NewNat().SetBytes(peer, m)
	if err != nil || y.IsZero()|y.IsOne()|y.IsMinusOne(m) == 1 {
		return nil, ErrPublic
	}
	return bigmod.NewNat().Exp(y, k.exponent, m).Bytes(m), nil
}
