package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"

	"ipsec/conf"
)

// FactsVersion is the version of the JSON form of Facts.
const FactsVersion = 1

// Facts are what a plan needs to know of a host. They are gathered without
// privilege and can be saved, so that one machine plans for another. They hold
// neither this program's own links and routes nor kernel settings: a host has
// the same facts, but for Running, before a start and after it.
type Facts struct {
	Version int        `json:"version"`
	Host    string     `json:"host"`
	Paths   conf.Paths `json:"paths"` // of the instance there

	Links  []Link  `json:"links"`
	Routes []Route `json:"routes"` // of the main table, unicast

	TUN        bool     `json:"tun"`        // /dev/net/tun is there
	Modprobe   bool     `json:"modprobe"`   // modprobe(8) is there
	IPv6       bool     `json:"ipv6"`       // /proc/sys/net/ipv6 is there
	Stacks     []string `json:"stacks"`     // "klips", "netkey": what could carry packets here
	Randomness []string `json:"randomness"` // of /dev/random, /dev/urandom those that are there
	RunDir     bool     `json:"rundir"`     // the run folder is there
	SubsysDir  bool     `json:"subsysdir"`  // /var/lock/subsys is there

	Running Running `json:"running"`
}

// Link is a network interface that is not ours.
type Link struct {
	Name         string `json:"name"`
	MTU          int    `json:"mtu"`
	Up           bool   `json:"up"`
	Loopback     bool   `json:"loopback,omitempty"`
	PointToPoint bool   `json:"pointtopoint,omitempty"`
	Addrs        []Addr `json:"addrs"`
}

// Addr is an address of a link, in the kernel's order, IPv4 first. IPv6
// link-local addresses are left out.
type Addr struct {
	Prefix    netip.Prefix `json:"prefix"`
	Peer      netip.Addr   `json:"peer,omitzero"`      // of a point-to-point link
	Broadcast netip.Addr   `json:"broadcast,omitzero"` // IPv4
}

// Route is a route of the main table. A default route has a Dst of /0.
type Route struct {
	Dst     netip.Prefix `json:"dst"`
	Gateway netip.Addr   `json:"gateway,omitzero"`
	Link    string       `json:"link"`
	Src     netip.Addr   `json:"src,omitzero"`
	Metric  int          `json:"metric,omitempty"`
}

// Running is what of ours is running, or was left behind.
type Running struct {
	Setup bool     `json:"setup"` // ipsec_setup.pid is there
	Klips bool     `json:"klips"` // KLIPS holds its lock
	Pluto bool     `json:"pluto"` // Pluto holds its lock
	Info  []string `json:"info"`  // the lines of ipsec.info, name=value
}

// Digest returns "sha256:" and hex digits over the facts but for those that a start changes:
// what runs, and whether there is a run folder.
func (f Facts) Digest() string {
	f.Running, f.RunDir = Running{}, false
	text, _ := json.Marshal(f) // every type in Facts has a form in JSON
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}
