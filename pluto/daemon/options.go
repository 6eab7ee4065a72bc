package daemon

import (
	"ipsec/conf"
)

// Options are the options of pluto(8), as "config setup" of ipsec.conf gives them.
type Options struct {
	Paths   conf.Paths
	Dir     string // ipsec.d
	Secrets string // ipsec.secrets
	CtlBase string // what .pid and .ctl are appended to

	Debug          []string
	UniqueIDs      bool
	NoCRSend       bool
	StrictCRL      string // "no", "yes" or "ifuri"
	NATTraversal   bool
	VirtualPrivate string // %v4:…,%v4:!…
	KeepAlive      int    // seconds between NAT keepalives; 0: the default
	ForceKeepAlive bool
	MyID           string // what %myid stands for; "" for the address
}

// PIDFile is Pluto's lock file.
func (o *Options) PIDFile() string { return o.CtlBase + ".pid" }

// Control is the control socket.
func (o *Options) Control() string { return o.CtlBase + ".ctl" }
