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

// An ivSource gives the IVs of an SA. For the AEADs and CTR they are a counter:
// all that those ask is that none comes twice under a key. For CBC, whose IVs
// nobody may foretell, they are a counter encrypted under a key that is drawn
// once and used for nothing else (NIST SP 800-38A, appendix C); 3DES takes the
// first half.
//
// Copies share the counter, and each is for one goroutine at a time.
type ivSource struct {
	used  *atomic.Uint64
	start uint64
	block cipher.Block // of CBC; nil otherwise
	next  [aes.BlockSize]byte
}

// ivLimit is how many IVs a source gives. It is far below where 64 bits come
// round, so that goroutines that are refused together do not push it over.
const ivLimit = 1 << 63

// newIVs returns the source that suits the cipher. It reads 8 bytes of random
// for a counter, 32 for CBC and none for NULL.
func newIVs(c algorithm.Cipher, random io.Reader) (ivSource, error) {
	s := ivSource{used: new(atomic.Uint64)}
	if random == nil {
		random = rand.Reader
	}
	switch {
	case c.IV == 0:
		return s, nil
	case c.Salt > 0:
		var start [8]byte
		_, err := io.ReadFull(random, start[:])
		s.start = binary.BigEndian.Uint64(start[:])
		return s, err
	default:
		var key [32]byte
		if _, err := io.ReadFull(random, key[:]); err != nil {
			return s, err
		}
		var err error
		s.block, err = aes.NewCipher(key[:])
		return s, err
	}
}

// fill puts another IV into iv and reports whether there was one left.
func (s *ivSource) fill(iv []byte) bool {
	if len(iv) == 0 {
		return true
	}
	n := s.used.Add(1)
	if n > ivLimit {
		s.used.Store(ivLimit)
		return false
	}
	binary.BigEndian.PutUint64(s.next[:], s.start+n-1)
	if s.block != nil {
		clear(s.next[8:])
		s.block.Encrypt(s.next[:], s.next[:])
	}
	copy(iv, s.next[:])
	return true
}
