package route

import (
	"fmt"
	"net/netip"
	"slices"
)

// Entrances are the interfaces of KLIPS by which packets to each network enter. Of two routes to one network
// only one leads packets, and the kernel takes the second in place of the first: conns that leave by different
// interfaces cannot have one far network. The zero value has none.
type Entrances struct {
	to map[netip.Prefix][]entrance
}

// entrance is an interface, and who has routes into it, the oldest first.
type entrance struct {
	link  string
	users []User
}

// User is who has a route: a conn, with its address on this host. An address is on one interface: a user
// with the same one is about to move where another has moved.
type User struct {
	Conn string
	Host netip.Addr
}

// Add notes that u has r.
func (e *Entrances) Add(u User, r Route) {
	if e.to == nil {
		e.to = make(map[netip.Prefix][]entrance)
	}
	list := e.to[r.Dst]
	i := slices.IndexFunc(list, func(other entrance) bool { return other.link == r.Link })
	if i < 0 {
		e.to[r.Dst] = append(list, entrance{r.Link, []User{u}})
		return
	}
	list[i].users = append(list[i].users, u)
}

// Remove takes back one Add.
func (e *Entrances) Remove(u User, r Route) {
	list := e.to[r.Dst]
	i := slices.IndexFunc(list, func(other entrance) bool { return other.link == r.Link })
	if i < 0 {
		return
	}
	at := slices.Index(list[i].users, u)
	if at < 0 {
		return
	}
	list[i].users = slices.Delete(list[i].users, at, at+1)
	if len(list[i].users) == 0 {
		list = slices.Delete(list, i, i+1)
		e.to[r.Dst] = list
	}
	if len(list) == 0 {
		delete(e.to, r.Dst)
	}
}

// Refuse says why u cannot have all of routes; nil: it can.
func (e *Entrances) Refuse(u User, routes []Route) error {
	for _, r := range routes {
		for _, other := range e.to[r.Dst] {
			if other.link == r.Link {
				continue
			}
			i := slices.IndexFunc(other.users, func(o User) bool { return o.Conn != u.Conn && o.Host != u.Host })
			if i >= 0 {
				by := other.link
				if conn := other.users[i].Conn; conn != "" {
					by += fmt.Sprintf(" for conn %q", conn)
				}
				return fmt.Errorf("packets to %s enter KLIPS by %s already, and cannot enter by %s, too", r.Dst, by, r.Link)
			}
		}
	}
	return nil
}
