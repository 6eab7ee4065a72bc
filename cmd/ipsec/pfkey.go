package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/klips/said"
)

// pfkeyCmd is ipsec pf_key, ipsec_pf_key(8).
type pfkeyCmd struct {
	Ah     bool `help:"Only messages of AH. Those of no protocol, such as requests for keys, come always."`
	Esp    bool `help:"Only messages of ESP."`
	Ipip   bool `help:"Only messages of tunnels."`
	Ipcomp bool `help:"Only messages of IPCOMP."`
}

// Run prints the messages of KLIPS as they come, until it is interrupted.
func (c *pfkeyCmd) Run(e *env) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	kernel, err := client.Dial(e.Paths.KlipsCtl())
	if err != nil {
		return err
	}
	defer kernel.Close()
	events, err := kernel.Register(ctx)
	if err != nil {
		return err
	}
	defer events.Close()
	err = c.print(e.Stdout, events.Next, time.Now)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// print writes a line for each event that is asked for.
func (c *pfkeyCmd) print(w io.Writer, next func() (klips.Event, error), now func() time.Time) error {
	for {
		event, err := next()
		if err != nil {
			return err
		}
		text, proto := eventText(event)
		if !c.wants(proto) {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s %s\n", now().Format(time.RFC3339), text); err != nil {
			return err
		}
	}
}

// wants reports whether messages of the protocol are asked for; 0 is that of
// a message that has none.
func (c *pfkeyCmd) wants(proto said.Proto) bool {
	if *c == (pfkeyCmd{}) {
		return true
	}
	switch proto {
	case said.AH:
		return c.Ah
	case said.ESP:
		return c.Esp
	case said.IPIP:
		return c.Ipip
	case said.COMP:
		return c.Ipcomp
	}
	return true
}

// eventText returns an event in words, under the names of RFC 2367.
func eventText(event klips.Event) (text string, proto said.Proto) {
	switch event := event.(type) {
	case klips.Acquire:
		text = fmt.Sprintf("ACQUIRE %s, trapped by %s", selectorText(event.Packet), selectorText(event.Trap))
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

// selectorText returns a flow as the table of eroutes shows one.
func selectorText(s klips.Selector) string {
	e := klips.Eroute{Selector: s}
	return end(e, true) + " -> " + end(e, false)
}
