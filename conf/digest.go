package conf

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"ipsec/conf/keyword"
)

// digest returns "sha256:" and hex digits over what the sections say: each keyword in force with its
// value. Comments, blank lines, the order of keywords and the files that they stand in do not
// count. Values that are secret are left out, so that a digest tells nothing of them.
func (c *Config) digest(t *keyword.Table) string {
	hash := sha256.New()
	section := func(kind, name string, p Params) {
		fmt.Fprintf(hash, "%s %q\n", kind, name)
		for _, param := range p.List {
			word, _, known := t.Find(kind, param.Keyword)
			switch {
			case strings.HasPrefix(param.Keyword, "x-"): // a comment that is a keyword
			case known && word.Type == keyword.TypeSecret:
				fmt.Fprintf(hash, "\t%s\n", param.Keyword)
			default:
				fmt.Fprintf(hash, "\t%s=%q\n", param.Keyword, param.Value)
			}
		}
	}
	section("config", "setup", c.Setup.Params)
	for _, conn := range c.Conns {
		if conn.Pos.File != unionFile {
			section("conn", conn.Name, conn.Params)
		}
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}
