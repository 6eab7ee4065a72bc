package main

import (
	"fmt"
	"os"

	"ipsec/conf"
	"ipsec/exec/host"
	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/klips/process"
	"ipsec/klips/tun"
)

// health is what status looks at.
type health struct {
	lock       bool // ipsec_setup.pid is there
	info       bool // ipsec.info is there
	klips      bool // KLIPS lives
	pluto      bool // Pluto lives
	plutoPID   int
	plutoFile  bool  // pluto.pid is there
	plutos     []int // that run, whatever the file says
	wantKlips  bool
	wantPluto  bool
	interfaces []string // virtual interfaces of ours
	tunnels    int      // -1: could not be asked
	asked      error    // why not
}

// status is ipsec setup status: it reports, and says with its exit status
// whether anything is strange.
func status(e *env) error {
	h, err := examine(e)
	if err != nil {
		return err
	}
	lines, strange := h.report(e.Paths)
	for _, line := range lines {
		fmt.Fprintln(e.Stdout, line)
	}
	if strange {
		return exitStatus(1)
	}
	return nil
}

// examine looks at the machine. What is wanted comes from ipsec.conf; where
// that cannot be read, what runs is taken to be wanted.
func examine(e *env) (health, error) {
	facts, err := host.Gather(e.Paths)
	if err != nil {
		return health{}, err
	}
	h := health{
		lock:      facts.Running.Setup,
		klips:     facts.Running.Klips,
		pluto:     facts.Running.Pluto,
		info:      exists(e.Paths.Info()),
		plutoFile: exists(e.Paths.PlutoPID()),
		wantKlips: true,
		wantPluto: facts.Running.Pluto,
		tunnels:   -1,
		plutos:    plutos("/proc", e.Paths),
	}
	if config, err := conf.Load(e.Paths); err == nil {
		h.wantPluto = config.Setup.Pluto
		h.wantKlips = config.Setup.Protostack != "none"
	}
	if h.pluto {
		h.plutoPID, _, _ = process.Alive(e.Paths.PlutoPID())
	}
	if h.interfaces, err = tun.Ours(); err != nil {
		return health{}, err
	}
	if h.klips {
		h.tunnels, h.asked = countTunnels(e.Paths)
	}
	return h, nil
}

// countTunnels asks KLIPS how many SAs its eroutes lead to.
func countTunnels(paths conf.Paths) (int, error) {
	table, err := client.Dial(paths.KlipsCtl())
	if err != nil {
		return -1, err
	}
	defer table.Close()
	eroutes, err := table.ListEroutes()
	if err != nil {
		return -1, err
	}
	return tunnels(eroutes), nil
}

// tunnels counts the SAs that eroutes lead to; shunts are none.
func tunnels(eroutes []klips.Eroute) int {
	seen := make(map[string]bool)
	for _, eroute := range eroutes {
		if eroute.Shunt() == klips.ShuntNone {
			seen[eroute.SAID.String()] = true
		}
	}
	return len(seen)
}

// report puts the findings in the words of ipsec_setup(8), and says whether
// anything is strange.
func (h health) report(paths conf.Paths) (lines []string, strange bool) {
	odd := h.oddities(paths)
	if h.lock {
		lines = append(lines, "IPsec running")
	} else {
		lines = append(lines, "IPsec stopped")
	}
	if len(odd) > 0 {
		return append(append(lines, "but..."), odd...), true
	}
	if !h.lock {
		return lines, false
	}
	if h.wantPluto {
		lines = append(lines, fmt.Sprintf("pluto pid %d", h.plutoPID))
	} else {
		lines = append(lines, "no pluto is wanted (pluto=no)")
	}
	switch {
	case !h.wantKlips:
	case h.tunnels >= 0:
		lines = append(lines, fmt.Sprintf("%d tunnels up", h.tunnels))
	case os.Geteuid() != 0:
		lines = append(lines, "tunnels up: only the superuser may ask")
	}
	return lines, false
}

// oddities lists what does not fit the state that the lock stands for.
func (h health) oddities(paths conf.Paths) (odd []string) {
	add := func(when bool, format string, args ...any) {
		if when {
			odd = append(odd, fmt.Sprintf(format, args...))
		}
	}
	if h.lock {
		add(!h.info, "%s is missing", paths.Info())
		add(h.wantKlips && !h.klips, "no KLIPS is running")
		add(h.klips && h.tunnels < 0 && os.Geteuid() == 0, "KLIPS does not answer: %v", h.asked)
		add(h.wantPluto && !h.pluto && h.plutoFile, "%s is there, but no pluto is running", paths.PlutoPID())
		add(h.wantPluto && !h.pluto && !h.plutoFile, "no pluto is running")
		add(!h.wantPluto && h.pluto, "pluto is running (pid %d), but pluto=no", h.plutoPID)
		return append(odd, h.strays(paths)...)
	}
	add(h.klips, "KLIPS is running")
	add(h.pluto, "pluto is running (pid %d)", h.plutoPID)
	add(h.plutoFile && !h.pluto, "%s is there", paths.PlutoPID())
	odd = append(odd, h.strays(paths)...)
	add(h.info, "%s is there", paths.Info())
	for _, name := range h.interfaces {
		add(true, "the interface %s is there", name)
	}
	return odd
}

// strays lists the Plutos that are illicit, for they do not match the lock file,
// or orphaned, for there is none.
func (h health) strays(paths conf.Paths) (list []string) {
	for _, pid := range h.plutos {
		switch {
		case !h.plutoFile:
			list = append(list, fmt.Sprintf("an orphaned pluto is running (pid %d): there is no %s", pid, paths.PlutoPID()))
		case pid != h.plutoPID && (h.plutoPID != 0 || !h.pluto):
			list = append(list, fmt.Sprintf("an illicit pluto is running (pid %d): it does not match %s", pid, paths.PlutoPID()))
		}
	}
	return list
}

// exists reports whether there is a file of that name.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
