package conf

import "testing"

// TestDigest: what a configuration says has a digest; where and in which order it says it, and its
// secrets, have none.
func TestDigest(t *testing.T) {
	const text = "config setup\n\tinterfaces=\"ipsec0=eth0\"\n\nconn a\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tespenckey=0x01\n\nconn b\n\tleft=192.0.2.1\n"
	digest := func(text string) string {
		c, _ := Parse("/etc/ipsec.conf", []byte(text))
		return c.Digest
	}
	for _, c := range []struct {
		name, text string
		same       bool
	}{
		{"comments", "# one\n\nconfig setup\n\t# two\n\tinterfaces=\"ipsec0=eth0\"\n\nconn a\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tespenckey=0x01\n\n\nconn b\n\tleft=192.0.2.1\n", true},
		{"order of keywords", "config setup\n\tinterfaces=\"ipsec0=eth0\"\n\nconn a\n\tespenckey=0x01\n\tright=192.0.2.2\n\tleft=192.0.2.1\n\nconn b\n\tleft=192.0.2.1\n", true},
		{"x- keyword", text + "\tx-note=hello\n", true},
		{"another key", "config setup\n\tinterfaces=\"ipsec0=eth0\"\n\nconn a\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tespenckey=0x02\n\nconn b\n\tleft=192.0.2.1\n", true},
		{"no key", "config setup\n\tinterfaces=\"ipsec0=eth0\"\n\nconn a\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\nconn b\n\tleft=192.0.2.1\n", false},
		{"another value", "config setup\n\tinterfaces=\"ipsec0=eth1\"\n\nconn a\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tespenckey=0x01\n\nconn b\n\tleft=192.0.2.1\n", false},
		{"another keyword", text + "\tauto=add\n", false},
		{"another conn", text + "\nconn c\n\tleft=192.0.2.1\n", false},
	} {
		if same := digest(c.text) == digest(text); same != c.same {
			t.Errorf("%s: the same digest: %v", c.name, same)
		}
	}
}
