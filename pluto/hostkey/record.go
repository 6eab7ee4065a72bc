package hostkey

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ipsec/conf"
	"ipsec/conf/identity"
	"ipsec/conf/rawkey"
)

// Line returns the lines of a conn that give one side the key.
func Line(key crypto.PublicKey, side conf.Side) (string, error) {
	text, err := rawkey.Format(key)
	if err != nil {
		return "", err
	}
	keyword, kind := rawkey.Keyword(key)
	return fmt.Sprintf("\t# %s key %s\n\t%s%s=%s\n", kind, rawkey.ID(key), side, keyword, text), nil
}

// TXT returns the record of the DNS by which opportunistic encryption (RFC 4322)
// finds the key, and the gateway, which is an address or a name.
func TXT(key crypto.PublicKey, gateway identity.ID) (string, error) {
	public, body, err := rsaOf(key)
	if err != nil {
		return "", err
	}
	record := fmt.Sprintf("X-IPsec-Server(10)=%s %s", gateway, body)
	var parts []string
	for part := range slices.Chunk([]byte(record), 250) { // a string of a TXT record has at most 255 bytes
		parts = append(parts, strconv.Quote(string(part)))
	}
	return fmt.Sprintf("\t; RSA %d bits   %s\n\tIN\tTXT\t%s\n", public.N.BitLen(), rawkey.ID(key), strings.Join(parts, " ")), nil
}

// IPSECKEY returns the record of RFC 4025: precedence 10, the type of the gateway,
// RSA, the gateway and the key. An invalid gateway stands for none.
func IPSECKEY(key crypto.PublicKey, gateway netip.Addr) (string, error) {
	_, body, err := rsaOf(key)
	if err != nil {
		return "", err
	}
	kind, name := 0, "."
	switch {
	case gateway.Is4():
		kind, name = 1, gateway.String()
	case gateway.IsValid():
		kind, name = 2, gateway.String()
	}
	return fmt.Sprintf("\tIN\tIPSECKEY\t10 %d 2 %s %s\n", kind, name, body), nil
}

// rsaOf returns the RSA key that a record of the DNS has to have, and its text
// there (RFC 3110).
func rsaOf(key crypto.PublicKey) (public *rsa.PublicKey, body string, err error) {
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		_, kind := rawkey.Keyword(key)
		return nil, "", fmt.Errorf("the key is one of %s: expected RSA for a record of the DNS", kind)
	}
	return public, base64.StdEncoding.EncodeToString(rawkey.EncodeRSA(public)), nil
}
