package credential

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// errEncrypted says that a key needs a passphrase.
var errEncrypted = errors.New("it is encrypted, and no passphrase is known for it")

// ParsePrivateKey reads a private key, PEM or DER: PKCS#1, SEC 1 or PKCS#8. The
// passphrase is for encrypted ones (PEM of PKCS#1 and SEC 1 with DEK-Info, PKCS#8 with PBES2);
// empty, there is none. Errors hold nothing of the key.
func ParsePrivateKey(data, passphrase []byte) (crypto.Signer, error) {
	if !isPEM(data) {
		return parseKeyDER(data, passphrase)
	}
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, errors.New("no PEM block with a private key")
		}
		data = rest
		switch block.Type {
		case "RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
			der, err := decryptPEM(block, passphrase)
			if err != nil {
				return nil, err
			}
			return parseKeyDER(der, passphrase)
		}
	}
}

// decryptPEM undoes the encryption of RFC 1421 that OpenSSL's traditional format has.
func decryptPEM(block *pem.Block, passphrase []byte) ([]byte, error) {
	//lint:ignore SA1019 keys on disk have this encryption, weak or not
	if !x509.IsEncryptedPEMBlock(block) {
		return block.Bytes, nil
	}
	if len(passphrase) == 0 {
		return nil, errEncrypted
	}
	//lint:ignore SA1019 as above
	der, err := x509.DecryptPEMBlock(block, passphrase)
	if errors.Is(err, x509.IncorrectPasswordError) {
		return nil, errors.New("the passphrase does not fit")
	}
	return der, err
}

func parseKeyDER(der, passphrase []byte) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return usable(key)
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return usable(key)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil && isPBES2(der) {
		if len(passphrase) == 0 {
			return nil, errEncrypted
		}
		plain, decryptErr := decryptPBES2(der, passphrase)
		if decryptErr != nil {
			return nil, decryptErr
		}
		if key, err = x509.ParsePKCS8PrivateKey(plain); err != nil {
			return nil, errors.New("the passphrase does not fit")
		}
	}
	if err != nil {
		return nil, errors.New("no private key in PKCS#1, SEC 1 or PKCS#8 that we can read")
	}
	return usable(key)
}

// usable checks that a key is one that we sign with.
func usable(key any) (crypto.Signer, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("it holds a key of kind %T, which cannot sign", key)
	}
	if err := CheckKey(signer.Public()); err != nil {
		return nil, fmt.Errorf("it holds %w", err)
	}
	return signer, nil
}
