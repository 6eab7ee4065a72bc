package cmdline

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"ipsec/conf/identity"
	"ipsec/conf/proposal"
	"ipsec/pluto"
)

// Format returns the command line that Parse reads as the addition of c, which
// is neither an instance nor oriented.
func Format(c *pluto.Connection) []string {
	var w words
	w.value("--name", c.Name)
	return append(w, Describe(c)...)
}

// Describe returns what Format does, without the name.
func Describe(c *pluto.Connection) []string {
	var w words
	w.value("--connalias", c.Alias)
	for _, m := range c.AuthBy {
		w.flag(true, authOption(m))
	}
	switch {
	case c.Shunt == pluto.ShuntPass:
		w.flag(true, "--pass")
	case c.Shunt == pluto.ShuntDrop:
		w.flag(true, "--drop")
	case c.Shunt == pluto.ShuntReject:
		w.flag(true, "--reject")
	default:
		w.flag(c.Protocol == pluto.ESP, "--encrypt")
		w.flag(c.Protocol == pluto.AH, "--authenticate")
		w.flag(c.Mode == pluto.TunnelMode, "--tunnel")
	}
	w.flag(c.Compress, "--compress")
	w.flag(c.PFS, "--pfs")
	w.value("--pfsgroup", c.PFSGroup)
	w.flag(c.Aggressive, "--aggrmode")
	w.flag(c.ForceEncaps, "--forceencaps")
	w.flag(c.ModeCfgPull, "--modecfgpull")
	w.flag(!c.Rekey, "--dontrekey")
	w.flag(c.Reauth, "--reauth")
	w.flag(!c.Versions.IKEv1, "--ikev1-disable")
	w.flag(c.Versions.IKEv2, "--ikev2-allow")
	w.flag(c.Versions.ProposeIKEv2, "--ikev2-propose")
	w.proposals("--ike", c.IKE)
	if c.Protocol == pluto.AH {
		w.proposals("--ah", c.ESP)
	} else {
		w.proposals("--esp", c.ESP)
	}
	w.value("--esn", textOf(c.ESN, esnWords()))
	if c.Fragmentation != pluto.FragmentationYes {
		w.value("--fragmentation", textOf(c.Fragmentation, fragmentations()))
	}
	switch c.FailureShunt {
	case pluto.ShuntPass:
		w.flag(true, "--failpass")
	case pluto.ShuntDrop:
		w.flag(true, "--faildrop")
	case pluto.ShuntReject:
		w.flag(true, "--failreject")
	}
	w.flag(c.NegotiationShunt == pluto.ShuntPass, "--negopass")
	w.value("--xauthby", c.XAuthBy)
	w.lifetimes(c)
	w.flag(c.Local.Host.Addr.Is6() || c.Remote.Host.Addr.Is6(), "--ipv6")
	w.end(&c.Local)
	w.flag(true, "--to")
	w.end(&c.Remote)
	return w
}

// words gathers a command line.
type words []string

func (w *words) flag(is bool, name string) {
	if is {
		*w = append(*w, name)
	}
}

// value adds an option with its value, unless that is empty. One that looks
// like an option itself is joined to its own.
func (w *words) value(name, v string) {
	switch {
	case v == "":
	case strings.HasPrefix(v, "--"):
		*w = append(*w, name+"="+v)
	default:
		*w = append(*w, name, v)
	}
}

func (w *words) number(is bool, name string, n int) {
	if is {
		w.value(name, strconv.Itoa(n))
	}
}

func (w *words) seconds(is bool, name string, d time.Duration) {
	w.number(is, name, int(d/time.Second))
}

func (w *words) proposals(name string, l proposal.List) {
	if len(l.Proposals) > 0 {
		w.value(name, l.String())
	}
}

func (w *words) lifetimes(c *pluto.Connection) {
	w.seconds(true, "--ikelifetime", c.IKELifetime)
	w.seconds(true, "--ipseclifetime", c.ChildLifetime)
	w.seconds(true, "--rekeymargin", c.RekeyMargin)
	w.number(true, "--rekeyfuzz", c.RekeyFuzz)
	w.number(true, "--keyingtries", c.KeyingTries)
	w.seconds(c.DPD.Delay > 0, "--dpddelay", c.DPD.Delay)
	w.seconds(c.DPD.Timeout > 0, "--dpdtimeout", c.DPD.Timeout)
	if c.DPD.Delay > 0 || c.DPD.Action != pluto.DPDHold {
		w.value("--dpdaction", textOf(c.DPD.Action, dpdActions()))
	}
	w.number(c.ReplayWindow >= 0, "--replay-window", c.ReplayWindow)
	w.number(c.MTU > 0, "--mtu", c.MTU)
	w.number(c.Metric > 0, "--metric", c.Metric)
}

func (w *words) end(e *pluto.End) {
	if e.ID != (identity.ID{}) {
		w.value("--id", formatID(e.ID))
	}
	w.value("--host", e.Host.String())
	w.number(e.IKEPort > 0, "--ikeport", int(e.IKEPort))
	w.value("--auth", string(e.Auth))
	w.value("--cert", e.Cert)
	w.value("--ca", e.CA)
	if e.Cert != "" || e.SendCert != pluto.SendCertAlways {
		w.value("--sendcert", textOf(e.SendCert, sendCerts()))
	}
	w.value("--groups", e.Groups)
	for _, key := range e.PublicKeys {
		w.value("--pubkey", key)
	}
	w.addr("--nexthop", e.NextHop)
	w.value("--client", e.Virtual)
	var clients []string
	for _, client := range e.Clients {
		clients = append(clients, client.String())
	}
	w.value("--client", strings.Join(clients, ","))
	if e.Within.IsValid() {
		w.value("--clientwithin", e.Within.String())
	}
	if e.Proto != 0 {
		port := strconv.Itoa(int(e.Port))
		if e.AnyPort {
			port = "%any"
		}
		w.value("--clientprotoport", fmt.Sprintf("%d/%s", e.Proto, port))
	}
	w.addr("--srcip", e.SourceIP)
	w.flag(e.AllowAny, "--allowany")
	w.flag(e.XAuthServer, "--xauthserver")
	w.flag(e.XAuthClient, "--xauthclient")
	w.value("--xauthname", e.XAuthName)
	w.flag(e.ModeCfgServer, "--modecfgserver")
	w.flag(e.ModeCfgClient, "--modecfgclient")
	w.value("--updown", e.Updown)
}

func (w *words) addr(name string, a netip.Addr) {
	if a.IsValid() {
		w.value(name, a.String())
	}
}
