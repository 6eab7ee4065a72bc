// Package keys knows the keys of manually keyed SAs: where they are written, and
// what of them an SA takes. No error shows anything of a key.
package keys

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"ipsec/conf"
	"ipsec/conf/secret"
)

// Keys are the keys of an SA as they were written.
type Keys struct {
	Enc, Auth secret.Text // of ESP
	AH        secret.Text
}

// Of returns the keys of a conn for the side that the SA from src to dst leads
// to; src may be invalid.
func Of(conn *conf.Conn, dst, src netip.Addr) (Keys, error) {
	side, err := towards(conn, dst, src)
	if err != nil {
		return Keys{}, err
	}
	var k Keys
	k.Enc, k.Auth, k.AH = conn.Keys(side)
	return k, nil
}

// towards returns the side that an SA is sent to: the one of its destination,
// else the one that is not of its source. A side whose address is not
// in the configuration (%defaultroute, a name) is known by the other one.
func towards(conn *conf.Conn, dst, src netip.Addr) (conf.Side, error) {
	for _, side := range []conf.Side{conf.Left, conf.Right} {
		if conn.End(side).Host.Addr == dst && conn.End(side.Other()).Host.Addr != dst {
			return side, nil
		}
	}
	for _, side := range []conf.Side{conf.Left, conf.Right} {
		if src.IsValid() && conn.End(side.Other()).Host.Addr == src && !conn.End(side).Host.Addr.IsValid() {
			return side, nil
		}
	}
	return 0, fmt.Errorf("the conn at %s has neither left= nor right= %s: was ipsec.conf changed?", conn.Pos, dst)
}

// maxFile is the most that a file of keys may hold, in bytes.
const maxFile = 64 << 10

// Read reads lines KEYWORD=KEY, with the keywords of ipsec.conf. No error
// shows what a line holds.
func Read(r io.Reader) (Keys, error) {
	var k Keys
	fields := map[string]*secret.Text{"espenckey": &k.Enc, "espauthkey": &k.Auth, "ahkey": &k.AH}
	rows := bufio.NewScanner(io.LimitReader(r, maxFile))
	for n := 1; rows.Scan(); n++ {
		text := strings.TrimSpace(rows.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		field := fields[strings.TrimSpace(name)]
		switch {
		case !ok || field == nil:
			return Keys{}, fmt.Errorf("line %d: expected espenckey=KEY, espauthkey=KEY or ahkey=KEY", n)
		case field.IsSet():
			return Keys{}, fmt.Errorf("line %d: %s for the second time", n, strings.TrimSpace(name))
		}
		*field = secret.New(strings.TrimSpace(value))
	}
	return k, rows.Err()
}
