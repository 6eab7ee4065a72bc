package sadb

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/chain"
	"ipsec/klips/said"
)

// LarvalTime is how long an SPI that GetSPI reserved waits for its keys.
const LarvalTime = 60 * time.Second

// A DB holds SAs. It has no lock: lookups may run together, and nothing else
// beside a change. Its methods implement those of klips.Table of the same
// names, at the time given.
type DB struct {
	sas map[said.SAID]*SA
	due time.Time // when an SA comes to a lifetime by time, at the earliest; zero for never

	changes uint64
}

// New returns an empty DB.
func New() *DB { return &DB{sas: map[said.SAID]*SA{}} }

// Changes counts the SAs that were put in, taken out, or changed.
func (db *DB) Changes() uint64 { return db.changes }

// Lookup returns the SA of that SAID, or nil.
func (db *DB) Lookup(id said.SAID) *SA { return db.sas[id] }

// Get returns the SA of that SAID; ENOENT where there is none.
func (db *DB) Get(id said.SAID) (*SA, error) {
	if sa := db.sas[id]; sa != nil {
		return sa, nil
	}
	return nil, fmt.Errorf("there is no SA %s: %w", id, syscall.ENOENT)
}

// Add puts an SA in; EEXIST where there is one of its SAID, EINVAL where what
// it says makes none.
func (db *DB) Add(c klips.SA, now time.Time) error {
	if db.sas[c.ID] != nil {
		return fmt.Errorf("there is an SA %s: %w", c.ID, syscall.EEXIST)
	}
	sa, err := newSA(c, now)
	if err != nil {
		return err
	}
	db.put(sa)
	return nil
}

// put adds an SA that has just been made.
func (db *DB) put(sa *SA) {
	db.sas[sa.Config.ID] = sa
	db.changes++
	db.DueAt(sa.Due(sa.usage.added))
}

// DueAt has Due say so at that time, if not before; the zero time is never.
func (db *DB) DueAt(t time.Time) { db.due = Earlier(db.due, t) }

// Due reports whether time may have brought an SA to a lifetime, so that each is to be
// asked by Check. It says so once; then DueAt is to tell it what they say next.
func (db *DB) Due(now time.Time) bool {
	if db.due.IsZero() || now.Before(db.due) {
		return false
	}
	db.due = time.Time{}
	return true
}

// Update makes a larval SA a whole one, and of any other replaces lifetimes and
// encapsulation. A soft lifetime is told of again when it is reached again.
func (db *DB) Update(c klips.SA, now time.Time) error {
	sa, err := db.Get(c.ID)
	if err != nil {
		return err
	}
	if sa.Larval {
		whole, err := newSA(c, now)
		if err != nil {
			return err
		}
		db.put(whole)
		return nil
	}
	if c.Encap.On() && (c.ID.Proto != said.ESP || c.Encap.DstPort == 0) {
		return fmt.Errorf("malformed SA %s: only ESP goes in UDP, between two ports: %w", c.ID, syscall.EINVAL)
	}
	db.changes++
	db.DueAt(now)
	sa.mu.Lock()
	defer sa.mu.Unlock()
	sa.Config.live(c.Soft, c.Hard)
	sa.Config.Encap = c.Encap
	if c.Src.IsValid() && c.Src.Is4() == c.ID.Dst.Is4() {
		sa.Config.Src = c.Src
	}
	sa.soft = false
	if sa.protection != nil {
		sa.peer = nil
	}
	return nil
}

// Delete takes an SA out. What is left of its group carries nothing any more,
// since it would be less protected than it was set up to be.
func (db *DB) Delete(id said.SAID) error {
	sa, err := db.Get(id)
	if err != nil {
		return err
	}
	db.remove(sa)
	return nil
}

func (db *DB) remove(sa *SA) {
	delete(db.sas, sa.Config.ID)
	db.changes++
	rest := slices.DeleteFunc(slices.Clone(sa.Group), func(other *SA) bool { return other == sa })
	for i, other := range rest {
		other.Broken = true
		other.Group, other.Place = rest, uint8(i)
		if len(rest) == 1 {
			other.Group, other.Place = nil, 0
		}
	}
	sa.mu.Lock()
	sa.dead = true
	sa.mu.Unlock()
}

// All returns the SAs in any order. The DB may change while they are gone through,
// between one and the next, as a map may.
func (db *DB) All() iter.Seq[*SA] { return maps.Values(db.sas) }

// Sort puts SAs in the order of SAID.Compare.
func Sort(list []*SA) {
	slices.SortFunc(list, func(a, b *SA) int { return a.Config.ID.Compare(b.Config.ID) })
}

// Clear takes all SAs out.
func (db *DB) Clear() {
	for _, sa := range db.sas {
		db.remove(sa)
	}
}

// Reserve implements GetSPI of klips.Table: it draws at random.
func (db *DB) Reserve(proto said.Proto, src, dst netip.Addr, low, high uint32, now time.Time) (uint32, error) {
	if proto == said.COMP {
		high = min(high, 0xffff)
	}
	if low == 0 || low > high {
		return 0, fmt.Errorf("no SPI is from %#x to %#x: %w", low, high, syscall.EINVAL)
	}
	if !dst.IsValid() || dst.IsUnspecified() {
		return 0, fmt.Errorf("expected the address of a host for an SPI, found %v: %w", dst, syscall.EINVAL)
	}
	var random [8]byte
	rand.Read(random[:])
	count := uint64(high-low) + 1
	start := binary.BigEndian.Uint64(random[:]) % count
	for i := range min(count, uint64(len(db.sas))+1) {
		id := said.SAID{Dst: dst, SPI: low + uint32((start+i)%count), Proto: proto}
		if db.sas[id] == nil {
			larval := &SA{Larval: true}
			larval.keep(klips.SA{ID: id, Src: src, Hard: klips.Lifetime{AddTime: LarvalTime}})
			larval.usage.added = now
			db.put(larval)
			return id.SPI, nil
		}
	}
	return 0, fmt.Errorf("each SPI from %#x to %#x is taken: %w", low, high, syscall.EEXIST)
}

// ungroup takes the group of an SA apart. What was in it carries nothing until
// it is grouped again, since it would be less protected than it was set up to be.
func (db *DB) ungroup(id said.SAID) error {
	sa, err := db.Get(id)
	if err != nil {
		return err
	}
	if len(sa.Group) == 0 {
		return fmt.Errorf("%s is in no group: %w", id, syscall.ENOENT)
	}
	for _, member := range sa.Group {
		member.Group, member.Place, member.Broken = nil, 0, true
	}
	return nil
}

// Group chains two to four SAs, innermost first; one alone has its group taken
// apart.
func (db *DB) Group(ids []said.SAID) error {
	if len(ids) == 1 {
		return db.ungroup(ids[0])
	}
	if len(ids) < 2 || len(ids) > 4 {
		return fmt.Errorf("a group of %d SAs, not of 2 to 4: %w", len(ids), syscall.EINVAL)
	}
	var group []*SA
	for i, id := range ids {
		sa, err := db.Get(id)
		switch {
		case err != nil:
			return err
		case sa.Larval:
			return fmt.Errorf("%s has no keys yet: %w", id, syscall.EINVAL)
		case len(sa.Group) > 0:
			return fmt.Errorf("%s is in a group: %w", id, syscall.EEXIST)
		case i > 0 && chain.Place(id.Proto) <= chain.Place(ids[i-1].Proto):
			return fmt.Errorf("%s comes after %s; the order is tun, comp, esp, ah: %w", id, ids[i-1], syscall.EINVAL)
		case i > 0 && id.Dst != ids[0].Dst:
			return fmt.Errorf("%s and %s do not go to one host: %w", ids[0], id, syscall.EINVAL)
		case id.Proto == said.AH && i > 0 && group[i-1].Config.Encap.On():
			return fmt.Errorf("%s cannot protect ESP in UDP: %w", id, syscall.EINVAL)
		}
		group = append(group, sa)
	}
	for i, sa := range group {
		sa.Group, sa.Place, sa.Broken = group, uint8(i), false
	}
	return nil
}

// Build makes SAs for AddGroups, which takes longer than to put them in, and needs
// no DB.
func Build(groups [][]klips.SA, now time.Time) (built [][]*SA, err error) {
	for _, group := range groups {
		var list []*SA
		for _, c := range group {
			sa, err := newSA(c, now)
			if err != nil {
				return nil, err
			}
			list = append(list, sa)
		}
		built = append(built, list)
	}
	return built, nil
}

// AddGroups puts SAs in, those of each list grouped, in place of larval ones of
// the same SAIDs. Where one cannot be, all is as before.
func (db *DB) AddGroups(groups [][]*SA) (err error) {
	before := map[said.SAID]*SA{}
	defer func() {
		if err == nil {
			return
		}
		for id, sa := range before {
			delete(db.sas, id)
			if sa != nil {
				db.sas[id] = sa
			}
		}
	}()
	for _, group := range groups {
		var ids []said.SAID
		for _, sa := range group {
			id := sa.Config.ID
			old := db.sas[id]
			if old != nil && !old.Larval {
				return fmt.Errorf("there is an SA %s: %w", id, syscall.EEXIST)
			}
			before[id] = old
			db.put(sa)
			ids = append(ids, id)
		}
		if len(ids) > 1 {
			err = db.Group(ids)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// AddInflow lets a flow come out of an SA.
func (db *DB) AddInflow(id said.SAID, s klips.Selector) error {
	sa, err := db.Get(id)
	if err != nil {
		return err
	}
	if !s.Src.IsValid() || !s.Dst.IsValid() || s.Src.Addr().Is4() != s.Dst.Addr().Is4() {
		return fmt.Errorf("malformed inflow of %s: expected prefixes of one family: %w", id, syscall.EINVAL)
	}
	s.Src, s.Dst = s.Src.Masked(), s.Dst.Masked()
	if slices.Contains(sa.Config.Inflow, s) {
		return fmt.Errorf("%s has that flow: %w", id, syscall.EEXIST)
	}
	sa.Config.Inflow = append(sa.Config.Inflow, s)
	return nil
}

// DelInflow takes back what AddInflow allowed.
func (db *DB) DelInflow(id said.SAID, s klips.Selector) error {
	sa, err := db.Get(id)
	if err != nil {
		return err
	}
	s.Src, s.Dst = s.Src.Masked(), s.Dst.Masked()
	i := slices.Index(sa.Config.Inflow, s)
	if i < 0 {
		return fmt.Errorf("%s does not have that flow: %w", id, syscall.ENOENT)
	}
	sa.Config.Inflow = slices.Delete(sa.Config.Inflow, i, i+1)
	return nil
}

// Chain returns the SAs that a packet sent to sa goes through, in that order:
// from it outward. It is nil where they carry nothing: a larval or broken one,
// or nothing among them that protects a packet.
func (sa *SA) Chain() []*SA {
	if sa.Broken || sa.Larval {
		return nil
	}
	list := sa.Group
	if list == nil {
		if sa.protection == nil {
			return nil
		}
		return sa.self[:]
	}
	list = list[sa.Place:]
	if chain.Place(list[len(list)-1].Config.ID.Proto) < chain.Place(said.ESP) {
		return nil
	}
	return list
}
