package simulation

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"

	"ipsec/conf/identity"
	"ipsec/conf/rawkey"
	"ipsec/pluto"
	"ipsec/pluto/credential"
)

// A gateway has a connection for each peer of its own, and one for guests, whoever they are. A
// rogue, who is one of its peers as well, says that it is another. The invariant, at each step: what a
// connection asks for, only a peer that has proved itself as that connection demands is
// negotiated with, gets the packets of, replaces or ends.

// gateway makes the hub, its peers, and the rogue.
func (w *world) gateway() {
	const hubAddr, vipAddr, neighbourAddr, guestAddr, rogueAddr = "192.0.2.1", "198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.66"
	w.uniqueIDs = w.chance(0.7)
	ca, other := w.issue(nil, "ca"), w.issue(nil, "other")
	hub := w.add("hub", hubAddr)
	w.gate = &gate{hub: hub, may: map[string][]string{}, owners: map[string]string{}, serials: map[int]string{}}

	everything := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}
	conn := func(name, left, leftID, right, rightID, rightNet string, methods ...pluto.AuthMethod) *pluto.Connection {
		c := w.template(left, right)
		c.Name, c.AuthBy, c.IKE.Proposals, c.ESP.Proposals, c.Compress = name, methods, nil, nil, false
		c.Local.ID, c.Remote.ID = parseID(leftID), parseID(rightID)
		c.Local.Clients, c.Remote.Clients = everything, nil
		if rightNet != "" {
			c.Remote.Clients = []netip.Prefix{netip.MustParsePrefix(rightNet)}
		}
		return c
	}
	// peer puts a host with its own end of a connection of the hub onto the network.
	peer := func(name, addr, id, net string, store *credential.Store, like *pluto.Connection) *node {
		n := w.add(name, addr)
		n.store = store
		c := like.Reversed()
		w.vary(c)
		c.Name, c.Remote.ID, c.Remote.Cert, c.Remote.PublicKeys = name, identity.Any(), "", nil
		c.Local.Host, c.Local.ID, c.Local.CA, c.Local.Cert, c.Local.PublicKeys, c.Local.Within = pluto.Host{Kind: pluto.HostAddr, Addr: n.addr}, parseID(id), "", "", nil, netip.Prefix{}
		if c.AuthBy[0] != pluto.AuthPSK {
			c.Local.Cert = "own"
		}
		c.Local.Clients = []netip.Prefix{netip.MustParsePrefix(net)}
		n.conns = append(n.conns, c)
		n.wanted[c.Name] = true
		return n
	}
	hubCert := w.issue(ca, "hub")
	secrets := keyring{any: "of the group", ids: map[identity.ID]string{}, addrs: map[netip.Addr]string{}}
	// The peers prove themselves to the hub, which proves itself to all by one key.
	right := pick(w, vipAddr, "%any")
	vip := conn("vip", hubAddr, "@hub", right, "@vip", "10.1.0.0/24", pluto.AuthEdDSA)
	vipCert := w.issue(ca, "vip")
	vipStore := own(vipCert, keyring{any: "of vip"}, ca)
	proof := pick(w, "key", "ca", "secret of its name", "secret of its address")
	if right == "%any" && proof == "secret of its address" { // which is anybody's then
		proof = "key"
	}
	switch proof {
	case "key":
		text, err := rawkey.Format(vipCert.key.Public())
		if err != nil {
			w.t.Fatal(err)
		}
		vip.Remote.PublicKeys = []string{text}
	case "ca":
		vip.Remote.CA = "CN=ca"
	case "secret of its name":
		vip.AuthBy = []pluto.AuthMethod{pluto.AuthPSK}
		secrets.ids[parseID("@vip")] = "of vip"
	case "secret of its address":
		vip.AuthBy = []pluto.AuthMethod{pluto.AuthPSK}
		secrets.addrs[netip.MustParseAddr(vipAddr)] = "of vip"
	}
	neighbour := conn("neighbour", hubAddr, "@hub", "%any", "@neighbour", "10.3.0.0/24", pluto.AuthEdDSA)
	neighbour.Remote.CA = "CN=ca"
	guests := conn("guests", hubAddr, "@hub", "%any", "", "", pluto.AuthPSK)
	guests.Remote.Within = netip.MustParsePrefix("10.0.0.0/8")
	strangers := conn("strangers", hubAddr, "@hub", "%any", "", "", pluto.AuthEdDSA)
	strangers.Remote.CA, strangers.Remote.Within = "CN=other", guests.Remote.Within
	mallory := *neighbour // a peer as good as any, which may choose its network
	mallory.Name, mallory.Remote.ID, mallory.Remote.Clients, mallory.Remote.Within = "mallory", parseID("@mallory"), nil, guests.Remote.Within
	second := *vip
	second.Name, second.Alias = "vip/1x2", "vip"
	second.Remote.Clients = []netip.Prefix{netip.MustParsePrefix("10.1.1.0/24")}
	vip.Name, vip.Alias = "vip/1x1", "vip"
	for _, c := range []*pluto.Connection{vip, &second, neighbour, &mallory, guests, strangers} {
		if c.AuthBy[0] != pluto.AuthPSK {
			c.Local.Cert = "own"
		}
		hub.conns = append(hub.conns, c)
	}
	hub.store = own(hubCert, secrets, ca, other)
	if right != "%any" && w.chance(0.7) {
		hub.wanted["vip/1x1"], hub.wanted["vip/1x2"] = true, true
	}

	v := peer("vip", vipAddr, "@vip", "10.1.0.0/24", vipStore, vip)
	also := *v.conns[0]
	also.Name, also.Local.Clients = "vip2", second.Remote.Clients
	v.conns = append(v.conns, &also)
	v.wanted[also.Name] = true
	peer("neighbour", neighbourAddr, "@neighbour", "10.3.0.0/24", own(w.issue(ca, "neighbour"), nil, ca), neighbour)
	peer("guest", guestAddr, "@guest", "10.9.0.0/24", credential.New(credential.Parts{Secrets: keyring{any: "of the group"}}), guests)
	w.may("vip/1x1", "vip")
	w.may("vip/1x2", "vip")
	w.may("neighbour", "neighbour")
	w.may("guests", "guest")

	group := keyring{any: "of the group"}
	target, net := pick(w, "@vip", "@VIP"), pick(w, "10.1.0.0/24", "10.1.1.0/24", "10.1.0.128/25", "10.8.0.0/24")
	strength := pick(w, "group", "another CA", "another name", "neighbour")
	at := rogueAddr
	if right == "%any" && w.chance(0.4) { // both behind one NAT
		inside := netip.MustParseAddr("172.16.0.66")
		at = inside.String()
		w.nat(netip.MustParseAddr(vipAddr).Next().Next().Next(), inside)
		w.nat(netip.MustParseAddr(vipAddr).Next().Next().Next(), v.addr)
	}
	var r *node
	switch strength {
	case "group":
		r = peer("rogue", at, target, net, credential.New(credential.Parts{Secrets: group}), guests)
		w.may("guests", "rogue")
	case "another CA":
		r = peer("rogue", at, target, net, own(w.issue(other, "vip"), group, ca), strangers)
		w.may("strangers", "rogue")
	case "another name":
		r = peer("rogue", at, target, net, own(w.issue(ca, "mallory"), group, ca), &mallory)
	case "neighbour":
		r = peer("rogue", at, "@mallory", net, own(w.issue(ca, "mallory"), group, ca), &mallory)
		w.may("mallory", "rogue")
	}
	r.rogue = true
	w.log("-- vip at %s proves itself by %s; the rogue at %s by %s says that it is %s and wants %s", right, proof, at, strength, target, net)
}

func parseID(text string) identity.ID {
	if text == "" {
		return identity.ID{}
	}
	id, err := identity.Parse(text)
	if err != nil {
		panic(err)
	}
	return id
}

// gate is what is known of a gateway from outside.
type gate struct {
	hub     *node
	may     map[string][]string // who may prove itself by a connection of the hub
	owners  map[string]string   // whose IKE SA, by the SPI that it drew
	serials map[int]string      // the same, by the number of the hub for it, in its present life
	ended   []ending
}

// ending is an IKE SA of the hub that another has taken the place of, by their numbers.
type ending struct{ old, by int }

// may lets a host prove itself by a connection of the hub.
func (w *world) may(conn, host string) { w.gate.may[conn] = append(w.gate.may[conn], host) }

var (
	replacedBy = regexp.MustCompile(`replaced by #(\d+)|has another IKE SA, #(\d+)`)
	rekeyed    = regexp.MustCompile(`rekeyed IKE SA #(\d+)`)
)

// heard takes a report of the hub.
func (g *gate) heard(r pluto.Report) {
	if m := rekeyed.FindStringSubmatch(r.Text); m != nil {
		old, _ := strconv.Atoi(m[1])
		g.serials[r.Serial] = g.serials[old]
	}
	if m := replacedBy.FindStringSubmatch(r.Text); m != nil {
		by, _ := strconv.Atoi(m[1] + m[2])
		g.ended = append(g.ended, ending{r.Serial, by})
	}
}

// checkProofs holds the invariant of a gateway.
func (w *world) checkProofs() {
	g := w.gate
	if g == nil || !g.hub.alive() {
		return
	}
	for _, n := range w.nodes {
		if n == g.hub || !n.alive() {
			continue
		}
		for _, s := range n.machine.States() {
			if s.Parent == 0 {
				g.owners[s.SPIs[ours(s)]] = n.name
			}
		}
	}
	for _, s := range g.hub.machine.States() {
		if s.Parent == 0 {
			if name := g.owners[s.SPIs[1-ours(s)]]; name != "" {
				g.serials[s.Serial] = name
			}
			if s.RemoteID == "" {
				continue
			}
		}
		of := s.Serial
		if s.Parent != 0 {
			of = s.Parent
		}
		w.checkMay(s.Conn.Name, g.serials[of], fmt.Sprintf("#%d %s", s.Serial, s.Text))
		if s.Child == nil {
			continue
		}
		for _, f := range s.Child.Flows {
			for _, c := range g.hub.conns {
				if len(c.Remote.Clients) > 0 && c.Remote.Clients[0].Overlaps(f.Dst) && c.Remote.Clients[0].Bits() <= f.Dst.Bits() {
					w.checkMay(c.Name, g.serials[of], fmt.Sprintf("#%d of %v has %v, which is in %v", s.Serial, s.Conn, f.Dst, c.Remote.Clients))
				}
			}
		}
	}
	for _, e := range g.ended {
		if old, by := g.serials[e.old], g.serials[e.by]; old != by {
			w.fail("hub: the IKE SA #%d of %s was replaced by #%d of %s", e.old, old, e.by, by)
		}
	}
	g.ended = nil
}

// checkMay fails unless a host may prove itself by a connection.
func (w *world) checkMay(conn, host, what string) {
	for _, name := range w.gate.may[conn] {
		if name == host {
			return
		}
	}
	w.fail("hub: %s: %s has not proved itself as %s demands", what, host, conn)
}

// ours is the place of our SPI among those of an IKE SA.
func ours(s pluto.State) int {
	if s.Initiator {
		return 0
	}
	return 1
}
