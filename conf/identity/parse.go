package identity

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// errPrefix is what Parse says of a value that does not fit the type before it.
var errPrefix = errors.New("the value does not fit the type before it")

// Parse reads an identity as ipsec.conf and ipsec.secrets have it:
//
//	192.0.2.1, 2001:db8::1     an address
//	@name, name                an FQDN
//	user@name, @@user@name     a user at an FQDN
//	@#hex, @[text]             a key id of any bytes
//	C=US, O=Example, CN=x      a DN, its parts in the order of the certificate
//	/C=US/O=Example/CN=x       the same
//	@~hex                      a DN in DER
//	%any, %fromcert, %myid, %null, and %none for the zero ID
//	TYPE:VALUE, TYPE:#HEX      where TYPE is ipv4, ipv6, fqdn, dns, email, rfc822,
//	                           userfqdn, keyid, asn1dn or asn1gn
func Parse(text string) (ID, error) {
	id, err := parse(text)
	if err != nil {
		return ID{}, fmt.Errorf("malformed identity %s: %w", shown(text), err)
	}
	return id, nil
}

var errEmpty = errors.New("expected an address, @NAME, USER@NAME or a DN such as C=US, O=Example, CN=x")

func parse(text string) (ID, error) {
	text = strings.Trim(text, " \t")
	switch {
	case text == "":
		return ID{}, errEmpty
	case len(text) > 4*maxDN:
		return ID{}, fmt.Errorf("expected at most %d bytes", 4*maxDN)
	case text[0] == '%':
		return parseWord(text)
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		if a.IsUnspecified() {
			return Any(), nil
		}
		return FromAddr(a), nil
	}
	if kind, value, ok := cutType(text); ok {
		return parseTyped(kind, value)
	}
	if rest, ok := strings.CutPrefix(text, "@"); ok {
		return parseAt(rest)
	}
	if strings.Contains(text, "=") {
		der, err := parseDN(text)
		if err != nil {
			return ID{}, err
		}
		return FromDN(der)
	}
	if strings.Contains(text, "@") {
		return fromText(TypeUserFQDN, text)
	}
	return fromText(TypeFQDN, text)
}

// parseWord reads what begins with %.
func parseWord(text string) (ID, error) {
	switch strings.ToLower(text) {
	case "%any", "%any4", "%any6":
		return Any(), nil
	case "%fromcert":
		return FromCert(), nil
	case "%myid":
		return MyID(), nil
	case "%null":
		return ID{Type: TypeNull}, nil
	case "%none":
		return ID{}, nil
	}
	return ID{}, errors.New("expected %any, %fromcert, %myid, %null or %none")
}

// parseAt reads what stands after @.
func parseAt(rest string) (ID, error) {
	switch {
	case rest == "":
		return ID{}, errors.New("expected a name after @")
	case rest[0] == '#':
		return fromHex(TypeKeyID, rest[1:])
	case rest[0] == '~':
		return fromHex(TypeDN, rest[1:])
	case rest[0] == '@':
		return fromText(TypeUserFQDN, rest[1:])
	case rest[0] == '[':
		return fromText(TypeKeyID, strings.TrimSuffix(rest[1:], "]"))
	}
	return fromText(TypeFQDN, rest)
}

// prefixes are the types that may be written before a colon. The first of
// each is its normal spelling.
var prefixes = [...]struct {
	name string
	kind Type
}{
	{"fqdn:", TypeFQDN}, {"dns:", TypeFQDN}, {"email:", TypeUserFQDN}, {"rfc822:", TypeUserFQDN}, {"userfqdn:", TypeUserFQDN},
	{"keyid:", TypeKeyID}, {"asn1dn:", TypeDN}, {"asn1gn:", TypeGN}, {"ipv4:", TypeIPv4}, {"ipv6:", TypeIPv6},
}

// cutType takes a type off that is written before the value.
func cutType(text string) (Type, string, bool) {
	for _, p := range prefixes {
		if len(text) > len(p.name) && strings.EqualFold(text[:len(p.name)], p.name) {
			return p.kind, text[len(p.name):], true
		}
	}
	return 0, "", false
}

func parseTyped(kind Type, value string) (ID, error) {
	if digits, ok := strings.CutPrefix(value, "#"); ok {
		return fromHex(kind, digits)
	}
	switch kind {
	case TypeIPv4, TypeIPv6:
		a, err := netip.ParseAddr(value)
		if id := FromAddr(a); err == nil && id.Type == kind {
			return id, nil
		}
		return ID{}, errPrefix
	case TypeDN:
		der, err := parseDN(value)
		if err != nil {
			return ID{}, err
		}
		return FromDN(der)
	case TypeGN:
		return ID{}, errors.New("expected asn1gn:# and hex digits")
	}
	return fromText(kind, value)
}

func fromHex(kind Type, digits string) (ID, error) {
	data, err := hex.DecodeString(digits)
	if err != nil || len(data) == 0 {
		return ID{}, errors.New("expected an even number of hex digits after #")
	}
	return FromPayload(uint8(kind), data)
}

func fromText(kind Type, text string) (ID, error) { return FromPayload(uint8(kind), []byte(text)) }

// shown returns text as an error shows it.
func shown(text string) string {
	if len(text) > 80 {
		text = strings.ToValidUTF8(text[:77], "") + "…"
	}
	return fmt.Sprintf("%q", text)
}
