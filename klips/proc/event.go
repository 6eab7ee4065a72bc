package proc

import (
	"fmt"

	"ipsec/klips"
	"ipsec/klips/said"
)

// Event returns an event in words, under the names of RFC 2367, and the protocol
// of its SA; 0 for one that is about no SA.
func Event(event klips.Event) (text string, proto said.Proto) {
	switch event := event.(type) {
	case klips.Acquire:
		text = fmt.Sprintf("ACQUIRE %s, trapped by %s", selector(event.Packet), selector(event.Trap))
		if event.Ident != ([2]string{}) {
			text += fmt.Sprintf(", identities %q and %q", event.Ident[0], event.Ident[1])
		}
		return text, 0
	case klips.Expire:
		kind := "soft"
		if event.Hard {
			kind = "hard"
		}
		return fmt.Sprintf("EXPIRE %s %s, %d bytes, %d packets", kind, event.ID, event.Usage.Bytes, event.Usage.Packets), event.ID.Proto
	case klips.NewMapping:
		return fmt.Sprintf("NAT_T_NEW_MAPPING %s from %s to %s", event.ID, event.Old, event.New), event.ID.Proto
	}
	return fmt.Sprintf("%T", event), 0
}

// selector returns a flow as Look shows one.
func selector(s klips.Selector) string {
	return end(s, true) + " -> " + end(s, false)
}
