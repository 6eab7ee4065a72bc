package conf_test

import (
	"slices"
	"strings"
	"testing"

	"ipsec/conf"
)

// TestUnmet has what a conn asks for and is not done here count on the end and in the kind of conn where it matters.
func TestUnmet(t *testing.T) {
	for _, tt := range []struct {
		text       string
		negotiates bool
		ours       conf.Side
		want       string // the keywords that count
	}{
		{"mark=5", true, conf.Left, "mark"},
		{"mark=5", false, conf.Left, "mark"},
		{"aggrmode=yes", true, 0, "aggrmode"},
		{"aggrmode=yes", false, 0, ""},
		{"aggrmode=no", true, 0, ""},
		{"rightgroups=staff", true, conf.Left, "rightgroups"},
		{"rightgroups=staff", true, 0, "rightgroups"},
		{"rightgroups=staff", true, conf.Right, ""},
		{"leftikeport=5000", true, conf.Left, "leftikeport"},
		{"leftikeport=4500", true, conf.Left, ""},
		{"leftikeport=5000", true, conf.Right, ""},
		{"leftikeport=5000", true, 0, ""},
		{"rightrsasigkey=%dns", true, conf.Left, "rightrsasigkey"},
		{"rightrsasigkey=%dns\n\tauthby=secret", true, conf.Left, ""},
		{"rightrsasigkey=%dns\n\tleftauth=psk\n\trightauth=psk", true, conf.Left, ""},
		{"rightrsasigkey=%dns\n\tauthby=secret\n\trightauth=rsa", true, conf.Left, "rightrsasigkey"},
		{"rightrsasigkey=%cert", true, conf.Left, ""},
		{"leftsubnet=0.0.0.0/0\n\trightsubnet=0.0.0.0/0", true, conf.Left, "rightsubnet"},
		{"leftsubnet=0.0.0.0/0\n\trightsubnet=0.0.0.0/0", false, conf.Left, "rightsubnet"},
		{"leftsubnet=0.0.0.0/1,128.0.0.0/1\n\trightsubnet=0.0.0.0/0", true, conf.Left, "rightsubnet"},
		{"leftsubnet=0.0.0.0/1,8000::/1\n\trightsubnet=0.0.0.0/0", true, conf.Left, ""},
		{"leftsubnet=::/0\n\trightsubnet=::/0", true, conf.Left, "rightsubnet"},
		{"leftsubnet=0.0.0.0/0\n\trightsubnet=0.0.0.0/0\n\tfulltunnel=yes", true, conf.Left, ""},
		{"leftsubnet=0.0.0.0/0\n\trightsubnet=10.0.0.0/8", true, conf.Left, ""},
		{"leftsubnet=0.0.0.0/0\n\trightsubnet=0.0.0.0/0\n\ttype=drop", false, conf.Left, ""},
		{"type=transport\n\tleftsubnet=10.0.0.0/8", true, conf.Left, "leftsubnet"},
		{"type=transport\n\tleftsubnet=192.0.2.1/32\n\trightsubnet=vhost:%priv", true, conf.Left, ""},
		{"authby=secret|xauthpsk", true, conf.Left, "authby"},
		{"leftauth2=eap\n\trightcertpolicy=1.2.3", true, conf.Left, "leftauth2 rightcertpolicy"},
	} {
		c, err := conf.Parse("f", []byte("conn a\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\t"+tt.text+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, u := range c.Conn("a").Unmet {
			if u.Counts(tt.negotiates, tt.ours) {
				found = append(found, u.Keyword)
			}
		}
		if strings.Join(found, " ") != tt.want {
			t.Errorf("%q: %q counts, expected %q", tt.text, found, tt.want)
		}
	}
}

// TestUnmetInherited has a conn answer for what it takes of another, and for what it says in its place.
func TestUnmetInherited(t *testing.T) {
	c, err := conf.Parse("f", []byte("conn %default\n\tppk=insist\nconn base\n\tmark=1\nconn a\n\talso=base\nconn b\n\tppk=no\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "ppk=insist: no PPK is mixed into keys; in its way, too: mark=", "b": ""} {
		found := ""
		list := c.Conn(name).Unmet
		slices.SortFunc(list, func(a, b conf.Unmet) int { return a.Pos.Line - b.Pos.Line })
		if d := conf.Refusal(list); d != nil {
			found = d.Text
		}
		if found != want {
			t.Errorf("%s: %q, expected %q", name, found, want)
		}
	}
}

// TestEssentialSetup has what is essential in config setup be an error, at its line.
func TestEssentialSetup(t *testing.T) {
	_, err := conf.Parse("f", []byte("config setup\n\tocsp-strict=yes\n"))
	if err == nil || !strings.HasPrefix(err.Error(), "f:2:14: ocsp-strict=yes: no certificate is looked up by OCSP") {
		t.Errorf("found %v", err)
	}
}

// TestRemarks has all that is harmless be in one line.
func TestRemarks(t *testing.T) {
	for text, want := range map[string]string{
		"config setup\n\tnhelpers=2\n": "f:2:2: nhelpers=: without effect here, and nothing depends on it; ipsec verify says why",
		"config setup\n\tlogtime=yes\n\tnhelpers=2\n\tlogip=no\n\tseedbits=5\n\tstatsbin=x\n": "f:2:2: logip=, logtime=, nhelpers= and 2 more: without effect here, and nothing depends on it; ipsec verify says why",
		"config setup\n\tnhelpers=-1\n\tpluto=yes\n":                                          "",
	} {
		c, err := conf.Parse("f", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		found := ""
		for _, r := range c.Remarks() {
			found += r.String()
		}
		if found != want {
			t.Errorf("%q: %q, expected %q", text, found, want)
		}
	}
}
