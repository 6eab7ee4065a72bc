package info

import (
	"net/netip"
	"strconv"
)

// The names of the lines. A line whose name is a path is a Setting.
const (
	nameConfig       = "config"
	nameRunDir       = "rundir"
	nameSubsys       = "subsys"
	nameInterface    = "interface"
	nameAddress      = "address"
	nameRoute        = "route"
	nameUnroute      = "unroute"
	nameHook         = "hook"
	nameUnhook       = "unhook"
	nameDefaultRoute = "defaultroute" // and what of it: phys, virt, addr or nexthop
)

// The values of lines that have one value only.
const (
	made    = "made"
	started = "started"
)

// A Line is a line of ipsec.info. String returns it as it is written, without
// the newline that ends it.
type Line interface {
	String() string
	line()
}

// What start did.
type (
	// Config is the ipsec.conf that was started: config=FILE.
	Config string
	// RunDirMade says that start made the run folder: rundir=made.
	RunDirMade struct{}
	// Subsys is the subsystem lock, which start made: subsys=FILE.
	Subsys string
	// Started is a daemon that start started: klips=started or pluto=started.
	Started string
	// Interface is a virtual interface on its physical one:
	// interface=VIRTUAL PHYSICAL.
	Interface struct{ Virtual, Physical string }
	// Address is an address that a virtual interface was given:
	// address=LINK PREFIX.
	Address struct {
		Link   string
		Prefix netip.Prefix
	}
	// DefaultRoute is what interfaces=%defaultroute stood for, for people and
	// for ipsec showdefaults: defaultroutephys=LINK and the like.
	DefaultRoute struct {
		Of    DefaultRouteOf
		Value string
	}
	// Setting is a kernel setting and the value that it had before: PATH=VALUE.
	// The value has no "=", which a path may have.
	Setting struct{ Path, Value string }
)

// What connections did, which may be undone while the subsystem runs.
type (
	// Route is a route into a virtual interface: route=LINK DST [METRIC].
	Route struct {
		Dst    netip.Prefix
		Link   string
		Metric int // 0: none
	}
	// Unroute says that a Route was taken back: unroute=LINK DST [METRIC].
	Unroute Route
	// Unhook says that the command of a Hook went down: unhook=, and the same words.
	Unhook Hook
)

// The daemons that Started may be.
const (
	Klips Started = "klips"
	Pluto Started = "pluto"
)

// DefaultRouteOf is which part of the default route a line gives.
type DefaultRouteOf string

// The parts of the default route.
const (
	DefaultPhysical DefaultRouteOf = "phys"
	DefaultVirtual  DefaultRouteOf = "virt"
	DefaultAddress  DefaultRouteOf = "addr"
	DefaultNextHop  DefaultRouteOf = "nexthop"
)

func (Config) line()       {}
func (RunDirMade) line()   {}
func (Subsys) line()       {}
func (Started) line()      {}
func (Interface) line()    {}
func (Address) line()      {}
func (DefaultRoute) line() {}
func (Setting) line()      {}
func (Route) line()        {}
func (Unroute) line()      {}
func (Hook) line()         {}
func (Unhook) line()       {}

func (l Config) String() string       { return nameConfig + "=" + string(l) }
func (l RunDirMade) String() string   { return nameRunDir + "=" + made }
func (l Subsys) String() string       { return nameSubsys + "=" + string(l) }
func (l Started) String() string      { return string(l) + "=" + started }
func (l Interface) String() string    { return nameInterface + "=" + l.Virtual + " " + l.Physical }
func (l Address) String() string      { return nameAddress + "=" + l.Link + " " + l.Prefix.String() }
func (l DefaultRoute) String() string { return nameDefaultRoute + string(l.Of) + "=" + l.Value }
func (l Setting) String() string      { return l.Path + "=" + l.Value }
func (l Route) String() string        { return nameRoute + "=" + l.value() }
func (l Unroute) String() string      { return nameUnroute + "=" + Route(l).value() }
func (l Hook) String() string         { return nameHook + "=" + l.value() }
func (l Unhook) String() string       { return nameUnhook + "=" + Hook(l).value() }

func (l Route) value() string {
	s := l.Link + " " + l.Dst.String()
	if l.Metric != 0 {
		s += " " + strconv.Itoa(l.Metric)
	}
	return s
}
