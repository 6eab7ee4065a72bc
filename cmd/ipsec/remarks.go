package main

import (
	"fmt"
	"net/netip"
	"strings"

	"ipsec/conf"
	"ipsec/plan"
	"ipsec/plan/compile"
)

// refusals returns which conns a verb does not load or bring up for what stands in them, each at its line, which
// the plan does not name: of a plan for another host, the line of the file that was read here.
func (c *setupCmd) refusals(e *env, verb plan.Verb, config *conf.Config, facts plan.Facts) []string {
	if verb == plan.Stop || config == nil {
		return nil
	}
	if c.Facts != "" {
		config.Relocate(facts.Paths.Conf, e.Paths.Conf)
	}
	var lines []string
	for _, d := range compile.Refused(config, facts) {
		lines = append(lines, "warning: "+d.String())
	}
	return lines
}

// cutOff returns a warning for who has come by SSH to run a verb that leads the packets of that very
// connection into KLIPS; "" where none is needed. No plan has it, which knows nothing of who runs it.
func cutOff(session string, verb plan.Verb, config *conf.Config, facts plan.Facts, paths conf.Paths) string {
	words := strings.Fields(session) // the peer's address and port, and ours, as sshd(8) has them
	if verb == plan.Stop || config == nil || len(words) != 4 {
		return ""
	}
	peer, err := netip.ParseAddr(words[0])
	if err != nil {
		return ""
	}
	peer = peer.Unmap().WithZone("")
	promise, err := compile.Promised(config, facts, paths)
	if err != nil {
		return "" // which is said where the plan is made
	}
	name, dst := promise.Taken(peer)
	if name == "" {
		return ""
	}
	return fmt.Sprintf("warning: you have come by SSH from %s, and conn %q takes all packets to %s: your connection hangs where that conn does not carry it, "+
		"or while the peer is down; have another way in, or a conn of type=passthrough for your address", peer, name, dst)
}

// warnOfSSH warns who sits at the other end of a connection that the verb may cut.
func (c *setupCmd) warnOfSSH(e *env, verb plan.Verb, config *conf.Config, facts plan.Facts) {
	if c.Facts != "" {
		return // it is another host's
	}
	if text := cutOff(e.Getenv("SSH_CONNECTION"), verb, config, facts, e.Paths); text != "" {
		fmt.Fprintln(e.Stderr, text)
	}
}
