package message

import (
	"encoding/binary"
	"fmt"
)

// KE is a public value of the key exchange (RFC 7296, section 3.4).
type KE struct {
	Group uint16
	Data  []byte
}

// Nonce is fresh randomness, of 16 to 256 bytes (section 3.9).
type Nonce struct{ Data []byte }

// ID is who an end says it is (section 3.5). Its type and data are what
// conf/identity speaks of.
type ID struct {
	Initiator bool // IDi, else IDr
	IDType    uint8
	Data      []byte
}

// Cert is a certificate, or something in its place (section 3.6).
type Cert struct {
	Encoding CertEncoding
	Data     []byte
}

// CertReq asks for a certificate. For CertX509 its data is a list of SHA-1
// hashes, of 20 bytes each, of the public keys of trusted CAs (section 3.7).
type CertReq struct {
	Encoding CertEncoding
	Data     []byte
}

// Auth proves an identity (section 3.8).
type Auth struct {
	Method AuthMethod
	Data   []byte
}

// VendorID names an implementation (section 3.12).
type VendorID struct{ Data []byte }

// EAP is a message of RFC 3748, carried as it is (section 3.16).
type EAP struct{ Data []byte }

// CertEncoding says what a CERT holds or a CERTREQ asks for.
type CertEncoding uint8

const (
	CertPKCS7     CertEncoding = 1
	CertX509      CertEncoding = 4 // a certificate in DER, for signatures
	CertCRL       CertEncoding = 7
	CertHashURL   CertEncoding = 12 // SHA-1 of a certificate and where it is
	CertRawPublic CertEncoding = 15 // SubjectPublicKeyInfo (RFC 7670)
)

// AuthMethod says how an AUTH payload proves an identity.
type AuthMethod uint8

const (
	AuthRSA       AuthMethod = 1 // PKCS#1 1.5 with SHA-1
	AuthSharedKey AuthMethod = 2
	AuthDSS       AuthMethod = 3
	AuthECDSA256  AuthMethod = 9 // with SHA-256; this and the next two are RFC 4754
	AuthECDSA384  AuthMethod = 10
	AuthECDSA521  AuthMethod = 11
	AuthNull      AuthMethod = 13 // RFC 7619
	AuthSignature AuthMethod = 14 // the data names the algorithm (RFC 7427)
)

func (m AuthMethod) String() string {
	switch m {
	case AuthRSA:
		return "RSA signature"
	case AuthSharedKey:
		return "shared key"
	case AuthDSS:
		return "DSS signature"
	case AuthECDSA256:
		return "ECDSA-256 signature"
	case AuthECDSA384:
		return "ECDSA-384 signature"
	case AuthECDSA521:
		return "ECDSA-521 signature"
	case AuthNull:
		return "NULL"
	case AuthSignature:
		return "digital signature"
	}
	return fmt.Sprintf("method %d", uint8(m))
}

func (*KE) Type() PayloadType       { return TypeKE }
func (*Nonce) Type() PayloadType    { return TypeNonce }
func (*Cert) Type() PayloadType     { return TypeCert }
func (*CertReq) Type() PayloadType  { return TypeCertReq }
func (*Auth) Type() PayloadType     { return TypeAuth }
func (*VendorID) Type() PayloadType { return TypeVendorID }
func (*EAP) Type() PayloadType      { return TypeEAP }

func (p *ID) Type() PayloadType {
	if p.Initiator {
		return TypeIDi
	}
	return TypeIDr
}

// fixed cuts the fixed fields off a body.
func fixed(t PayloadType, b []byte, n int) (fields, rest []byte, err error) {
	if len(b) < n {
		return nil, nil, malformed(t.String(), "%d bytes, its fixed fields have %d", len(b), n)
	}
	return b[:n], data(b[n:]), nil
}

func parseKE(b []byte) (*KE, error) {
	f, rest, err := fixed(TypeKE, b, 4)
	if err != nil {
		return nil, err
	}
	return &KE{binary.BigEndian.Uint16(f), rest}, nil
}

func parseNonce(b []byte) (*Nonce, error) {
	if len(b) < 16 || len(b) > 256 {
		return nil, malformed("Nonce", "%d bytes, expected 16 to 256", len(b))
	}
	return &Nonce{b}, nil
}

func parseID(t PayloadType, b []byte) (*ID, error) {
	f, rest, err := fixed(t, b, 4)
	if err != nil {
		return nil, err
	}
	return &ID{t == TypeIDi, f[0], rest}, nil
}

func parseCert(b []byte) (*Cert, error) {
	f, rest, err := fixed(TypeCert, b, 1)
	if err != nil {
		return nil, err
	}
	return &Cert{CertEncoding(f[0]), rest}, nil
}

func parseCertReq(b []byte) (*CertReq, error) {
	f, rest, err := fixed(TypeCertReq, b, 1)
	if err != nil {
		return nil, err
	}
	return &CertReq{CertEncoding(f[0]), rest}, nil
}

func parseAuth(b []byte) (*Auth, error) {
	f, rest, err := fixed(TypeAuth, b, 4)
	if err != nil {
		return nil, err
	}
	return &Auth{AuthMethod(f[0]), rest}, nil
}

func parseEAP(b []byte) (*EAP, error) {
	if len(b) < 4 || int(binary.BigEndian.Uint16(b[2:])) != len(b) {
		return nil, malformed("EAP", "its length does not agree with the %d bytes that it has", len(b))
	}
	return &EAP{b}, nil
}

func (p *KE) appendBody(dst []byte) ([]byte, error) {
	dst = binary.BigEndian.AppendUint16(dst, p.Group)
	return append(append(dst, 0, 0), p.Data...), nil
}

func (p *Nonce) appendBody(dst []byte) ([]byte, error) {
	if n := len(p.Data); n < 16 || n > 256 {
		return nil, fmt.Errorf("%d bytes, expected 16 to 256", n)
	}
	return append(dst, p.Data...), nil
}

// appendBody appends what RFC 7296, section 2.15, calls RestOfInitIDPayload or
// RestOfRespIDPayload, too.
func (p *ID) appendBody(dst []byte) ([]byte, error) {
	return append(append(dst, p.IDType, 0, 0, 0), p.Data...), nil
}

// Body is the payload without its generic header: what the AUTH payload signs
// (RFC 7296, section 2.15).
func (p *ID) Body() []byte {
	body, _ := p.appendBody(nil)
	return body
}

func (p *Cert) appendBody(dst []byte) ([]byte, error) {
	return append(append(dst, byte(p.Encoding)), p.Data...), nil
}

func (p *CertReq) appendBody(dst []byte) ([]byte, error) {
	return append(append(dst, byte(p.Encoding)), p.Data...), nil
}

func (p *Auth) appendBody(dst []byte) ([]byte, error) {
	return append(append(dst, byte(p.Method), 0, 0, 0), p.Data...), nil
}

func (p *VendorID) appendBody(dst []byte) ([]byte, error) { return append(dst, p.Data...), nil }

func (p *EAP) appendBody(dst []byte) ([]byte, error) { return append(dst, p.Data...), nil }
