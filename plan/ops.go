package plan

import (
	"net/netip"
	"strings"

	"ipsec/klips/said"
)

// Op is one thing to do. The set is sealed, and the comment of each op gives its
// shell form. All fields are plain values that shell carries on one line. A zero value
// is invalid, unless an op says all that it has to say by its type.
type Op interface{ op() }

// Saying and bookkeeping.
type (
	// Log says Text on stdout and in syslog, or with SyslogOnly in syslog
	// alone: ipsec _log [-p FACILITY.PRIORITY] [--syslog-only] TEXT.
	Log struct {
		Priority   string // facility.priority; empty for daemon.error
		Text       string
		SyslogOnly bool
	}
	// Lock takes the lock by which only one setup at a time is at work in a
	// run folder, and holds it until the plan ends:
	// command exec 9< DIR && flock -n 9.
	Lock struct{ Dir string }
	// Save appends path=value to Info for each of Paths, kernel settings whose
	// value is about to change; one that does not exist is passed over, and one
	// that Info already has is kept: ipsec _save PATH….
	Save struct{ Paths []string }
	// Restore writes back what Info has for each of Paths, in that order, and
	// passes over what it does not have or what is no longer there:
	// ipsec _restore PATH….
	Restore struct{ Paths []string }
	// Keep keeps the configuration that the plan is made of, without its keys, in a
	// file for root alone: ipsec _keep PATH.
	Keep struct{ Path string }
	// Arm holds the way back to what runs, so that it comes back unless the change is
	// confirmed within Seconds; where the way back is held already, it moves that
	// time: ipsec _arm SECONDS.
	Arm struct{ Seconds int }
	// Disarm lets the way back go, if it is held, where it comes from a login that
	// began after Arm ("new"), or from "any": ipsec _disarm LOGIN.
	Disarm struct{ Login string }
	// GoBack has the way back taken that Arm holds, when this plan has ended: ipsec _goback.
	GoBack struct{}
	// Ping waits until a host answers, Seconds at most: ping -c 1 -w SECONDS [-I FROM] ADDR.
	Ping struct {
		Addr    netip.Addr
		From    netip.Addr // invalid: as the route says
		Seconds int
	}
)

// Files.
type (
	// MakeDir makes a folder, mode 0755: mkdir PATH.
	MakeDir struct{ Path string }
	// MakeDirs makes a folder and its parents unless it is there: mkdir -p PATH.
	MakeDirs struct{ Path string }
	// RemoveDir removes an empty folder: rmdir PATH.
	RemoveDir struct{ Path string }
	// Remove removes files, not minding absent ones: rm -f PATH….
	Remove struct{ Paths []string }
	// Write replaces a file's text, or sets a kernel setting:
	// printf '%s\n' TEXT > PATH.
	Write struct{ Path, Text string }
	// Append adds a line: printf '%s\n' TEXT >> PATH.
	Append struct{ Path, Text string }
	// Touch makes an empty file unless it is there: touch PATH.
	Touch struct{ Path string }
	// WritePID writes the number of the process that runs the plan:
	// printf '%s\n' "$$" > PATH.
	WritePID struct{ Path string }
)

// Links, addresses, routes; ip(8).
type (
	// AddAddr gives a link an address: ip addr replace PREFIX dev LINK.
	AddAddr struct {
		Link   string
		Prefix netip.Prefix
	}
	// DelAddr takes an address back: ip addr del PREFIX dev LINK.
	DelAddr struct {
		Link   string
		Prefix netip.Prefix
	}
	// SetMTU sets a link's MTU: ip link set dev LINK mtu MTU.
	SetMTU struct {
		Link string
		MTU  int
	}
	// LinkUp brings a link up: ip link set dev LINK up.
	LinkUp struct{ Link string }
	// AddRoute sends Dst into a link: ip route replace DST dev LINK
	// [src SRC] [mtu MTU] [metric METRIC].
	AddRoute struct {
		Dst    netip.Prefix
		Link   string
		Src    netip.Addr // invalid: none
		MTU    int        // 0: none
		Metric int        // 0: none
	}
	// DelRoute takes a route back: ip route del DST dev LINK [metric METRIC].
	DelRoute struct {
		Dst    netip.Prefix
		Link   string
		Metric int
	}
	// RPFilter makes Value the reverse path filter in force on Links. Where
	// conf/all enforces more, it is lowered, and every other link gets
	// what it enforced as its own: ipsec _rpfilter VALUE LINK….
	RPFilter struct {
		Value string // "0", "1" or "2"
		Links []string
	}
)

// Words returns the words after "ipsec klips".
func (op StartKlips) Words() []string {
	var words []string
	if op.FragICMP {
		words = append(words, "--fragicmp")
	}
	if op.HideTOS {
		words = append(words, "--hidetos")
	}
	if len(op.NoOffload) > 0 {
		words = append(words, "--no-offload", strings.Join(op.NoOffload, ","))
	}
	if len(op.Debug) > 0 {
		words = append(words, "--debug", strings.Join(op.Debug, ","))
	}
	return words
}

// Deletion returns the op that takes the route of r back. Two routes of one
// deletion are one route to the kernel.
func (r AddRoute) Deletion() DelRoute { return DelRoute{Dst: r.Dst, Link: r.Link, Metric: r.Metric} }

// Processes.
type (
	// Modprobe loads a kernel module: modprobe MODULE.
	Modprobe struct{ Module string }
	// Run runs words of the configuration in a shell, with the setup's lock
	// closed to it: /bin/sh -c WORDS 9<&-.
	Run struct{ Words string }
	// StartKlips starts the data plane: ipsec klips [--fragicmp] [--hidetos]
	// [--no-offload WAYS] [--debug FLAGS].
	StartKlips struct {
		FragICMP  bool
		HideTOS   bool
		NoOffload []string
		Debug     []string
	}
	// StartPluto starts the key-negotiation daemon: ipsec pluto ARG….
	StartPluto struct{ Args []string }
	// EndDaemon ends Klips or Pluto, if it lives, and waits until it is gone:
	// ipsec _end PART.
	EndDaemon struct{ Part Part }
)

// KLIPS, by its tools.
type (
	// Attach binds a virtual interface to a physical one, and makes it:
	// ipsec tncfg --attach --virtual V --physical P --xdp USE. Where it is bound
	// just so already, only the use changes.
	Attach struct {
		Virtual, Physical string
		XDP               string // when raw ESP goes past netfilter: "auto", as where it is not written, "on" or "off"
	}
	// Detach takes a virtual interface away, KLIPS being alive or not:
	// ipsec tncfg --detach --virtual V.
	Detach struct{ Virtual string }
	// ClearInterfaces takes away every virtual interface that this program
	// made, KLIPS being alive or not: ipsec tncfg --clear.
	ClearInterfaces struct{}
	// ClearEroutes is ipsec eroute --clear.
	ClearEroutes struct{}
	// ClearSAs is ipsec spi --clear.
	ClearSAs struct{}
	// AddSA sets a manually keyed ESP or AH SA. Its keys are those of conn
	// KeysOf for the direction that SAID's address tells, read when it runs:
	// ipsec spi --said SAID --src SRC --esp ALG|--ah ALG [--replay_window N]
	// [--encap SPORT:DPORT] --keys-of CONN.
	AddSA struct {
		SAID         said.SAID
		Src          netip.Addr
		Algorithm    string // of --esp or --ah, e.g. "3des-md5-96", in manualkey.ParseESP's or ParseAH's spelling
		ReplayWindow int
		EncapSrc     uint16 // 0: no UDP encapsulation
		EncapDst     uint16
		KeysOf       string
	}
	// AddComp sets an IPCOMP SA: ipsec spi --said SAID --src SRC --comp deflate.
	AddComp struct {
		SAID said.SAID
		Src  netip.Addr
	}
	// AddTunnel sets an IPIP SA: ipsec spi --said SAID --ip4|--ip6 --src SRC --dst DST.
	AddTunnel struct {
		SAID     said.SAID
		Src, Dst netip.Addr
	}
	// DelSA is ipsec spi --del --said SAID.
	DelSA struct{ SAID said.SAID }
	// GroupSAs chains SAs, innermost first: ipsec spigrp SAID….
	GroupSAs struct{ SAIDs []said.SAID }
	// AddEroute sends a flow to an SA or a shunt, replacing one of the same
	// flow: ipsec eroute --replace --eraf inet|inet6 --src A --dst B
	// [--transport-proto P [--src-port N] [--dst-port N]] --said SAID.
	AddEroute struct {
		Flow Flow
		SAID said.SAID
	}
	// AddInflow lets a flow come out of an SA: ipsec eroute --add --inbound ….
	AddInflow struct {
		Flow Flow
		SAID said.SAID
	}
	// DelEroute is ipsec eroute --del --eraf … --src A --dst B ….
	DelEroute struct{ Flow Flow }
)

// Flow is a traffic selector; Proto 0 and port 0 mean any.
type Flow struct {
	Src, Dst         netip.Prefix
	Proto            uint8
	SrcPort, DstPort uint16
}

// Reverse returns the flow of the answers.
func (f Flow) Reverse() Flow {
	return Flow{Src: f.Dst, Dst: f.Src, Proto: f.Proto, SrcPort: f.DstPort, DstPort: f.SrcPort}
}

// Pluto, by whack(8), and the hooks of connections.
type (
	// Updown runs a connection's own updown command for Verb (up-client,
	// down-client, route-client, … with the v6 and -host forms) with the
	// PLUTO_ variables of Env, each NAME=value, in order:
	// NAME=VALUE … /bin/sh -c COMMAND 9<&-.
	Updown struct {
		Command string
		Env     []string
	}
	// AddConn hands Pluto a connection: ipsec whack --name NAME ARG….
	AddConn struct {
		Name string
		Args []string
	}
	// Listen makes Pluto listen: ipsec whack --listen.
	Listen struct{}
	// RouteConn is ipsec whack --name NAME --route.
	RouteConn struct{ Name string }
	// Initiate is ipsec whack --name NAME --initiate [--asynchronous].
	Initiate struct {
		Name         string
		Asynchronous bool
	}
	// Whack asks Pluto for anything else: ipsec whack ARG…. Its first word is
	// neither --name nor --listen, with which other ops begin.
	Whack struct{ Args []string }
)

// The logins of Disarm.
const (
	NewLogin = "new"
	AnyLogin = "any"
)

func (Log) op()             {}
func (Lock) op()            {}
func (Save) op()            {}
func (Restore) op()         {}
func (Keep) op()            {}
func (Arm) op()             {}
func (Disarm) op()          {}
func (GoBack) op()          {}
func (Ping) op()            {}
func (MakeDir) op()         {}
func (MakeDirs) op()        {}
func (RemoveDir) op()       {}
func (Remove) op()          {}
func (Write) op()           {}
func (Append) op()          {}
func (Touch) op()           {}
func (WritePID) op()        {}
func (AddAddr) op()         {}
func (DelAddr) op()         {}
func (SetMTU) op()          {}
func (LinkUp) op()          {}
func (AddRoute) op()        {}
func (DelRoute) op()        {}
func (RPFilter) op()        {}
func (Modprobe) op()        {}
func (Run) op()             {}
func (StartKlips) op()      {}
func (StartPluto) op()      {}
func (EndDaemon) op()       {}
func (Attach) op()          {}
func (Detach) op()          {}
func (ClearInterfaces) op() {}
func (ClearEroutes) op()    {}
func (ClearSAs) op()        {}
func (AddSA) op()           {}
func (AddComp) op()         {}
func (AddTunnel) op()       {}
func (DelSA) op()           {}
func (GroupSAs) op()        {}
func (AddEroute) op()       {}
func (AddInflow) op()       {}
func (DelEroute) op()       {}
func (Updown) op()          {}
func (AddConn) op()         {}
func (Listen) op()          {}
func (RouteConn) op()       {}
func (Initiate) op()        {}
func (Whack) op()           {}
