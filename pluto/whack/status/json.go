package status

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"ipsec/conf/proposal"
	"ipsec/pluto"
	"ipsec/pluto/connection"
)

// Document is the status as JSON, described by doc/status.schema.json. Its
// names are stable. Times are RFC 3339 in UTC, durations seconds; "" stands for
// what there is none of.
type Document struct {
	Version     int            `json:"version"` // of this form: 1
	Time        string         `json:"time"`
	Interfaces  []InterfaceDoc `json:"interfaces"`
	MyID        string         `json:"myid"`
	Debug       []string       `json:"debug"`
	Loaded      int            `json:"loaded"`
	Active      int            `json:"active"`
	HalfOpen    int            `json:"half_open"`
	Connections []ConnDoc      `json:"connections"`
	SAs         []SADoc        `json:"sas"`
}

// InterfaceDoc is an address that Pluto listens on.
type InterfaceDoc struct {
	Virtual  string `json:"virtual"`
	Physical string `json:"physical"`
	Address  string `json:"address"`
	Port     int    `json:"port"`
}

// ConnDoc is a connection, or an instance of one.
type ConnDoc struct {
	Name          string   `json:"name"`
	Alias         string   `json:"alias"`
	Instance      int      `json:"instance"` // 0 for the connection itself
	Oriented      bool     `json:"oriented"`
	Interface     string   `json:"interface"`
	Local         EndDoc   `json:"local"`
	Remote        EndDoc   `json:"remote"`
	Type          string   `json:"type"`     // as type= has it
	Protocol      string   `json:"protocol"` // esp or ah
	AuthBy        []string `json:"authby"`
	IKEVersions   []int    `json:"ike_versions"`
	Policy        string   `json:"policy"` // as the text has it
	Routing       string   `json:"routing"`
	Up            bool     `json:"up"`
	Wanted        bool     `json:"wanted"` // it was initiated, and is kept up
	IKESA         int      `json:"ike_sa"`
	ChildSA       int      `json:"child_sa"`
	ErouteOwner   int      `json:"eroute_owner"`
	IKE           string   `json:"ike"` // proposals; "" for the defaults
	ESP           string   `json:"esp"`
	PFS           bool     `json:"pfs"`
	PFSGroup      string   `json:"pfsgroup"`
	IKELifetime   int      `json:"ike_lifetime"`
	ChildLifetime int      `json:"child_lifetime"`
	RekeyMargin   int      `json:"rekey_margin"`
	RekeyFuzz     int      `json:"rekey_fuzz"`
	KeyingTries   int      `json:"keying_tries"` // 0: without end
	Rekey         bool     `json:"rekey"`
	DPDAction     string   `json:"dpd_action"`
	DPDDelay      int      `json:"dpd_delay"` // 0: never
	DPDTimeout    int      `json:"dpd_timeout"`
	Attempts      int      `json:"attempts"` // that have failed, since it was last up
	LastError     string   `json:"last_error"`
	LastErrorTime string   `json:"last_error_time"`
	Retry         string   `json:"retry"` // time of the next attempt
}

// EndDoc is an end of a connection.
type EndDoc struct {
	Host      string   `json:"host"`
	ID        string   `json:"id"`
	NextHop   string   `json:"nexthop"`
	Clients   []string `json:"clients"` // empty: the host itself
	ProtoPort string   `json:"protoport"`
	SourceIP  string   `json:"sourceip"`
	Cert      string   `json:"cert"`
	CA        string   `json:"ca"`
}

// SADoc is an IKE SA or a Child SA.
type SADoc struct {
	Serial      int       `json:"serial"`
	Kind        string    `json:"kind"` // ike or child
	Connection  string    `json:"connection"`
	Instance    int       `json:"instance"`
	IKEVersion  int       `json:"ike_version"`
	State       string    `json:"state"`
	Text        string    `json:"text"`
	Parent      int       `json:"parent"` // of a Child SA: its IKE SA
	Algorithms  string    `json:"algorithms"`
	Initiator   bool      `json:"initiator"`
	Local       string    `json:"local"`
	Remote      string    `json:"remote"`
	LocalID     string    `json:"local_id"`
	RemoteID    string    `json:"remote_id"`
	AuthBy      string    `json:"authby"`
	SPIs        []string  `json:"spis"` // IKE: initiator's and responder's; Child: in and out
	Since       string    `json:"since"`
	Rekey       string    `json:"rekey"`
	Expires     string    `json:"expires"`
	Retransmits int       `json:"retransmits"`
	Child       *ChildDoc `json:"child,omitempty"`
}

// ChildDoc is what a Child SA has beside.
type ChildDoc struct {
	Protocol      string    `json:"protocol"` // esp or ah
	Mode          string    `json:"mode"`
	ESN           bool      `json:"esn"`
	Encapsulation bool      `json:"encapsulation"` // ESP in UDP
	Compression   bool      `json:"compression"`
	Flows         []FlowDoc `json:"flows"`  // from us to the peer
	InUse         bool      `json:"in_use"` // our packets go out by it
	InBytes       uint64    `json:"in_bytes"`
	InPackets     uint64    `json:"in_packets"`
	OutBytes      uint64    `json:"out_bytes"`
	OutPackets    uint64    `json:"out_packets"`
	LastIn        string    `json:"last_in"`
	LastOut       string    `json:"last_out"`
}

// FlowDoc is a traffic selector; protocol and port 0 mean any.
type FlowDoc struct {
	Src     string `json:"src"`
	Dst     string `json:"dst"`
	Proto   int    `json:"proto"`
	SrcPort int    `json:"src_port"`
	DstPort int    `json:"dst_port"`
}

// JSON returns the status as an indented Document.
func (s *Status) JSON() (string, error) {
	text, err := json.MarshalIndent(s.Document(), "", "  ")
	return string(text), err
}

// Document returns the status as it becomes JSON.
func (s *Status) Document() Document {
	d := Document{
		Version: 1, Time: stamp(s.Now), MyID: s.MyID, Debug: append([]string{}, s.Debug...),
		Loaded: s.Loaded(), Active: s.Active(), HalfOpen: s.HalfOpen,
		Interfaces: []InterfaceDoc{}, Connections: []ConnDoc{}, SAs: []SADoc{},
	}
	for _, i := range s.Interfaces {
		d.Interfaces = append(d.Interfaces, InterfaceDoc{i.Virtual, i.Physical, i.Addr.Addr().String(), int(i.Addr.Port())})
	}
	for i := range s.Connections {
		d.Connections = append(d.Connections, s.connDoc(&s.Connections[i]))
	}
	for i := range s.States {
		d.SAs = append(d.SAs, s.saDoc(&s.States[i]))
	}
	return d
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func whole(d time.Duration) int { return int(d / time.Second) }

func proposals(l proposal.List) string {
	if len(l.Proposals) == 0 {
		return ""
	}
	return l.String()
}

func (s *Status) connDoc(c *connection.Status) ConnDoc {
	conn := c.Conn
	d := ConnDoc{
		Name: conn.Name, Alias: conn.Alias, Instance: conn.Instance,
		Oriented: c.Oriented, Interface: c.Virtual, Local: endDoc(&conn.Local), Remote: endDoc(&conn.Remote),
		Type: conn.Type(), Protocol: "esp", AuthBy: []string{}, IKEVersions: []int{},
		Policy: policy(c), Routing: c.Routing.String(), Up: up(c), Wanted: c.Wanted, ErouteOwner: c.Owner,
		IKE: proposals(conn.IKE), ESP: proposals(conn.ESP), PFS: conn.PFS, PFSGroup: conn.PFSGroup,
		IKELifetime: whole(conn.IKELifetime), ChildLifetime: whole(conn.ChildLifetime),
		RekeyMargin: whole(conn.RekeyMargin), RekeyFuzz: conn.RekeyFuzz, KeyingTries: conn.KeyingTries, Rekey: conn.Rekey,
		DPDAction: conn.DPD.Action.String(), DPDDelay: whole(conn.DPD.Delay), DPDTimeout: whole(conn.DPD.Timeout),
		Attempts: c.Attempts, LastError: c.LastError, LastErrorTime: stamp(c.ErrorAt), Retry: stamp(c.Retry),
	}
	d.IKESA, d.ChildSA = s.newest(c)
	if conn.Protocol == pluto.AH {
		d.Protocol = "ah"
	}
	for _, m := range conn.AuthBy {
		d.AuthBy = append(d.AuthBy, string(m))
	}
	for version, allowed := range []bool{conn.Versions.IKEv1, conn.Versions.IKEv2} {
		if allowed && conn.Shunt == pluto.ShuntNone {
			d.IKEVersions = append(d.IKEVersions, version+1)
		}
	}
	return d
}

func mode(m pluto.Mode) string {
	if m == pluto.TransportMode {
		return "transport"
	}
	return "tunnel"
}

func endDoc(e *pluto.End) EndDoc {
	d := EndDoc{Host: e.Host.String(), NextHop: text(e.NextHop), SourceIP: text(e.SourceIP),
		Clients: append([]string{}, clientsOf(e)...), Cert: e.Cert, CA: e.CA}
	if !e.ID.IsZero() {
		d.ID = e.ID.String()
	}
	if e.Proto != 0 {
		d.ProtoPort = fmt.Sprintf("%d/%d", e.Proto, e.Port)
		if e.AnyPort {
			d.ProtoPort = fmt.Sprintf("%d/%%any", e.Proto)
		}
	}
	return d
}

func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func (s *Status) saDoc(state *pluto.State) SADoc {
	d := SADoc{
		Serial: state.Serial, Kind: "ike", IKEVersion: state.Version, State: state.Name, Text: state.Text,
		Parent: state.Parent, Algorithms: state.Algorithms, Initiator: state.Initiator,
		Local: port(state.Local), Remote: port(state.Remote), LocalID: state.LocalID, RemoteID: state.RemoteID,
		AuthBy: string(state.AuthBy), SPIs: state.SPIs[:], Since: stamp(state.Since), Rekey: stamp(state.Rekey),
		Expires: stamp(state.Expires), Retransmits: state.Retransmits,
	}
	if state.Conn != nil {
		d.Connection, d.Instance = state.Conn.Name, state.Conn.Instance
	}
	if c := state.Child; c != nil {
		d.Kind = "child"
		d.Child = &ChildDoc{Protocol: c.Protocol.String(), Mode: mode(c.Mode), ESN: c.ESN,
			Encapsulation: c.Encap.On(), Compression: c.Out.CPI != 0, Flows: []FlowDoc{}}
		for _, f := range c.Flows {
			d.Child.Flows = append(d.Child.Flows, FlowDoc{f.Src.String(), f.Dst.String(), int(f.Proto), int(f.SrcPort), int(f.DstPort)})
		}
		if status := s.child(state); status != nil {
			t := trafficOf(status)
			d.Child.InUse = status.InUse
			d.Child.InBytes, d.Child.InPackets, d.Child.LastIn = t.inBytes, t.inPackets, stamp(t.lastIn)
			d.Child.OutBytes, d.Child.OutPackets, d.Child.LastOut = t.outBytes, t.outPackets, stamp(t.lastOut)
		}
	}
	return d
}

func port(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
