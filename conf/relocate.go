package conf

import (
	"path/filepath"
	"strings"
)

// Relocate changes the names of files in all positions to those that they have
// on another machine, whose configuration was read here from a copy: the file
// from is to there, and what lies in or below its folder is in or below to's.
// Files elsewhere keep their names.
func (c *Config) Relocate(from, to string) {
	move := func(p *Pos) {
		switch rel, err := filepath.Rel(filepath.Dir(from), p.File); {
		case p.File == from:
			p.File = to
		case err == nil && rel != ".." && !strings.HasPrefix(rel, "../") && !p.IsZero():
			p.File = filepath.Join(filepath.Dir(to), rel)
		}
	}
	params := func(list []Param) {
		for i := range list {
			move(&list[i].Pos)
		}
	}
	params(c.Setup.List)
	for i := range c.Setup.Interfaces {
		move(&c.Setup.Interfaces[i].Pos)
	}
	for _, conn := range c.Conns {
		move(&conn.Pos)
		params(conn.List)
		for i := range conn.Unmet {
			move(&conn.Unmet[i].Pos)
		}
	}
}
