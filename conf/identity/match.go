package identity

import "strings"

// Equal reports whether two identities are the same: names of the DNS in any
// letters, DNs by the rules of RFC 5280, section 7.1, all else byte by byte.
func (id ID) Equal(other ID) bool {
	if id == other {
		return true
	}
	if id.Type != other.Type {
		return false
	}
	switch id.Type {
	case TypeFQDN:
		return sameLetters(id.Data, other.Data)
	case TypeUserFQDN:
		return equalUser(id.Data, other.Data)
	case TypeDN:
		a, errA := parseDER(id.Data)
		b, errB := parseDER(other.Data)
		return errA == nil && errB == nil && a.matches(b, false) && b.matches(a, false)
	}
	return false
}

// sameLetters compares names of the DNS, whose letters are those of ASCII: what
// Unicode takes for another form of one, as the long s, makes another name, for which
// there may be another secret.
func sameLetters(a, b string) bool {
	lower := func(c byte) byte {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// equalUser compares users, of whom only the host may be in other letters.
func equalUser(a, b string) bool {
	i, j := strings.LastIndexByte(a, '@'), strings.LastIndexByte(b, '@')
	return i >= 0 && j >= 0 && a[:i] == b[:j] && sameLetters(a[i:], b[j:])
}

// IsPattern reports whether an identity stands for more than one: %any, *.name,
// *@name, or a DN with a value that is *.
func (id ID) IsPattern() bool {
	switch id.Type {
	case TypeAny:
		return true
	case TypeFQDN:
		return id.Data == "*" || strings.HasPrefix(id.Data, "*.")
	case TypeUserFQDN:
		return strings.HasPrefix(id.Data, "*@")
	case TypeDN:
		name, err := parseDER(id.Data)
		return err == nil && name.hasWildcard()
	}
	return false
}

// Matches reports whether an identity is one of those that pattern, from a
// configuration, stands for. Only pattern may have wildcards; of a DN, a *
// stands for any one value of its attribute, and the attributes and their
// order must be the same. The zero ID matches nothing but itself and %any.
func (id ID) Matches(pattern ID) bool {
	if pattern.Type == TypeAny {
		return true
	}
	if id.Equal(pattern) {
		return true
	}
	if id.Type != pattern.Type || !pattern.IsPattern() {
		return false
	}
	switch id.Type {
	case TypeFQDN, TypeUserFQDN:
		suffix := pattern.Data[1:]
		return len(id.Data) > len(suffix) && sameLetters(id.Data[len(id.Data)-len(suffix):], suffix)
	case TypeDN:
		a, errA := parseDER(id.Data)
		b, errB := parseDER(pattern.Data)
		return errA == nil && errB == nil && a.matches(b, true)
	}
	return false
}
