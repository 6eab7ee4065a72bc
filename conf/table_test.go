package conf

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	seen := make(map[string]string)
	for _, k := range Keywords() {
		kind := k.Section.String()
		if k.Help == "" || strings.ContainsAny(k.Help, "\n\t") || len(k.Help) > 100 {
			t.Errorf("%s: help %q is not one line", k.Name, k.Help)
		}
		if k.Dialects == 0 || k.Type == "" || k.Section == 0 || k.HasEffect() != (k.Stacks != 0) {
			t.Errorf("%s: the row is not complete: %+v", k.Name, k)
		}
		for _, name := range append([]string{k.Name}, k.Synonyms...) {
			if k.Section == SectionEnd && !strings.HasPrefix(name, "left") {
				t.Errorf("%s does not begin with left", name)
			}
			key := kind + " " + fold(name)
			if other, twice := seen[key]; twice {
				t.Errorf("%s is a name of %s and of %s", name, other, k.Name)
			}
			seen[key] = k.Name
			if !isKeyword(name) {
				t.Errorf("%q is not a keyword", name)
			}
		}
		if k.choices != nil && len(k.Values) != len(k.choices) {
			t.Errorf("%s: values %q", k.Name, k.Values)
		}
	}
	if len(seen) < 250 {
		t.Errorf("only %d names", len(seen))
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
