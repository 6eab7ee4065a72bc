package sadb

import (
	"fmt"
	"syscall"

	"ipsec/klips"
)

// CheckKeys implements CheckSA of klips.Table for sa. It needs no lock, and sa keeps no key for it: it is asked
// whether it opens what c would send.
func (sa *SA) CheckKeys(c klips.SA) error {
	c.ESN = sa.Config.ESN // which goes into the ICV, and is no key
	var other SA
	if err := other.build(c); err != nil {
		return fmt.Errorf("malformed SA %s: %w: %w", c.ID, err, syscall.EINVAL)
	}
	if other.protection == nil {
		return fmt.Errorf("SA %s has no keys: %w", c.ID, syscall.EINVAL)
	}
	same := !sa.Larval && sa.Config.names.Value() == names{c.Enc, c.Auth, c.Comp}
	switch {
	case same && other.esp != nil:
		same = sa.esp.Alike(other.esp)
	case same:
		same = sa.ah.Alike(other.ah)
	}
	if !same {
		return fmt.Errorf("SA %s has other keys: %w", c.ID, syscall.EKEYREJECTED)
	}
	return nil
}
