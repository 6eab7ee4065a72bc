package credential

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// maxIterations bounds the work that a key file may ask for.
const maxIterations = 10_000_000

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}

	pbkdf2Hashes = map[string]func() hash.Hash{
		"1.2.840.113549.2.7":  sha1.New,
		"1.2.840.113549.2.8":  sha256.New224,
		"1.2.840.113549.2.9":  sha256.New,
		"1.2.840.113549.2.10": sha512.New384,
		"1.2.840.113549.2.11": sha512.New,
	}
	pbes2Ciphers = map[string]struct {
		keyLen int
		block  func([]byte) (cipher.Block, error)
	}{
		"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher},
		"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
		"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
		"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher},
	}
)

// encryptedKeyInfo is EncryptedPrivateKeyInfo (RFC 5958 §3).
type encryptedKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// pbes2Parameters are PBES2-params (RFC 8018 §A.4).
type pbes2Parameters struct{ KDF, Cipher pkix.AlgorithmIdentifier }

// pbkdf2Parameters are PBKDF2-params with a salt of their own (RFC 8018 §A.2).
type pbkdf2Parameters struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// isPBES2 reports whether der is a private key under a passphrase.
func isPBES2(der []byte) bool {
	var info encryptedKeyInfo
	rest, err := asn1.Unmarshal(der, &info)
	return err == nil && len(rest) == 0
}

// decryptPBES2 returns the PrivateKeyInfo inside (RFC 8018 §6.2.2). A passphrase that does not
// fit gives an error, or now and then bytes that are no key.
func decryptPBES2(der, passphrase []byte) ([]byte, error) {
	var info encryptedKeyInfo
	var params pbes2Parameters
	var kdf pbkdf2Parameters
	var iv []byte
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, errors.New("malformed PKCS#8")
	}
	if !info.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("it is encrypted by a scheme that we do not know (%s), not PBES2", info.Algorithm.Algorithm)
	}
	if err := unmarshal(info.Algorithm, &params); err != nil {
		return nil, err
	}
	if !params.KDF.Algorithm.Equal(oidPBKDF2) {
		return nil, fmt.Errorf("its key is derived in a way that we do not know (%s), not PBKDF2", params.KDF.Algorithm)
	}
	if err := unmarshal(params.KDF, &kdf); err != nil {
		return nil, err
	}
	newHash := sha1.New
	if len(kdf.PRF.Algorithm) > 0 {
		newHash = pbkdf2Hashes[kdf.PRF.Algorithm.String()]
	}
	c, ok := pbes2Ciphers[params.Cipher.Algorithm.String()]
	if !ok || newHash == nil {
		return nil, fmt.Errorf("it is encrypted with %s by %s, which we do not know", params.Cipher.Algorithm, kdf.PRF.Algorithm)
	}
	if err := unmarshal(params.Cipher, &iv); err != nil {
		return nil, err
	}
	if kdf.Iterations < 1 || kdf.Iterations > maxIterations {
		return nil, fmt.Errorf("its key takes %d iterations, at most %d are done", kdf.Iterations, maxIterations)
	}
	key, err := pbkdf2.Key(newHash, string(passphrase), kdf.Salt, kdf.Iterations, c.keyLen)
	if err != nil {
		return nil, err
	}
	block, err := c.block(key)
	if err != nil {
		return nil, err
	}
	if len(iv) != block.BlockSize() || len(info.Data) == 0 || len(info.Data)%block.BlockSize() != 0 {
		return nil, errors.New("malformed PKCS#8: its length fits no block")
	}
	plain := make([]byte, len(info.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, info.Data)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > block.BlockSize() {
		return nil, errors.New("the passphrase does not fit")
	}
	return plain[:len(plain)-pad], nil
}

func unmarshal(id pkix.AlgorithmIdentifier, into any) error {
	if rest, err := asn1.Unmarshal(id.Parameters.FullBytes, into); err != nil || len(rest) > 0 {
		return fmt.Errorf("malformed parameters of %s", id.Algorithm)
	}
	return nil
}
