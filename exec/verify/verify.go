// Package verify checks what a start needs of a machine. Gather looks at the
// machine and changes nothing; Check says what it makes of that, without
// looking again. What a start would do is asked of package compile.
package verify

import (
	"io/fs"

	"ipsec/conf"
)

// Verdict is the outcome of a check.
type Verdict string

// The verdicts. A start goes through with warnings, and not with a failure.
const (
	OK      Verdict = "OK"
	Warning Verdict = "WARNING"
	Failed  Verdict = "FAILED"
)

// Finding is the outcome of one check.
type Finding struct {
	Asks    string // what was looked at, such as "Interface eth0"
	Verdict Verdict
	Details []Detail // none where all is well and there is nothing to add
}

// Detail is something that was found, and what to do about it.
type Detail struct {
	Found string
	Do    string // may be empty
}

// String returns the detail on one line.
func (d Detail) String() string {
	if d.Do == "" {
		return d.Found
	}
	return d.Found + ": " + d.Do
}

// Check makes all checks, in the order in which a start needs things.
func (m Machine) Check() []Finding {
	var all []Finding
	for _, check := range []func(Machine) []Finding{
		Machine.binary, Machine.user, Machine.configuration, Machine.plan,
		Machine.interfaces, Machine.tunDevice, Machine.connections, Machine.forwarding, Machine.reversePath,
		Machine.secrets, Machine.keyFolder, Machine.keyFiles,
		Machine.ports, Machine.runFolder, Machine.syslog, Machine.offloads,
	} {
		all = append(all, check(m)...)
	}
	return all
}

// Effects lists what the daemons change while they run, outside the steps of a
// plan: a line each.
func Effects() []string {
	return []string{
		"klips: the links ipsec0 … ipsecN that tncfg asked for, their MTU and their carrier, and their ignore_routes_with_linkdown, which is off",
		"klips: the XDP program ipsec_esp on the physical interfaces, which is on while there are SAs of raw ESP and no rule of netfilter could look at that, and goes with it",
		"klips: its lock and its sockets in the run folder",
		"pluto: the SAs and eroutes of its connections, in KLIPS",
		"pluto: routes into ipsec0 … ipsecN for its connections, or what their updown commands do",
		"pluto: notes in ipsec.info of what stop has to take back of that",
		"pluto: its lock and its socket in the run folder, and the log of plutostderrlog=",
	}
}

// found returns a finding with a detail for each of found, without what to do.
func found(asks string, verdict Verdict, found ...string) Finding {
	f := Finding{Asks: asks, Verdict: verdict}
	for _, text := range found {
		f.Details = append(f.Details, Detail{Found: text})
	}
	return f
}

// wants returns a finding with one detail.
func wants(asks string, verdict Verdict, found, do string) Finding {
	return Finding{asks, verdict, []Detail{{found, do}}}
}

// broken returns the finding of an error.
func broken(asks string, verdict Verdict, err error) Finding {
	return found(asks, verdict, conf.Lines(err)...)
}

// single returns the findings of a check that has one.
func single(f Finding) []Finding { return []Finding{f} }

// othersMay reports whether users other than a file's owner have any of these
// permissions on it.
func othersMay(f File, permissions fs.FileMode) bool { return f.Err == nil && f.Mode&permissions != 0 }

// Permissions of users other than a file's owner.
const (
	othersWrite fs.FileMode = 0o022
	othersAny   fs.FileMode = 0o077
)
