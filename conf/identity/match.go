package identity

import "strings"

// Equal reports whether two identities are the same: names of the DNS in any
// letters, DNs by the rules of RFC 5280, section 7.1, all else byte by byte.
func (id ID) Equal(other ID) bool {
	return id == other || id.Type == other.Type && id.Canonical() == other.Canonical()
}

// Canonical returns the one of all identities that are Equal to id, so that they can be compared
// by == and be keys of a map. It is for comparing, and not for an ID payload: a peer may go by the letters.
func (id ID) Canonical() ID {
	switch id.Type {
	case TypeFQDN:
		id.Data = lower(id.Data)
	case TypeUserFQDN: // of which only the host may be in other letters
		if at := strings.LastIndexByte(id.Data, '@'); at >= 0 {
			id.Data = id.Data[:at] + lower(id.Data[at:])
		}
	case TypeDN:
		if n, err := parseDER(id.Data); err == nil {
			id.Data = n.canonical()
		}
	}
	return id
}

// lower returns a name of the DNS in small letters, which are those of ASCII: what
// Unicode takes for another form of one, as the long s, makes another name, for which
// there may be another secret.
func lower(name string) string {
	b := []byte(name) // not runes: bytes that are no UTF-8 differ, too
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
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
		return len(id.Data) > len(suffix) && lower(id.Data[len(id.Data)-len(suffix):]) == lower(suffix)
	case TypeDN:
		a, errA := parseDER(id.Data)
		b, errB := parseDER(pattern.Data)
		return errA == nil && errB == nil && a.matches(b)
	}
	return false
}
