package esp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"io"
	"sync/atomic"

	"ipsec/klips/algorithm"
)

// IVs are initialization vectors set aside for packets to come: Seal takes the
// next of them each time. A copy of some that are left must not be used beside
// the original.
type IVs struct{ next, end uint64 } // places in the order of an ivSource

// An ivSource gives the IVs of an SA. For the AEADs and CTR they are a counter:
// all that those ask is that none comes twice under a key. For CBC, whose IVs
// nobody may foretell, they are a counter encrypted under a key that is drawn
// once and used for nothing else (NIST SP 800-38A, appendix C); 3DES takes the
// first half. It is for any number of goroutines.
type ivSource struct {
	used  atomic.Uint64
	start uint64
	block cipher.Block // of CBC; nil otherwise
}

// ivLimit is how many IVs a source gives. It is far below where 64 bits come
// round, so that goroutines that are refused together do not push it over.
const ivLimit = 1 << 63

// init makes the source one that suits the cipher. It reads 8 bytes of random
// for a counter, 32 for CBC and none for NULL.
func (s *ivSource) init(c algorithm.Cipher, random io.Reader) error {
	if random == nil {
		random = rand.Reader
	}
	switch {
	case c.IV == 0:
		return nil
	case c.Salt > 0:
		var start [8]byte
		_, err := io.ReadFull(random, start[:])
		s.start = binary.BigEndian.Uint64(start[:])
		return err
	default:
		var key [32]byte
		if _, err := io.ReadFull(random, key[:]); err != nil {
			return err
		}
		var err error
		s.block, err = aes.NewCipher(key[:])
		return err
	}
}

// take sets n IVs aside and reports whether there were as many left.
func (s *ivSource) take(n int) (IVs, bool) {
	end := s.used.Add(uint64(n))
	if end > ivLimit {
		s.used.Store(ivLimit)
		return IVs{}, false
	}
	return IVs{end - uint64(n), end}, true
}

// put writes the IV of place n into iv.
func (s *ivSource) put(iv []byte, n uint64, w *Scratch) {
	if len(iv) == 8 && s.block == nil {
		binary.BigEndian.PutUint64(iv, s.start+n)
		return
	}
	if s.block != nil {
		clear(w.iv[8:])
		binary.BigEndian.PutUint64(w.iv[:], n)
		s.block.Encrypt(w.iv[:], w.iv[:])
		copy(iv, w.iv[:])
	}
}
