package health

import (
	"fmt"

	"ipsec/klips/offload"
)

// Report returns the lines of ipsec setup status, and whether anything is
// strange: that does not fit the state that ipsec_setup.pid stands for.
func (h Health) Report() (lines []string, strange bool) {
	lines, strange = h.report()
	if h.Waiting != "" {
		lines = append(lines, h.Waiting)
	}
	return lines, strange
}

func (h Health) report() (lines []string, strange bool) {
	odd := h.oddities()
	if h.Setup {
		lines = append(lines, "IPsec running")
	} else {
		lines = append(lines, "IPsec stopped")
	}
	if len(odd) > 0 {
		return append(append(lines, "but..."), odd...), true
	}
	if !h.Setup {
		return lines, false
	}
	if h.WantPluto {
		lines = append(lines, fmt.Sprintf("pluto pid %d", h.PlutoPID))
	} else {
		lines = append(lines, "no pluto is wanted (pluto=no)")
	}
	switch {
	case !h.WantKlips:
	case h.Tunnels >= 0:
		lines = append(lines, fmt.Sprintf("%d tunnels up", h.Tunnels))
	case !h.Super:
		lines = append(lines, "tunnels up: only the superuser may ask")
	}
	for _, w := range h.Watched {
		lines = append(lines, fmt.Sprintf("ESP on %s is kept from AF_XDP: %s could look at it; %s", w.Physical, w.Rule, offload.Gain))
	}
	return lines, false
}

// oddities lists what does not fit.
func (h Health) oddities() (odd []string) {
	add := func(when bool, format string, args ...any) {
		if when {
			odd = append(odd, fmt.Sprintf(format, args...))
		}
	}
	pidFile, info := h.Paths.PlutoPID(), h.Paths.Info()
	if h.Setup {
		add(!h.Info, "%s is missing", info)
		add(h.WantKlips && !h.Klips, "no KLIPS is running")
		add(h.Klips && h.Tunnels < 0 && h.Super, "KLIPS does not answer: %v", h.TunnelsErr)
		add(h.WantPluto && !h.Pluto && h.PlutoFile, "%s is there, but no pluto is running", pidFile)
		add(h.WantPluto && !h.Pluto && !h.PlutoFile, "no pluto is running")
		add(!h.WantPluto && h.Pluto, "pluto is running (pid %d), but pluto=no", h.PlutoPID)
		return append(append(odd, h.strays()...), h.Missing...)
	}
	add(h.Klips, "KLIPS is running")
	add(h.Pluto, "pluto is running (pid %d)", h.PlutoPID)
	add(h.PlutoFile && !h.Pluto, "%s is there", pidFile)
	odd = append(odd, h.strays()...)
	add(h.Info, "%s is there", info)
	for _, name := range h.Interfaces {
		add(true, "the interface %s is there", name)
	}
	return odd
}

// strays lists the Plutos that are illicit, because they do not match pluto.pid,
// or orphaned, because there is none.
func (h Health) strays() (list []string) {
	for _, pid := range h.Plutos {
		switch {
		case !h.PlutoFile:
			list = append(list, fmt.Sprintf("an orphaned pluto is running (pid %d): there is no %s", pid, h.Paths.PlutoPID()))
		case pid != h.PlutoPID && (h.PlutoPID != 0 || !h.Pluto):
			list = append(list, fmt.Sprintf("an illicit pluto is running (pid %d): it does not match %s", pid, h.Paths.PlutoPID()))
		}
	}
	return list
}
