package main

import (
	"errors"
	"strings"
	"testing"

	"ipsec/conf"
)

// TestWhere adds to lines of Pluto where keywords stand, and to no other line anything.
func TestWhere(t *testing.T) {
	const text = "version 2.0\nconn net\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tike=aes128\nconn many\n\talso=net\n\tleftsubnets={10.0.1.0/24 10.0.3.0/24}\n"
	load := func() (*conf.Config, error) { return conf.Parse("/etc/ipsec.conf", []byte(text)) }
	none := func() (*conf.Config, error) { return nil, errors.New("gone") }
	for _, c := range []struct {
		load       func() (*conf.Config, error)
		line, want string
	}{
		{load, `224 "net" #1: refused; see ike=`, `224 "net" #1: refused; see ike= (/etc/ipsec.conf:5)`},
		{load, `224 "net" #1: refused; see authby= and left=`, `224 "net" #1: refused; see authby= and left= (/etc/ipsec.conf:3)`},
		{load, `224 "net"[2] 192.0.2.9 #1: refused; see esp=`, `224 "net"[2] 192.0.2.9 #1: refused; see esp= of /etc/ipsec.conf:2`},
		{load, `224 "many/1x2" #1: refused; see left=`, `224 "many/1x2" #1: refused; see left= (/etc/ipsec.conf:3)`},
		{load, `224 "other" #1: refused; see left=`, ""},
		{load, `224 "net" #1: see left=; it was not that`, ""},
		{load, `refused; see left=`, ""},
		{none, `224 "net" #1: refused; see ike=`, ""},
	} {
		if c.want == "" {
			c.want = c.line
		}
		var out strings.Builder
		n, err := (&where{Writer: &out, load: c.load}).Write([]byte(c.line + "\n"))
		if out.String() != c.want+"\n" || n != len(c.line)+1 || err != nil {
			t.Errorf("%s\ngave %s (%d, %v)\nexpected %s", c.line, out.String(), n, err, c.want)
		}
	}
}
