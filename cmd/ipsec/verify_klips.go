package main

import (
	"ipsec/klips/client"
)

// offloads says of a KLIPS that runs in which ways the kernel hands packets over
// by the piece, and why not in others. It works without them, but slower.
func (m *machine) offloads() []finding {
	if !m.super || m.factsErr != nil || !m.facts.Running.Klips {
		return nil
	}
	table, err := client.Dial(m.paths.KlipsCtl())
	if err != nil {
		return []finding{{"Offloads", warning, []string{err.Error()}}}
	}
	defer table.Close()
	list, err := table.ListAttachments()
	if err != nil {
		return []finding{{"Offloads", warning, []string{err.Error()}}}
	}
	var all []finding
	for _, a := range list {
		all = append(all, finding{"Offloads of " + a.Virtual + " on " + a.Physical, good, []string{a.Offloads}})
	}
	return all
}
