package identity

import (
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"slices"
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

// matches compares name by name, in order. A value of pattern that is * stands for any.
func (n name) matches(pattern name) bool {
	if len(n) != len(pattern) {
		return false
	}
	for i := range n {
		if len(n[i]) != len(pattern[i]) {
			return false
		}
		for _, want := range pattern[i] {
			if !slices.ContainsFunc(n[i], func(a attribute) bool { return a.matches(want) }) {
				return false
			}
		}
	}
	return true
}

func (a attribute) matches(pattern attribute) bool {
	if want, ok := text(pattern.Value); ok && want == "*" {
		return a.Type.Equal(pattern.Type)
	}
	return a.canonical() == pattern.canonical()
}

// canonical returns the same for all names that are equal by RFC 5280, section 7.1: those that
// differ in the kind of string, in letters, in blanks, and in the order of what + joins.
func (n name) canonical() string {
	var b strings.Builder
	for _, set := range n {
		var parts []string
		for _, a := range set {
			parts = append(parts, a.canonical())
		}
		slices.Sort(parts)
		fmt.Fprintf(&b, "%d%q", len(parts), parts)
	}
	return b.String()
}

func (a attribute) canonical() string {
	value, ok := text(a.Value)
	if !ok {
		return fmt.Sprintf("%s#%x", a.Type, a.Value.FullBytes)
	}
	return a.Type.String() + "=" + strings.Map(fold, strings.Join(strings.Fields(value), " "))
}

// fold returns the first of the letters that strings.EqualFold takes for the same.
func fold(r rune) rune {
	first := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		first = min(first, next)
	}
	return first
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
