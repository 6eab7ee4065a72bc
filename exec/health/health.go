// Package health says how the subsystem is: what ipsec setup status reports.
// Gather asks who knows it now (the locks, KLIPS, /proc) and changes nothing;
// Report puts it in the words of ipsec_setup(8).
package health

import (
	"net/netip"
	"os"
	"slices"
	"sync"

	"ipsec/conf"
	"ipsec/exec/confirm"
	"ipsec/exec/drift"
	"ipsec/exec/host"
	"ipsec/exec/loaded"
	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/klips/process"
	"ipsec/klips/tun"
	"ipsec/plan"
	"ipsec/plan/compile"
	"ipsec/pluto/whack/status"
)

// Health is what is found of an instance.
type Health struct {
	Paths conf.Paths
	Super bool // the superuser asks

	Setup     bool // ipsec_setup.pid is there: a start has been, and no stop
	Info      bool // ipsec.info is there
	Klips     bool // KLIPS holds its lock
	Pluto     bool // Pluto holds its lock
	PlutoPID  int  // of the Pluto that holds the lock; 0 where nobody tells
	PlutoFile bool // pluto.pid is there
	// Plutos are the processes that run Pluto for this instance, whatever
	// pluto.pid says.
	Plutos     []int
	WantKlips  bool
	WantPluto  bool
	Interfaces []string // virtual interfaces that this program made
	Tunnels    int      // SAs that eroutes lead to; -1: could not be asked
	TunnelsErr error    // why not
	Watched    []Watched
	Missing    []string // what start made of the network and is not there any more
	Waiting    string   // that ipsec.conf has changes which nobody has confirmed; "": it has none
}

// Watched is a physical interface whose raw ESP does not go by AF_XDP because of a rule
// of netfilter.
type Watched struct {
	Physical string `json:"physical"`
	Rule     string `json:"rule"`
}

// Gather looks at an instance. What is wanted is what a start with its
// ipsec.conf would run; where that cannot be read, what runs is taken to be
// wanted.
func Gather(paths conf.Paths) (Health, error) {
	facts, err := host.Gather(paths)
	if err != nil {
		return Health{}, err
	}
	h := Health{
		Paths: paths, Super: os.Geteuid() == 0,
		Setup:     facts.Running.Setup,
		Info:      exists(paths.Info()),
		Klips:     facts.Running.Klips,
		Pluto:     facts.Running.Pluto,
		PlutoFile: exists(paths.PlutoPID()),
		Plutos:    plutos("/proc", paths),
		WantKlips: true,
		WantPluto: facts.Running.Pluto,
		Tunnels:   -1,
	}
	if config, err := conf.Load(paths); err == nil {
		parts := compile.Parts(config)
		h.WantKlips, h.WantPluto = slices.Contains(parts, plan.Klips), slices.Contains(parts, plan.Pluto)
	}
	if h.Pluto {
		h.PlutoPID, _, _ = process.Alive(paths.PlutoPID())
	}
	if h.Interfaces, err = tun.Ours(); err != nil {
		return Health{}, err
	}
	if h.Setup {
		if h.Missing, err = drift.Look(facts.Running.Info, h.routed()); err != nil {
			return Health{}, err
		}
	}
	if h.Klips {
		h.askKlips()
	}
	if wait, waits := confirm.Pending(paths); waits {
		h.Waiting = wait.String() + `: run "ipsec setup confirm" from a new login, or "ipsec setup revert"`
	} else if confirm.Unconfirmed(paths) {
		h.Waiting = "ipsec.conf has changes that nobody has confirmed: " + paths.Confirmed() + " is what the next start takes"
	}
	return h, nil
}

// routed returns what tells whether a connection of Pluto is routed to a destination. Pluto is asked once, when that is
// first needed, and tells only the superuser: others hear of no route that Pluto has made.
func (h *Health) routed() func(netip.Prefix) bool {
	ask := sync.OnceValue(func() []status.LoadedDoc {
		if !h.Super || !h.Pluto {
			return nil
		}
		list, _ := loaded.Ask(h.Paths.PlutoCtl()) // a Pluto that does not answer has routes that nobody knows
		return list
	})
	return func(dst netip.Prefix) bool {
		return slices.ContainsFunc(ask(), func(c status.LoadedDoc) bool { return c.Routed && loaded.Leads(c.Peers, dst) })
	}
}

// askKlips asks KLIPS how many SAs its eroutes lead to, and what rules keep ESP from
// going past netfilter.
func (h *Health) askKlips() {
	table, err := client.Dial(h.Paths.KlipsCtl())
	if err != nil {
		h.TunnelsErr = err
		return
	}
	defer table.Close()
	eroutes, err := table.ListEroutes()
	if err != nil {
		h.TunnelsErr = err
		return
	}
	h.Tunnels = tunnels(eroutes)
	attachments, err := table.ListAttachments()
	if err != nil {
		h.Tunnels, h.TunnelsErr = -1, err
	}
	for _, a := range attachments {
		if a.Watcher != "" {
			h.Watched = append(h.Watched, Watched{a.Physical, a.Watcher})
		}
	}
}

// tunnels counts the SAs that eroutes lead to; a shunt is none.
func tunnels(eroutes []klips.Eroute) int {
	seen := make(map[string]bool)
	for _, eroute := range eroutes {
		if eroute.Shunt() == klips.ShuntNone {
			seen[eroute.SAID.String()] = true
		}
	}
	return len(seen)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
