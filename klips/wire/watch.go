package wire

import (
	"time"

	"ipsec/klips/netfilter"
	"ipsec/klips/offload"
)

// calm is for how long a rule counts that is not there any more: one that comes and
// goes does not have AF_XDP, whose sockets take time and memory, come and go with it.
const calm = 5 * time.Second

// couldLook stands behind the name of a rule, where one keeps ESP from going past it.
const couldLook = " could look at it"

// A watch is what is known of the rules that could look at raw ESP of the interface.
type watch struct {
	rules   *netfilter.Ruleset // that verdict is of
	link    netfilter.Link     // and that
	verdict netfilter.Verdict
	since   time.Time // when a rule was there last
}

// watcher returns which rules could look at raw ESP, so that it must not go past them.
// The caller holds refreshing.
func (w *Wire) watcher() netfilter.Verdict {
	if w.rules == nil || w.use == offload.On {
		return netfilter.Verdict{}
	}
	k, rules, link := &w.watch, w.rules(), w.state.Load().link
	now := time.Now()
	if k.rules != rules || k.link != link || k.verdict != (netfilter.Verdict{}) {
		verdict := rules.Of(link)
		if verdict == (netfilter.Verdict{}) && k.verdict != verdict && now.Sub(k.since) < calm {
			return k.verdict
		}
		*k = watch{rules: rules, link: link, verdict: verdict, since: now}
	}
	return k.verdict
}

// Watcher returns the rule that keeps raw ESP from going by AF_XDP, for a person; ""
// where it is none, or AF_XDP would not be used in any case.
func (w *Wire) Watcher() string {
	w.refreshing.Lock()
	defer w.refreshing.Unlock()
	if w.use == offload.Off || w.express.program == nil || w.raw.plain == nil || w.traffic != (Traffic{Raw: true}) {
		return ""
	}
	return w.watch.verdict.First()
}
