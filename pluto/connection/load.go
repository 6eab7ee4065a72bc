package connection

import (
	"net/netip"
	"reflect"
	"slices"
	"time"

	"ipsec/conf/proposal"
	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
)

// Table is the connections in force. It implements pluto.Connections.
type Table struct {
	config Config
	ikev2  pluto.Negotiator
	ours   map[netip.Addr]string // to the interface of KLIPS

	entries []*entry                     // in the order in which they were added; no instances
	names   map[string]*entry            // by name
	aliases map[string][]*entry          // by alias
	pairs   map[pair]*party              // oriented ones, by their hosts
	roaming map[netip.Addr]*party        // oriented ones of ours whose peer may be elsewhere than it says
	kin     map[kin]*entries             // oriented ones that may share an IKE SA
	byHost  map[string][]*entry          // by each name of the DNS that they have
	owners  map[*pluto.Connection]*entry // oriented ones and instances, to what they are
	passes  []*entry                     // oriented ones of type=passthrough
	order   int

	claims   claims
	slots    map[klips.Selector]*slot
	owned    map[said.SAID]*bundle          // both ways
	reserved map[said.SAID]bool             // that the peer has been told of, or will be
	bundles  map[*pluto.Child]*bundle       // in force
	orphans  map[said.SAID][]klips.Selector // SAs of an earlier worker, to the flows that they carry
	trash    []said.SAID                    // that could not be deleted, to try again
	dirty    map[klips.Selector]bool        // flows that are not settled, to try again
	timed    map[*entry]bool                // that have something to do at some time
	resync   time.Time                      // when to Resync
	later    []*bundle                      // that are to be used when the peer knows of them
	strayed  []*pluto.Child                 // whose peer has another address, to be rekeyed
	asking   map[string]time.Time           // names of the DNS to ask for again
	lists    map[string]proposal.List       // of proposals, to be shared
	due      time.Time                      // nothing is due before
}

// New returns an empty table. Drive comes before any connection is brought up.
func New(config Config) *Table {
	return &Table{
		config:   config,
		ours:     map[netip.Addr]string{},
		names:    map[string]*entry{},
		aliases:  map[string][]*entry{},
		pairs:    map[pair]*party{},
		roaming:  map[netip.Addr]*party{},
		kin:      map[kin]*entries{},
		byHost:   map[string][]*entry{},
		owners:   map[*pluto.Connection]*entry{},
		slots:    map[klips.Selector]*slot{},
		reserved: map[said.SAID]bool{},
		owned:    map[said.SAID]*bundle{},
		bundles:  map[*pluto.Child]*bundle{},
		orphans:  map[said.SAID][]klips.Selector{},
		dirty:    map[klips.Selector]bool{},
		timed:    map[*entry]bool{},
		asking:   map[string]time.Time{},
		lists:    map[string]proposal.List{},
	}
}

// Drive hands over the negotiator of IKEv2.
func (t *Table) Drive(n pluto.Negotiator) { t.ikev2 = n }

// Add loads a connection. The error is an *Error.
func (t *Table) Add(c *pluto.Connection) error {
	if err := t.acceptable(c); err != nil {
		return err
	}
	if t.names[c.Name] != nil {
		return refuse(pluto.RCDuplicateName, "attempt to redefine connection %q", c.Name)
	}
	e := t.enroll(c)
	if len(t.ours) > 0 {
		t.orient(e)
	}
	return nil
}

// enroll puts c into the table, which has none of its name.
func (t *Table) enroll(c *pluto.Connection) *entry {
	t.order++
	c.IKE, c.ESP = t.shared(c.IKE), t.shared(c.ESP)
	e := &entry{order: t.order, loaded: c}
	t.entries = append(t.entries, e)
	t.names[c.Name] = e
	if c.Alias != "" {
		t.aliases[c.Alias] = append(t.aliases[c.Alias], e)
	}
	for _, host := range hostNames(c) {
		t.byHost[host] = append(t.byHost[host], e)
	}
	t.look(e)
	return e
}

// shared returns a list of proposals that says the same as l. Most of many thousand connections have
// one and the same.
func (t *Table) shared(l proposal.List) proposal.List {
	if len(l.Proposals) == 0 {
		return l
	}
	text := l.String()
	if other, ok := t.lists[text]; ok && reflect.DeepEqual(l, other) {
		return other
	}
	if len(t.lists) < maxLists {
		t.lists[text] = l
	}
	return l
}

// maxLists bounds the lists of proposals that are kept to be shared.
const maxLists = 1 << 10

// acceptable says what of c is not done here.
func (t *Table) acceptable(c *pluto.Connection) error {
	switch {
	case c.Name == "":
		return refuse(pluto.RCUnknownName, "a connection needs a name")
	case c.Local.Host.Kind == pluto.HostGroup || c.Remote.Host.Kind == pluto.HostGroup:
		return refuse(pluto.RCNoPolicy, "connection %q: policy groups and opportunistic encryption are not done by this Pluto; see %s", c.Name, c.See("left", "right"))
	case isShunt(c):
		return nil
	}
	if err := c.Versions.Unspoken(); err != nil {
		return refuse(pluto.RCNoPolicy, "connection %q cannot be loaded: %v; see %s", c.Name, err, c.See("ikev2"))
	}
	return nil
}

// Delete ends and forgets a connection by its name or alias. The error is an *Error.
func (t *Table) Delete(name string) error {
	list, err := t.named(name)
	if err != nil {
		return err
	}
	for _, e := range list {
		t.end(e)
		t.unroute(e)
		t.disorient(e)
		t.forget(e)
		t.report(e, pluto.RCLog, pluto.Down, "deleting connection")
	}
	return nil
}

// forget takes e out of the lists of what is loaded.
func (t *Table) forget(e *entry) {
	t.entries = slices.DeleteFunc(t.entries, func(other *entry) bool { return other == e })
	delete(t.names, e.loaded.Name)
	remove(t.aliases, e.loaded.Alias, e)
	for _, host := range hostNames(e.loaded) {
		remove(t.byHost, host, e)
	}
}

// named returns the connections that a name or an alias means.
func (t *Table) named(name string) ([]*entry, error) {
	if e := t.names[name]; e != nil {
		return []*entry{e}, nil
	}
	if list := t.aliases[name]; len(list) > 0 {
		return slices.Clone(list), nil
	}
	return nil, refuse(pluto.RCUnknownName, "no connection named %q", name)
}

// Matching returns the connections that a name or an alias means, oriented where
// they are, without their instances: those that a whack waits on.
func (t *Table) Matching(name string) []*pluto.Connection {
	list, _ := t.named(name)
	var conns []*pluto.Connection
	for _, e := range list {
		conns = append(conns, e.subject())
	}
	return conns
}

// Wanted returns what has been asked of the connection of that name, whether or
// not it can be done yet: that its packets be trapped, and that it be up.
func (t *Table) Wanted(name string) (routed, up bool) {
	e := t.names[name]
	return e != nil && e.asked, e != nil && e.wanted
}

// Own implements Others.
func (t *Table) Own(c *pluto.Connection) []netip.Prefix {
	list := clients(c.Local, c.Remote, false)
	if c.Alias == "" {
		return list
	}
	list = slices.Clone(list)
	for _, e := range t.aliases[c.Alias] {
		if e.conn != nil {
			list = append(list, clients(e.conn.Local, e.conn.Remote, false)...)
		}
	}
	return list
}

// Passes implements Others.
func (t *Table) Passes() []klips.Selector {
	var list []klips.Selector
	for _, e := range t.passes {
		list = append(list, e.flows...)
	}
	return list
}

// remove takes e out of the list of key.
func remove[K comparable](lists map[K][]*entry, key K, e *entry) {
	list := slices.DeleteFunc(lists[key], func(other *entry) bool { return other == e })
	if len(list) == 0 {
		delete(lists, key)
	} else {
		lists[key] = list
	}
}
