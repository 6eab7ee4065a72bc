package suite

import (
	"crypto/ecdh"
	"io"
)

// curve is a group of elliptic curves: RFC 5903 and RFC 8031.
type curve struct {
	ecdh.Curve
	scalar int  // length of a private key
	point  bool // a public value is two coordinates
	top    byte // mask of the scalar's first byte, so that few are out of range
}

// uncompressed is how crypto/ecdh begins a point, and IKE does not.
const uncompressed = 4

// maxDraws bounds what a reader that is not random can take: of the scalars of
// P-256, where they are rejected most often, one in 2³² is out of range.
const maxDraws = 100

func (c curve) generate(random io.Reader) (PrivateKey, error) {
	scalar := make([]byte, c.scalar)
	defer clear(scalar)
	for i := 1; ; i++ {
		if _, err := io.ReadFull(random, scalar); err != nil {
			return nil, err
		}
		scalar[0] &= c.top
		key, err := c.NewPrivateKey(scalar)
		if err == nil {
			return &curveKey{c, key}, nil
		}
		if i == maxDraws {
			return nil, err
		}
	}
}

type curveKey struct {
	curve curve
	key   *ecdh.PrivateKey
}

func (k *curveKey) Public() []byte {
	public := k.key.PublicKey().Bytes()
	if k.curve.point {
		return public[1:]
	}
	return public
}

// Shared leaves the checks to crypto/ecdh: the length, that a point is on the curve, and
// that the result of X25519 is not zero.
func (k *curveKey) Shared(peer []byte) ([]byte, error) {
	if k.curve.point {
		peer = append([]byte{uncompressed}, peer...)
	}
	public, err := k.curve.NewPublicKey(peer)
	if err != nil {
		return nil, ErrPublic
	}
	shared, err := k.key.ECDH(public)
	if err != nil {
		return nil, ErrPublic
	}
	return shared, nil
}
