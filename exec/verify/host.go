package verify

import (
	"fmt"
	"io/fs"

	"ipsec/klips/offload"
	"ipsec/plan"
	"ipsec/pluto/natt"
)

// The checks of what else the host has to offer.

func (m Machine) tunDevice() []Finding {
	if !m.known() {
		return nil
	}
	asks := "Device " + m.TUN.Path
	switch {
	case !m.runs(plan.Klips):
		return single(found(asks, OK, "not needed: protostack="+m.Config.Setup.Protostack))
	case m.TUN.Err != nil && m.Facts.Modprobe:
		return single(found(asks, Warning, "not there; start tries modprobe tun"))
	case m.TUN.Err != nil:
		return single(wants(asks, Failed, "not there, and KLIPS needs it", "load the module tun"))
	case m.TUN.Mode&fs.ModeCharDevice == 0:
		return single(found(asks, Failed, "expected a character device"))
	case m.TUN.Open != nil:
		return single(broken(asks, Failed, m.TUN.Open))
	}
	return single(found(asks, OK))
}

// ports looks whether what is not ours has the ports of IKE and of ESP in UDP.
func (m Machine) ports() []Finding {
	var all []Finding
	for _, port := range []uint16{natt.PortIKE, natt.Port} {
		f := found(fmt.Sprintf("UDP port %d", port), OK)
		const end = "end that one first (ss -lunp tells which)"
		ours := m.Facts.Running.Pluto || port == natt.Port && m.Facts.Running.Klips
		switch {
		case port == natt.PortIKE && m.ConfigErr == nil && !m.runs(plan.Pluto):
			f = found(f.Asks, OK, "not needed: pluto=no")
		case m.BoundErr != nil:
			f = broken(f.Asks, Warning, m.BoundErr)
		case m.Bound[port] && ours:
			f = found(f.Asks, OK, "ours")
		case m.Bound[port] && port == natt.PortIKE:
			f = wants(f.Asks, Failed, "another program has it, and Pluto needs it", end)
		case m.Bound[port]:
			f = wants(f.Asks, Warning, "another program has it", end)
		}
		all = append(all, f)
	}
	return all
}

func (m Machine) syslog() []Finding {
	const asks = "Syslog /dev/log"
	if m.SyslogErr != nil {
		return single(found(asks, Warning, "nothing listens there: what start says goes to standard output alone"))
	}
	return single(found(asks, OK))
}

// offloads says of a KLIPS that runs in which ways the kernel hands packets over
// by the piece, and why not in others. It works without them, but slower.
func (m Machine) offloads() []Finding {
	if m.KlipsErr != nil {
		return single(broken("Offloads", Warning, m.KlipsErr))
	}
	var all []Finding
	for _, a := range m.Attachments {
		f := found("Offloads of "+a.Virtual+" on "+a.Physical, OK, a.Offloads)
		if a.Watcher != "" {
			f.Details = append(f.Details, Detail{Found: "ESP on " + a.Physical + " is kept from AF_XDP: " + a.Watcher + " could look at it; " + offload.Gain})
		}
		all = append(all, f)
	}
	return all
}
