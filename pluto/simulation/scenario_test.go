package simulation

import (
	"fmt"
	"net/netip"
	"time"

	"ipsec/conf/proposal"
	"ipsec/klips"
	"ipsec/pluto"
	"ipsec/pluto/plutotest"
)

// build makes a world out of the seed: two hosts, or a hub with many.
func (w *world) build() {
	w.uniqueIDs = w.chance(0.5)
	if w.chance(0.2) {
		w.faults = 0.05
	}
	if w.chance(0.2) {
		w.limits.Cookies = 1
	}
	if w.seed%20 == 19 {
		w.hub(49)
		return
	}
	if w.seed%20 == 9 {
		w.hub(5)
		return
	}
	if w.seed%4 == 3 {
		w.gateway()
		return
	}
	w.two()
}

// two makes west and east, with one or several connections between them.
func (w *world) two() {
	west, east := w.add("west", "192.0.2.1"), w.add("east", "192.0.2.2")
	template := w.template("192.0.2.1", "192.0.2.2")
	for i := range pick(w, 1, 1, 2, 4) {
		c := *template
		c.Name = fmt.Sprintf("net%d", i)
		c.Local.Clients = []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(i), 0}), 24)}
		c.Remote.Clients = []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 2, byte(i), 0}), 24)}
		west.conns = append(west.conns, &c)
		other := c.Reversed()
		w.vary(other)
		east.conns = append(east.conns, other)
		switch w.rand.IntN(4) {
		case 0, 1:
			west.wanted[c.Name] = true
		case 2:
			east.wanted[c.Name] = true
		default:
			west.wanted[c.Name], east.wanted[c.Name] = true, true
		}
	}
}

// hub makes a gateway for any peer, and peers, some of them behind NAT.
func (w *world) hub(peers int) {
	hub := w.add("hub", "192.0.2.1")
	any := w.template("192.0.2.1", "%any")
	any.Name = "any"
	any.Local.Clients = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	hub.conns = append(hub.conns, any)
	behindNAT := w.chance(0.5)
	if behindNAT {
		any.Remote.Virtual = "vhost:%no,%priv"
	}
	for i := range peers {
		addr := netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)})
		if behindNAT && w.chance(0.6) {
			site := byte(w.rand.IntN(3))
			addr = netip.AddrFrom4([4]byte{172, 16, site, byte(i + 1)})
			w.nat(netip.AddrFrom4([4]byte{203, 0, 113, site + 1}), addr)
		}
		n := w.add(fmt.Sprintf("peer%d", i), addr.String())
		c := w.template(addr.String(), "192.0.2.1")
		c.Name = "hub"
		c.Remote.Clients = any.Local.Clients
		if any.IKE.Proposals != nil {
			c.IKE, c.ESP = any.IKE, any.ESP
		}
		c.Compress, c.Mode = any.Compress, any.Mode
		n.conns = append(n.conns, c)
		n.wanted[c.Name] = true
	}
}

// nat puts a host behind the NAT with that address outside.
func (w *world) nat(outside, inside netip.Addr) {
	if w.nats[outside] == nil {
		w.nats[outside] = w.net.Translate(outside)
	}
	w.net.Behind(w.nats[outside], inside)
}

// template returns a connection with settings that the seed chooses.
func (w *world) template(left, right string) *pluto.Connection {
	c := plutotest.Conn("t", left, "", right, "")
	c.KeyingTries = 0
	w.vary(c)
	c.Compress = w.chance(0.2)
	if w.chance(0.3) {
		c.IKE, _ = proposal.ParseIKE(pick(w, "aes128-sha256-curve25519", "aes256gcm16-prfsha384-ecp256-curve25519", "chacha20poly1305-prfsha256-curve25519"))
		c.ESP, _ = proposal.ParseESP(pick(w, "aes128-sha256", "aes256gcm16-esn-noesn", "chacha20poly1305"))
	}
	return c
}

// vary changes what the two ends need not have in common.
func (w *world) vary(c *pluto.Connection) {
	c.IKELifetime = w.between(8*time.Minute, 40*time.Minute)
	c.ChildLifetime = w.between(5*time.Minute, 20*time.Minute)
	c.RekeyMargin = w.between(time.Minute, 2*time.Minute)
	c.Reauth = w.chance(0.2)
	c.PFS = w.chance(0.7)
	c.ForceEncaps = w.chance(0.2)
	c.DPD = pluto.DPD{Delay: w.between(10*time.Second, 30*time.Second), Action: pick(w, pluto.DPDHold, pluto.DPDRestart, pluto.DPDRestartByPeer)}
}

// trouble makes the network as bad as the seed wants.
func (w *world) trouble() {
	w.net.Loss = pick(w, 0, 0.02, 0.1, 0.2)
	w.net.Double = pick(w, 0, 0.1)
	w.net.MinDelay = time.Millisecond
	w.net.MaxDelay = pick(w, 2*time.Millisecond, 100*time.Millisecond, 2*time.Second)
}

// happen lets one thing happen that the seed chooses.
func (w *world) happen() {
	n := pick(w, w.nodes...)
	if !n.alive() {
		w.log("-- %s starts", n.name)
		n.boot()
		return
	}
	c := pick(w, n.conns...)
	switch w.rand.IntN(10) {
	case 0:
		w.log("-- %s crashes", n.name)
		n.crash()
	case 1:
		w.log("-- %s shuts down", n.name)
		n.shutdown()
	case 2:
		if c.Remote.Host.Addr.IsValid() {
			w.log("-- %s initiates %s", n.name, c.Name)
			n.start(c.Name)
		}
	case 3:
		if w.chance(0.3) {
			w.log("-- %s terminates %s", n.name, c.Name)
			n.stop(c.Name)
		}
	case 4:
		both := w.chance(0.6)
		w.log("-- %s rekeys its IKE SAs (both %v)", n.name, both)
		for _, o := range w.nodes {
			if o.alive() && (o == n || both) {
				for _, st := range o.table.Status() {
					if st.Oriented {
						o.machine.RekeyIKE(st.Conn)
					}
				}
			}
		}
	case 5, 6:
		both := w.chance(0.5)
		w.log("-- %s rekeys (both %v)", n.name, both)
		for _, o := range w.nodes {
			if o.alive() && (o == n || both) {
				for _, st := range o.table.Status() {
					for _, ch := range st.Children {
						o.machine.Rekey(ch.Child)
					}
				}
			}
		}
	case 7:
		if len(c.Remote.Clients) > 0 && len(c.Local.Clients) > 0 {
			w.log("-- a packet meets the trap of %s at %s", c.Name, n.name)
			flow := klips.Selector{Src: c.Local.Clients[0], Dst: c.Remote.Clients[0]}
			packet := klips.Selector{Src: netip.PrefixFrom(flow.Src.Addr().Next(), 32), Dst: netip.PrefixFrom(flow.Dst.Addr().Next(), 32), Proto: 6, SrcPort: 1024, DstPort: 80}
			n.table.Event(klips.Acquire{Packet: packet, Trap: flow})
		}
	case 8:
		d := w.between(time.Second, 3*time.Minute)
		w.log("-- %s is cut off for %v", n.name, d)
		w.net.Attach(n.addr, nil)
		w.Run(d)
		if n.alive() {
			n.plug()
		}
	case 9:
		if len(w.nats) > 0 && w.chance(0.7) {
			w.log("-- the NATs forget")
			for _, nat := range w.nats {
				nat.Forget()
			}
			return
		}
		w.trouble()
		w.log("-- the network: %+v", w.net.Conditions)
	}
}

// live runs the scenario of the seed to a quiet end.
func (w *world) live() {
	w.build()
	w.trouble()
	for _, n := range w.nodes {
		n.boot()
	}
	for range 2 + w.rand.IntN(12) {
		w.Run(w.between(10*time.Millisecond, pick(w, time.Second, time.Minute, 5*time.Minute)))
		w.happen()
		for _, n := range w.nodes {
			if n.rogue && w.chance(0.5) {
				w.log("-- %s begins anew", n.name)
				n.crash()
				n.boot()
			}
		}
	}
	for _, n := range w.nodes {
		if !n.alive() {
			w.log("-- %s starts", n.name)
			n.boot()
		}
	}
	w.heal()
	w.check()
}
