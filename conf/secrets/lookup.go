package secrets

import (
	"net/netip"
	"strings"

	"ipsec/conf/identity"
)

// Party is one of the two that a secret is between: its identity, and its
// address, by which entries of ipsec.secrets may name it as well. Either may
// be zero when it is not known.
type Party struct {
	ID   identity.ID
	Addr netip.Addr
}

// Lookup returns the entry of that kind that fits us and them best, or nil.
//
// An index names a party when it is its identity, or its address, or a pattern
// such as *.example.com that its identity matches. From best to worst:
//
//  1. some index names us, and some index names them
//  2. one names us, and another is %any
//  3. one names us, and it is the only index
//  4. one names them, and another is %any or there is no other
//  5. no index names either, and one is %any
//  6. there is no index
//
// Another entry does not fit. Within 1 to 4, one that names both by their
// identities fits better than one that names a party by its address or a
// pattern.
//
// Of entries that fit alike the first is taken. When a later one of these has
// another secret, clash is that one, which deserves a complaint.
func (s *Secrets) Lookup(kind Kind, us, them Party) (found, clash *Entry) {
	best := 0
	for _, i := range s.index.candidates(us, them) {
		e := s.Entries[i]
		if e.Kind != kind {
			continue
		}
		switch fit := e.fit(us, them); {
		case fit == 0 || fit < best:
		case fit > best:
			best, found, clash = fit, e, nil
		case clash == nil && !e.sameSecret(found):
			clash = e
		}
	}
	return found, clash
}

// fit says how well an entry fits; 0 for not at all.
func (e *Entry) fit(us, them Party) int {
	wild := false
	usNamed, themNamed := 0, 0
	for _, id := range e.IDs {
		wild = wild || id.Type == identity.TypeAny
		usNamed = max(usNamed, us.namedBy(id))
		themNamed = max(themNamed, them.namedBy(id))
	}
	const step = 8
	quality := usNamed + themNamed
	switch single := len(e.IDs) == 1; {
	case usNamed > 0 && themNamed > 0:
		return 6*step + quality
	case usNamed > 0 && wild:
		return 5*step + quality
	case usNamed > 0 && single:
		return 4*step + quality
	case themNamed > 0 && (wild || single):
		return 3*step + quality
	case usNamed == 0 && themNamed == 0 && wild:
		return 2 * step
	case len(e.IDs) == 0:
		return step
	}
	return 0
}

// namedBy says how well an index names a party: 2 by its identity, 1 by its
// address or by a pattern, 0 not at all. That %any is everybody's name does
// not count.
func (p Party) namedBy(id identity.ID) int {
	switch {
	case id.Type == identity.TypeAny || id.IsZero():
		return 0
	case !p.ID.IsZero() && p.ID.Equal(id):
		return 2
	case p.Addr.IsValid() && id == identity.FromAddr(p.Addr), p.ID.Matches(id):
		return 1
	}
	return 0
}

// index finds entries without going through all of them. Entries are by their
// place in Secrets.Entries.
type index struct {
	all  map[string][]int // by each identity that is no pattern
	open map[string][]int // likewise, of those that one name is enough for
	rest []int            // those with a pattern or without an index
}

func newIndex(entries []*Entry) index {
	x := index{all: make(map[string][]int), open: make(map[string][]int)}
	for i, e := range entries {
		general := len(e.IDs) == 0
		for _, id := range e.IDs {
			general = general || id.IsPattern()
		}
		if general {
			x.rest = append(x.rest, i)
			continue
		}
		for _, id := range e.IDs {
			x.all[bucket(id)] = append(x.all[bucket(id)], i)
			if len(e.IDs) == 1 {
				x.open[bucket(id)] = append(x.open[bucket(id)], i)
			}
		}
	}
	return x
}

// bucket returns the same for identities that are equal.
func bucket(id identity.ID) string {
	switch id.Type {
	case identity.TypeDN:
		return "dn"
	case identity.TypeFQDN, identity.TypeUserFQDN:
		return string(rune(id.Type)) + strings.ToLower(id.Data)
	}
	return string(rune(id.Type)) + id.Data
}

// candidates returns in order the entries that may fit.
func (x *index) candidates(us, them Party) []int {
	lists := [][]int{x.rest}
	for _, id := range []identity.ID{them.ID, identity.FromAddr(them.Addr)} {
		lists = append(lists, x.all[bucket(id)])
	}
	for _, id := range []identity.ID{us.ID, identity.FromAddr(us.Addr)} {
		lists = append(lists, x.open[bucket(id)])
	}
	return merge(lists)
}

// merge returns the numbers of sorted lists in order, each once.
func merge(lists [][]int) []int {
	var out []int
	for {
		least := -1
		for _, l := range lists {
			if len(l) > 0 && (least < 0 || l[0] < least) {
				least = l[0]
			}
		}
		if least < 0 {
			return out
		}
		out = append(out, least)
		for i, l := range lists {
			for len(l) > 0 && l[0] == least {
				l = l[1:]
			}
			lists[i] = l
		}
	}
}
