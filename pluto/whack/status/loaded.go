package status

import (
	"encoding/json"
	"net/netip"

	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/whack/cmdline"
)

// LoadedDoc is a connection in the answer to whack --loaded: by which words it was loaded, and what has
// become of that.
type LoadedDoc struct {
	Name     string   `json:"name"`
	Oriented bool     `json:"oriented"` // else it waits for an address of this host
	Routed   bool     `json:"routed"`   // it or an instance of it
	Asked    bool     `json:"asked"`    // by whack --route
	Peers    []string `json:"peers"`    // hosts and networks of the peer and, of a connection for many, of its instances
	Present  []string `json:"present"`  // those of Peers that are of instances
	Words    []string `json:"words"`    // of whack, without its name
}

// LoadedLines says a line of JSON for each connection that is loaded, in the order in which they were.
func LoadedLines(list []connection.Status, say func(line string)) error {
	docs := make(map[string]*LoadedDoc)
	var order []*LoadedDoc
	for i := range list {
		c := &list[i]
		d := docs[c.Conn.Name]
		if c.Conn.Instance == 0 || d == nil {
			d = &LoadedDoc{Name: c.Conn.Name, Oriented: c.Oriented, Routed: c.Routing != connection.Unrouted, Asked: c.Asked, Peers: []string{}, Present: []string{}, Words: words(c.Loaded)}
			docs[c.Conn.Name] = d
			order = append(order, d)
		}
		peers := append(clientsOf(&c.Conn.Remote), c.Conn.Remote.Host.String())
		d.Peers = append(d.Peers, peers...)
		if c.Conn.Instance > 0 {
			d.Present = append(d.Present, peers...)
			d.Routed = d.Routed || c.Routing != connection.Unrouted
		}
	}
	for _, d := range order {
		line, err := json.Marshal(d)
		if err != nil {
			return err
		}
		say(string(line))
	}
	return nil
}

// words returns whack's words for a connection as it was loaded: a host by its name, whatever the DNS has said since.
func words(loaded *pluto.Connection) []string {
	c := *loaded
	for _, host := range []*pluto.Host{&c.Local.Host, &c.Remote.Host} {
		if host.Kind == pluto.HostName {
			host.Addr = netip.Addr{}
		}
	}
	return cmdline.Describe(&c)
}
