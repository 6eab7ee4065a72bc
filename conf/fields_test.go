package conf

import (
	"testing"

	"ipsec/conf/keyword"
)

// TestFields has each row that acts have a field, and each field a row.
func TestFields(t *testing.T) {
	bound := 0
	for _, k := range keyword.Get().Rows() {
		if boundTo(k).set != nil {
			bound++
		} else if k.Effect == keyword.Acts && !k.Reference {
			t.Errorf("%s %s has no field", k.Section, k.Name)
		}
		for _, name := range append([]string{k.Name}, k.Synonyms...) {
			if !isKeyword(name) {
				t.Errorf("%q is not a keyword", name)
			}
		}
	}
	if n := len(setupFields()) + len(connFields()) + len(endFields()) + len(secretFields()); n != bound {
		t.Errorf("%d fields, and %d rows that have one", n, bound)
	}
}

// TestDefaults holds the defaults of the table against the manual page.
func TestDefaults(t *testing.T) {
	c, err := Parse("empty", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := c.Setup
	if len(s.Interfaces) != 1 || s.Interfaces[0].Form != InterfaceDefaultRoute || s.RPFilter != "0" || s.Syslog != "daemon.error" ||
		!s.Pluto || !s.FragICMP || !s.HideTOS || s.NHelpers != -1 || s.KeepAlive != 20 || s.Protostack != "auto" || s.ForwardControl || s.PlutoWait {
		t.Errorf("config setup: %+v", s)
	}
	if c.Digest != "sha256:bbbf65a5a21258c82c3d4ebc666b774960d17aa9b3cbc69659d9cc777c097d8f" {
		t.Errorf("digest %s", c.Digest)
	}
	names := ""
	for _, conn := range c.Conns {
		names += conn.Name + " "
		if !conn.PolicyGroup || conn.Auto != AutoIgnore || conn.Left.Host.Form != HostDefaultRoute || !conn.Pos.IsZero() {
			t.Errorf("conn %s: %+v", conn.Name, conn)
		}
	}
	if names != "clear clear-or-private private-or-clear private block packetdefault " {
		t.Errorf("implicit conns: %s", names)
	}
	c, err = Parse("one", []byte("conn a\n"))
	if err != nil {
		t.Fatal(err)
	}
	a := c.Conn("a")
	if a.Type != Tunnel || a.Auto != AutoIgnore || a.AuthBy != "rsasig" || !a.PFS || a.IKELifetime != 3600 || a.KeyLife != 28800 || a.RekeyMargin != 540 ||
		a.RekeyFuzz != 100 || a.KeyingTries != 0 || !a.Rekey || a.ESPReplayWindow != -1 || a.AHReplayWindow != -1 || a.Right.RSASigKey != "%dnsondemand" {
		t.Errorf("conn: %+v", a)
	}
}
