package client

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"

	"ipsec/klips"
	"ipsec/klips/chain"
	"ipsec/klips/pfkey"
	"ipsec/klips/said"
)

// order asks for what m says, when it could be made, and says what has failed.
func (c *Client) order(m *pfkey.Message, err error, what string, args ...any) error {
	if err == nil {
		_, err = c.ask(m)
	}
	return failed(err, what, args...)
}

func failed(err error, what string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("failed to %s: %w", fmt.Sprintf(what, args...), err)
}

// AddSA sets an SA.
func (c *Client) AddSA(sa klips.SA) error {
	m, err := pfkey.FromSA(pfkey.Add, sa)
	return c.order(m, err, "add SA %s", sa.ID)
}

// UpdateSA changes an SA.
func (c *Client) UpdateSA(sa klips.SA) error {
	m, err := pfkey.FromSA(pfkey.Update, sa)
	return c.order(m, err, "update SA %s", sa.ID)
}

// Install sets the SAs of bundles, all or none, and returns their names, innermost
// first, for each bundle. EEXIST says that there is one of a name already; an SPI
// that is reserved gets its keys.
func (c *Client) Install(bundles ...klips.Bundle) ([][]said.SAID, error) {
	return chain.Install(c, rand.Reader, bundles...)
}

// DelSA takes an SA away.
func (c *Client) DelSA(id said.SAID) error {
	m, err := pfkey.FromSAID(pfkey.Delete, id)
	return c.order(m, err, "delete SA %s", id)
}

// GetSA reads an SA.
func (c *Client) GetSA(id said.SAID) (klips.SA, error) {
	m, err := pfkey.FromSAID(pfkey.Get, id)
	if err == nil {
		m, err = c.ask(m)
	}
	var sa klips.SA
	if err == nil {
		sa, err = m.SA()
	}
	return sa, failed(err, "read SA %s", id)
}

// CheckSA asks whether an SA has these keys.
func (c *Client) CheckSA(sa klips.SA) error {
	m, err := pfkey.FromSA(pfkey.Check, sa)
	return c.order(m, err, "check the keys of SA %s", sa.ID)
}

// ListSAs reads all SAs.
func (c *Client) ListSAs() ([]klips.SA, error) {
	sas, err := dump(c, &pfkey.Message{Type: pfkey.Dump}, (*pfkey.Message).SA)
	return sas, failed(err, "list the SAs")
}

// ClearSAs takes all SAs away.
func (c *Client) ClearSAs() error {
	return c.order(&pfkey.Message{Type: pfkey.Flush}, nil, "clear the SAs")
}

// GetSPI reserves an SPI.
func (c *Client) GetSPI(proto said.Proto, src, dst netip.Addr, min, max uint32) (uint32, error) {
	m, err := pfkey.FromRange(proto, src, dst, min, max)
	if err == nil {
		m, err = c.ask(m)
	}
	var id said.SAID
	if err == nil {
		id, err = m.SAID()
	}
	return id.SPI, failed(err, "get an SPI of %s at %s", proto, dst)
}

// GroupSAs chains SAs.
func (c *Client) GroupSAs(ids []said.SAID) error {
	return c.order(pfkey.FromGroup(ids), nil, "group %v", ids)
}

// AddGroups sets SAs in groups, all or none.
func (c *Client) AddGroups(groups ...[]klips.SA) error {
	m, err := pfkey.FromGroups(groups)
	var ids []said.SAID
	for _, sa := range slices.Concat(groups...) {
		ids = append(ids, sa.ID)
	}
	return c.order(m, err, "add SAs %v", ids)
}

// AddInflow lets a flow come out of an SA.
func (c *Client) AddInflow(id said.SAID, s klips.Selector) error {
	m, err := pfkey.FromInflow(pfkey.AddFlow, id, s)
	return c.order(m, err, "let %s -> %s come out of %s", s.Src, s.Dst, id)
}

// DelInflow takes back what AddInflow allowed.
func (c *Client) DelInflow(id said.SAID, s klips.Selector) error {
	m, err := pfkey.FromInflow(pfkey.DelFlow, id, s)
	return c.order(m, err, "no longer let %s -> %s come out of %s", s.Src, s.Dst, id)
}

// AddEroute sets an eroute.
func (c *Client) AddEroute(e klips.Eroute) error {
	m, err := pfkey.FromEroute(pfkey.AddFlow, e, 0)
	return c.order(m, err, "add eroute %s -> %s => %s", e.Src, e.Dst, e.SAID)
}

// ReplaceEroute sets an eroute in place of one.
func (c *Client) ReplaceEroute(e klips.Eroute) error {
	m, err := pfkey.FromEroute(pfkey.AddFlow, e, pfkey.FlagReplace)
	return c.order(m, err, "replace eroute %s -> %s => %s", e.Src, e.Dst, e.SAID)
}

// DelEroute takes an eroute away.
func (c *Client) DelEroute(s klips.Selector) error {
	m, err := pfkey.FromFlow(pfkey.DelFlow, s)
	return c.order(m, err, "delete eroute %s -> %s", s.Src, s.Dst)
}

// ListEroutes reads all eroutes.
func (c *Client) ListEroutes() ([]klips.Eroute, error) {
	es, err := dump(c, &pfkey.Message{Type: pfkey.DumpFlow}, (*pfkey.Message).Eroute)
	return es, failed(err, "list the eroutes")
}

// ClearEroutes takes all eroutes away.
func (c *Client) ClearEroutes() error {
	return c.order(pfkey.FromClear(), nil, "clear the eroutes")
}

// Attach binds a virtual interface to a physical one.
func (c *Client) Attach(a klips.Attachment) error {
	return c.order(pfkey.FromAttachment(pfkey.Attach, a), nil, "attach %s to %s", a.Virtual, a.Physical)
}

// Detach unbinds a virtual interface.
func (c *Client) Detach(virtual string) error {
	m := pfkey.FromAttachment(pfkey.Detach, klips.Attachment{Virtual: virtual})
	return c.order(m, nil, "detach %s", virtual)
}

// ListAttachments reads all attachments.
func (c *Client) ListAttachments() ([]klips.Attachment, error) {
	as, err := dump(c, &pfkey.Message{Type: pfkey.DumpAttach}, (*pfkey.Message).Attachment)
	return as, failed(err, "list the attachments")
}

// ClearAttachments unbinds all virtual interfaces.
func (c *Client) ClearAttachments() error {
	return c.order(&pfkey.Message{Type: pfkey.Detach}, nil, "clear the attachments")
}

// ListDrops reads how many packets have been dropped.
func (c *Client) ListDrops() ([]klips.Drop, error) {
	drops, err := dump(c, &pfkey.Message{Type: pfkey.DumpDrops}, (*pfkey.Message).Drop)
	return drops, failed(err, "read how many packets were dropped")
}

// SetDebug sets the flags of klipsdebug(8).
func (c *Client) SetDebug(flags []string) error {
	return c.order(pfkey.FromDebug(flags), nil, "set the debugging flags")
}

// GetSettings reads the settings.
func (c *Client) GetSettings() (klips.Settings, error) {
	m, err := c.ask(&pfkey.Message{Type: pfkey.Settings})
	if err != nil {
		return klips.Settings{}, failed(err, "read the settings")
	}
	return m.Settings(), nil
}
