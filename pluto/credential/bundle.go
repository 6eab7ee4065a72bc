package credential

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// maxBundle bounds the certificates or CRLs of one file.
const maxBundle = 1024

// ParseCertBundle reads the certificates of a file: PEM, one after the other with whatever
// else between them, or DER. It returns at least one, or an error.
func ParseCertBundle(data []byte) ([]*x509.Certificate, error) {
	ders, err := blocks(data, "CERTIFICATE", "X509 CERTIFICATE")
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for _, der := range ders {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("malformed certificate (number %d): %w", len(certs)+1, err)
		}
		certs = append(certs, cert)
	}
	return certs, nil
}

// blocks returns the contents of the PEM blocks of some types, or all of data if it
// is not PEM.
func blocks(data []byte, types ...string) ([][]byte, error) {
	if !isPEM(data) {
		if len(data) == 0 {
			return nil, fmt.Errorf("the file is empty")
		}
		return [][]byte{data}, nil
	}
	var found [][]byte
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		for _, t := range types {
			if block.Type == t {
				found = append(found, block.Bytes)
			}
		}
		if len(found) > maxBundle {
			return nil, fmt.Errorf("more than %d blocks %q", maxBundle, types[0])
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no PEM block %q", types[0])
	}
	return found, nil
}

func isPEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN ")) }
