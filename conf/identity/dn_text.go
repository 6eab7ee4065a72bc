package identity

import (
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// String returns the name as C=US, O=Example, CN=x, printable and with the
// escapes of RFC 4514.
func (n name) String() string {
	var b strings.Builder
	for i, set := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		for j, a := range set {
			if j > 0 {
				b.WriteByte('+')
			}
			b.WriteString(typeText(a.Type))
			b.WriteByte('=')
			b.WriteString(valueText(a.Value))
		}
	}
	return b.String()
}

func typeText(oid asn1.ObjectIdentifier) string {
	text := oid.String()
	for _, a := range attributes {
		if a.oid == text {
			first, _, _ := strings.Cut(a.names, " ")
			return first
		}
	}
	return text
}

// text returns the text of a value; false when it is of no type that holds
// text as ASCII or UTF-8.
func text(v asn1.RawValue) (string, bool) {
	if v.Class != asn1.ClassUniversal || v.IsCompound {
		return "", false
	}
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagNumericString:
		return string(v.Bytes), utf8.Valid(v.Bytes)
	case asn1.TagT61String:
		for _, c := range v.Bytes {
			if c >= utf8.RuneSelf {
				return "", false
			}
		}
		return string(v.Bytes), true
	}
	return "", false
}

// valueText returns a value with its escapes, or # and its DER in hex digits.
func valueText(v asn1.RawValue) string {
	s, ok := text(v)
	if !ok {
		der, err := asn1.Marshal(v)
		if err != nil {
			return "#"
		}
		return "#" + hex.EncodeToString(der)
	}
	var b strings.Builder
	for i, r := range s {
		last := i+utf8.RuneLen(r) == len(s)
		switch {
		case r == ' ' && (i == 0 || last), r == '#' && i == 0, strings.ContainsRune(`,+"\<>;=`, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case !unicode.IsPrint(r):
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(&b, `\%02x`, c)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// matches compares name by name, in order. With wildcards, a value of pattern
// that is * stands for any.
func (n name) matches(pattern name, wildcards bool) bool {
	if len(n) != len(pattern) {
		return false
	}
	for i := range n {
		if len(n[i]) != len(pattern[i]) {
			return false
		}
		for _, want := range pattern[i] {
			found := false
			for _, a := range n[i] {
				found = found || a.matches(want, wildcards)
			}
			if !found {
				return false
			}
		}
	}
	return true
}

func (a attribute) matches(pattern attribute, wildcards bool) bool {
	if !a.Type.Equal(pattern.Type) {
		return false
	}
	want, isText := text(pattern.Value)
	if wildcards && isText && want == "*" {
		return true
	}
	got, ok := text(a.Value)
	if ok && isText {
		return strings.EqualFold(strings.Join(strings.Fields(got), " "), strings.Join(strings.Fields(want), " "))
	}
	return ok == isText && string(a.Value.FullBytes) == string(pattern.Value.FullBytes)
}

// hasWildcard reports whether a value is *.
func (n name) hasWildcard() bool {
	for _, set := range n {
		for _, a := range set {
			if s, ok := text(a.Value); ok && s == "*" {
				return true
			}
		}
	}
	return false
}
