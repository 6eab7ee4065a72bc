package sadb

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"ipsec/klips"
	"ipsec/klips/said"
)

// TestCheckKeys asks SAs whether they have keys. To ask changes nothing of them.
func TestCheckKeys(t *testing.T) {
	same := func(*klips.SA) {}
	for _, c := range []struct {
		name        string
		proto       said.Proto
		set, change func(*klips.SA)
		want        error
	}{
		{"ESP", said.ESP, same, same, nil},
		{"ESP, another key", said.ESP, same, func(c *klips.SA) { c.EncKey[3] = 1 }, syscall.EKEYREJECTED},
		{"ESP, another salt", said.ESP, same, func(c *klips.SA) { c.EncKey[19] = 1 }, syscall.EKEYREJECTED},
		{"ESP, a longer key", said.ESP, same, func(c *klips.SA) { c.EncKey = make([]byte, 36) }, syscall.EKEYREJECTED},
		{"ESP, another algorithm", said.ESP, same, func(c *klips.SA) { c.Enc = "aesgcm12" }, syscall.EKEYREJECTED},
		{"ESP, a key that is none", said.ESP, same, func(c *klips.SA) { c.EncKey = []byte("canarycanary") }, syscall.EINVAL},
		{"ESP with ESN", said.ESP, func(c *klips.SA) { c.ESN, c.ReplayWindow = true, 64 }, same, nil},
		{"ESP, all else is another", said.ESP, same, func(c *klips.SA) { c.Src, c.ReplayWindow, c.Encap = c.ID.Dst, 64, klips.Encap{SrcPort: 1, DstPort: 2} }, nil},
		{"AH", said.AH, same, same, nil},
		{"AH with ESN", said.AH, func(c *klips.SA) { c.ESN, c.ReplayWindow = true, 64 }, same, nil},
		{"AH, another key", said.AH, same, func(c *klips.SA) { c.AuthKey[19] = 1 }, syscall.EKEYREJECTED},
		{"AH, another algorithm", said.AH, same, func(c *klips.SA) { c.Auth, c.AuthKey = "md5-96", make([]byte, 16) }, syscall.EKEYREJECTED},
		{"a tunnel", said.IPIP, same, same, syscall.EINVAL},
		{"IPCOMP", said.COMP, same, same, syscall.EINVAL},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := New()
			there, asked := sample(c.proto, 0x100), sample(c.proto, 0x100)
			c.set(&there)
			c.change(&asked)
			if err := db.Add(there, start); err != nil {
				t.Fatal(err)
			}
			sa, err := db.Get(there.ID)
			if err != nil {
				t.Fatal(err)
			}
			err = sa.CheckKeys(asked)
			if !errors.Is(err, c.want) || err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("%v, want %v", err, c.want)
			}
			if u := sa.Read().Usage; u != (klips.Usage{Added: start}) {
				t.Errorf("it has been used: %+v", u)
			}
		})
	}
}

// TestCheckLarval: an SPI that is reserved has no keys, until it gets them.
func TestCheckLarval(t *testing.T) {
	db := New()
	c := sample(said.ESP, 0x100)
	if _, err := db.Reserve(said.ESP, c.Src, c.ID.Dst, 0x100, 0x100, start); err != nil {
		t.Fatal(err)
	}
	if err := db.Lookup(c.ID).CheckKeys(c); !errors.Is(err, syscall.EKEYREJECTED) {
		t.Error(err)
	}
	if err := db.Update(c, start); err != nil {
		t.Fatal(err)
	}
	if err := db.Lookup(c.ID).CheckKeys(c); err != nil {
		t.Error(err)
	}
}
