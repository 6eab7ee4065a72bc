package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
)

// ranbitsCmd is ipsec ranbits, ipsec_ranbits(8).
type ranbitsCmd struct {
	Quick      bool `help:"Accepted for the sake of old scripts: the bits are always good and never slow."`
	Continuous bool `help:"Leave out the underscores between each 32 bits."`
	Bytes      bool `help:"Count bytes rather than bits."`
	Count      int  `arg:"" name:"n" help:"How many bits; rounded up to whole bytes."`
}

// maxRandom is how many random bytes are printed at most.
const maxRandom = 20000 / 8

// Run prints the bits as 0x and hex digits.
func (c *ranbitsCmd) Run(e *env) error {
	unit, n := "bits", c.Count
	limit := maxRandom * 8
	if c.Bytes {
		unit, limit = "bytes", maxRandom
	}
	if n < 1 || n > limit {
		return usageError(fmt.Sprintf("unexpected number %d: expected 1 to %d %s", n, limit, unit))
	}
	if !c.Bytes {
		n = (n + 7) / 8
	}
	data := make([]byte, n)
	rand.Read(data)
	text := hex.EncodeToString(data)
	if !c.Continuous {
		var groups []string
		for i := 0; i < len(text); i += 8 {
			groups = append(groups, text[i:min(i+8, len(text))])
		}
		text = strings.Join(groups, "_")
	}
	fmt.Fprintln(e.Stdout, "0x"+text)
	return nil
}
