package proc

import (
	"fmt"
	"io"
	"strings"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
)

// Tables are what KLIPS holds, for Look.
type Tables struct {
	Eroutes     []klips.Eroute
	Attachments []klips.Attachment
	SAs         []klips.SA
	Drops       []klips.Drop
}

// Read reads the tables of KLIPS.
func Read(table klips.Table) (t Tables, err error) {
	if t.SAs, err = table.ListSAs(); err != nil {
		return t, err
	}
	if t.Eroutes, err = table.ListEroutes(); err != nil {
		return t, err
	}
	if t.Attachments, err = table.ListAttachments(); err != nil {
		return t, err
	}
	t.Drops, err = table.ListDrops()
	return t, err
}

// Look prints the tables as ipsec_look(8) has them: the eroutes with the groups
// that they lead to, the attachments, the SAs and the packets that were dropped;
// now is what ages are counted from.
func Look(w io.Writer, t Tables, now time.Time) error {
	groups := make(map[said.SAID][]said.SAID)
	for _, sa := range t.SAs {
		if len(sa.Group) > 0 && sa.Group[0] == sa.ID {
			groups[sa.ID] = sa.Group
		}
	}
	var b strings.Builder
	for _, eroute := range t.Eroutes {
		leads := eroute.SAID.String()
		if group := groups[eroute.SAID]; group != nil {
			var names []string
			for _, id := range group {
				names = append(names, id.String())
			}
			leads = strings.Join(names, " ")
		}
		fmt.Fprintf(&b, "%-18s -> %-18s => %s (%d)\n", end(eroute.Selector, true), end(eroute.Selector, false), leads, eroute.Packets)
	}
	if err := write(w, &b); err != nil {
		return err
	}
	if err := Tncfg(w, t.Attachments); err != nil {
		return err
	}
	if err := SPI(w, t.SAs, now); err != nil {
		return err
	}
	return Drops(w, t.Drops)
}

// end returns one end of a flow: its prefix, then protocol and port where
// they matter.
func end(s klips.Selector, source bool) string {
	text, port := s.Dst.String(), s.DstPort
	if source {
		text, port = s.Src.String(), s.SrcPort
	}
	if s.Proto != 0 {
		text += fmt.Sprintf(":%d", s.Proto)
		if port != 0 {
			text += fmt.Sprintf(":%d", port)
		}
	}
	return text
}
