package conf_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipsec/conf"
)

// TestMeantForIKEv1 has one warning for all conns that look like it, and none for those that say a version
// or will not be loaded.
func TestMeantForIKEv1(t *testing.T) {
	const ends = "\n\tleft=192.0.2.1\n\tright=%any\n\tauthby=secret\n\tauto=add\n"
	const l2tp = ends + "\ttype=transport\n\tleftprotoport=17/1701\n"
	for _, tt := range []struct{ name, text, want string }{
		{"L2TP", "conn a" + l2tp, "conn a looks as if it were meant for IKEv1 (L2TP)"},
		{"two of them", "conn a" + l2tp + "conn b" + l2tp, "conn a, like 1 more, looks"},
		{"algorithms", "conn a" + ends + "\tike=3des-md5-modp1024\n", "(ike= with 3des_cbc"},
		{"config setup of Openswan 2", "config setup\n\tnat_traversal=yes\nconn a" + ends, "(nat_traversal= of Openswan 2)"},
		{"nothing of the kind", "conn a" + ends, ""},
		{"it says ikev2=", "conn a" + l2tp + "\tikev2=insist\n", ""},
		{"it says keyexchange=", "conn a" + l2tp + "\tkeyexchange=ikev2\n", ""},
		{"not loaded", "conn a" + l2tp + "\taggrmode=yes\n", ""},
		{"not automatic", "conn a" + strings.Replace(l2tp, "auto=add", "auto=ignore", 1), ""},
		{"no Pluto", "config setup\n\tpluto=no\nconn a" + l2tp, ""},
		{"nothing to negotiate", "conn a" + strings.Replace(l2tp, "transport", "drop", 1), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := conf.Parse("f", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, w := range c.Warnings {
				if strings.Contains(w.Text, "IKEv1") {
					found = append(found, w.Text)
				}
			}
			if tt.want == "" && len(found) > 0 || tt.want != "" && (len(found) != 1 || !strings.Contains(found[0], tt.want)) {
				t.Errorf("found %q, expected %q", found, tt.want)
			}
		})
	}
}

// TestGroupFiles has networks of policy groups be warned of, unless the file says what the group does.
func TestGroupFiles(t *testing.T) {
	dir := t.TempDir()
	paths := conf.Paths{Conf: filepath.Join(dir, "ipsec.conf"), Confs: dir}
	write := func(name, text string) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("ipsec.d/policies/clear", "# nothing\n\n")
	write("ipsec.d/policies/private", "# one network\n10.0.0.0/8\n")
	for text, want := range map[string]string{
		"":                              dir + "/ipsec.d/policies/private:2:1: policy groups are not done: this file has no effect, and its networks are treated like all others",
		"conn private\n\tauto=ignore\n": "",
		"config setup\n\tpluto=no\n":    "",
	} {
		write("ipsec.conf", text)
		c, err := conf.Load(paths)
		if err != nil {
			t.Fatal(err)
		}
		found := ""
		for _, w := range c.Warnings {
			found += w.String()
		}
		if found != want {
			t.Errorf("%q: found %q, expected %q", text, found, want)
		}
	}
}

// TestDPDTimeoutAlone has dpddelay= be what it was in Openswan 2.4.
func TestDPDTimeoutAlone(t *testing.T) {
	for text, want := range map[string]int{"dpdtimeout=60": 30, "dpdtimeout=60\n\tdpddelay=5": 5, "dpdtimeout=60\n\tdpddelay=0": 0, "dpdaction=clear": 0} {
		c, err := conf.Parse("f", []byte("conn a\n\t"+text+"\n"))
		if err != nil || c.Conn("a").DPDDelay != want {
			t.Errorf("%q: %v, dpddelay %d", text, err, c.Conn("a").DPDDelay)
		}
	}
}
