package identity

import (
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// attribute is a type and a value of a distinguished name.
type attribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// attributeSET is a relative distinguished name; package asn1 knows a SET by
// the end of the name.
type attributeSET []attribute

// name is a distinguished name.
type name []attributeSET

// maxParts bounds the relative names of a distinguished name.
const maxParts = 64

// parseDER reads a distinguished name in DER.
func parseDER(der string) (name, error) {
	var n name
	rest, err := asn1.Unmarshal([]byte(der), &n)
	switch {
	case err != nil || len(rest) > 0:
		return nil, errors.New("malformed distinguished name: expected DER of X.501")
	case len(n) > maxParts:
		return nil, fmt.Errorf("malformed distinguished name: expected at most %d parts", maxParts)
	}
	for _, set := range n {
		if len(set) == 0 || len(set) > 8 {
			return nil, errors.New("malformed distinguished name: a part of it is empty or too long")
		}
	}
	return n, nil
}

// attributes are the known types. The first name of each is the one that is
// written.
var attributes = [...]struct {
	oid   string
	names string
	ia5   bool
}{
	{"2.5.4.6", "C countryName", false},
	{"2.5.4.8", "ST stateOrProvinceName", false},
	{"2.5.4.7", "L localityName", false},
	{"2.5.4.9", "street streetAddress", false},
	{"2.5.4.17", "postalCode", false},
	{"2.5.4.10", "O organizationName", false},
	{"2.5.4.11", "OU organizationalUnitName", false},
	{"2.5.4.3", "CN commonName", false},
	{"2.5.4.4", "S surname", false},
	{"2.5.4.5", "SN serialNumber", false},
	{"2.5.4.12", "T title", false},
	{"2.5.4.13", "D description", false},
	{"2.5.4.41", "N name", false},
	{"2.5.4.42", "G GN givenName", false},
	{"2.5.4.43", "I initials", false},
	{"2.5.4.45", "ID x500UniqueIdentifier", false},
	{"2.5.4.46", "dnQualifier", false},
	{"1.2.840.113549.1.9.1", "E Email emailAddress", true},
	{"1.2.840.113549.1.9.2", "UN unstructuredName", false},
	{"0.9.2342.19200300.100.1.25", "DC domainComponent", true},
	{"0.9.2342.19200300.100.1.1", "UID userid", false},
	{"2.16.840.1.113730.3.1.3", "EN employeeNumber", false},
}

// oidOf returns the OID that a name, or the OID in digits, stands for.
func oidOf(text string) (oid asn1.ObjectIdentifier, ia5, ok bool) {
	for _, a := range attributes {
		for n := range strings.FieldsSeq(a.names) {
			if strings.EqualFold(n, text) {
				oid, err := parseOID(a.oid)
				return oid, a.ia5, err == nil
			}
		}
	}
	oid, err := parseOID(strings.TrimPrefix(text, "OID."))
	return oid, false, err == nil
}

func parseOID(text string) (asn1.ObjectIdentifier, error) {
	var oid asn1.ObjectIdentifier
	for part := range strings.SplitSeq(text, ".") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("malformed OID: %w", err)
		}
		oid = append(oid, int(n))
	}
	if len(oid) < 3 || len(oid) > 32 || oid[0] > 2 || oid[0] < 2 && oid[1] > 39 {
		return nil, errors.New("malformed OID")
	}
	return oid, nil
}

// parseDN reads a distinguished name as text and returns its DER.
func parseDN(text string) ([]byte, error) {
	separators := ",;"
	if strings.HasPrefix(text, "/") {
		separators, text = "/", text[1:]
	}
	var n name
	joined := false // to the part before, by +
	for {
		text = strings.TrimLeft(text, " \t")
		a, rest, err := parseAttribute(text, separators)
		if err != nil {
			return nil, err
		}
		if joined {
			n[len(n)-1] = append(n[len(n)-1], a)
		} else {
			n = append(n, attributeSET{a})
		}
		if rest == "" {
			break
		}
		joined, text = rest[0] == '+', rest[1:]
	}
	for _, set := range n { // DER orders a SET
		slices.SortFunc(set, func(a, b attribute) int {
			x, _ := asn1.Marshal(a)
			y, _ := asn1.Marshal(b)
			return slices.Compare(x, y)
		})
	}
	der, err := asn1.Marshal(n)
	if err != nil {
		return nil, errors.New("expected a DN such as C=US, O=Example, CN=x")
	}
	return der, nil
}

// parseAttribute reads one TYPE=VALUE; rest begins with what ended it.
func parseAttribute(text, separators string) (a attribute, rest string, err error) {
	kind, value, ok := strings.Cut(text, "=")
	kind = strings.Trim(kind, " \t")
	oid, ia5, known := oidOf(kind)
	switch {
	case !ok:
		return a, "", errors.New("expected TYPE=VALUE in each part of the DN, as in C=US, O=Example, CN=x")
	case !known:
		return a, "", fmt.Errorf("unknown type %s in the DN: expected one such as C, ST, L, O, OU, CN, E, DC or an OID", shown(kind))
	}
	value = strings.TrimLeft(value, " \t")
	a.Type = oid
	if strings.HasPrefix(value, "#") {
		return rawValue(a, value[1:], separators)
	}
	decoded, rest, err := parseValue(value, separators)
	if err != nil {
		return a, "", err
	}
	a.Value = encode(decoded, ia5)
	return a, rest, nil
}

// rawValue reads a value that is DER in hex digits.
func rawValue(a attribute, text, separators string) (attribute, string, error) {
	end := strings.IndexAny(text, separators+"+")
	if end < 0 {
		end = len(text)
	}
	der, err := hex.DecodeString(strings.TrimRight(text[:end], " \t"))
	if err == nil {
		var tail []byte
		if tail, err = asn1.Unmarshal(der, &a.Value); err == nil && len(tail) > 0 {
			err = errors.New("trailing bytes")
		}
	}
	if err != nil {
		return a, "", errors.New("expected DER in hex digits after # in the DN")
	}
	return a, text[end:], nil
}

// parseValue reads a value with the escapes of RFC 4514 or in quotes.
func parseValue(text, separators string) (value, rest string, err error) {
	var b strings.Builder
	quoted := strings.HasPrefix(text, `"`)
	i, solid := 0, 0 // solid: the length without blanks at the end
	if quoted {
		i = 1
	}
	for ; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			if pair, err := hex.DecodeString(text[i+1 : min(i+3, len(text))]); err == nil && len(pair) == 1 {
				b.Write(pair)
				i += 2
			} else {
				b.WriteByte(text[i+1])
				i++
			}
			solid = b.Len()
			continue
		case quoted && c == '"':
			rest = strings.TrimLeft(text[i+1:], " \t")
			if rest != "" && !strings.ContainsRune(separators+"+", rune(rest[0])) {
				return "", "", errors.New("expected a comma after a closing quote in the DN")
			}
			return b.String(), rest, nil
		case !quoted && strings.IndexByte(separators, c) >= 0, !quoted && c == '+' && separators != "/" && looksJoined(text[i+1:]):
			return b.String()[:solid], text[i:], nil
		}
		b.WriteByte(c)
		if c != ' ' && c != '\t' {
			solid = b.Len()
		}
	}
	if quoted {
		return "", "", errors.New("expected a closing quote in the DN")
	}
	return b.String()[:solid], "", nil
}

// looksJoined reports whether TYPE= follows a +.
func looksJoined(text string) bool {
	kind, _, ok := strings.Cut(text, "=")
	_, _, known := oidOf(strings.Trim(kind, " \t"))
	return ok && known
}

// encode returns a value as the string type that certificates have it in.
func encode(text string, ia5 bool) asn1.RawValue {
	tag := asn1.TagPrintableString
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= utf8.RuneSelf:
			tag = asn1.TagUTF8String
		case tag != asn1.TagUTF8String && !isPrintable(c):
			tag = asn1.TagUTF8String
		}
	}
	if ia5 && strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		tag = asn1.TagIA5String
	}
	return asn1.RawValue{Tag: tag, Bytes: []byte(text)}
}

// isPrintable reports whether a PrintableString can hold c.
func isPrintable(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte(" '()+,-./:=?", c) >= 0
}

// Below reports whether a distinguished name in DER is base, or one that begins with it: base is
// a node of the directory, and the name is there or beneath (RFC 5280, section 4.2.1.10).
func Below(der, base []byte) bool {
	n, err := parseDER(string(der))
	b, errBase := parseDER(string(base))
	return err == nil && errBase == nil && len(n) >= len(b) && n[:len(b)].canonical() == b.canonical()
}
