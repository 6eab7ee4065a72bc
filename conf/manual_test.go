package conf_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/conf/keyword"
)

func TestKeys(t *testing.T) {
	c, err := parseConn(t, "espenckey=0x01", "leftespenckey=0x02", "rightespauthkey=0x03", "ahkey=0x04")
	if err != nil {
		t.Fatal(err)
	}
	for side, want := range map[conf.Side]string{conf.Left: "0x02  0x04", conf.Right: "0x01 0x03 0x04"} {
		enc, auth, ah := c.Keys(side)
		if got := enc.Reveal() + " " + auth.Reveal() + " " + ah.Reveal(); got != want {
			t.Errorf("keys towards %s: %q, want %q", side, got, want)
		}
	}
}

// TestManualChecks breaks a connection that is right in one way each.
func TestManualChecks(t *testing.T) {
	key := func(bytes int) string { return "0x" + strings.Repeat("ab", bytes) }
	good := map[string]string{
		"left": "192.0.2.1", "right": "192.0.2.2", "spi": "0x100", "esp": "aes128-sha1",
		"espenckey": key(16), "espauthkey": key(20), "auto": "manual",
	}
	for _, tt := range []struct{ set, want string }{
		{"", ""},
		{"left=", "no left"},
		{"right=%any", "needs an address in right"},
		{"spi=", "neither spi nor spibase"},
		{"spibase=0x110", "expected one of them"},
		{"esp=", "neither esp nor ah"},
		{"esp=aes128-sha1,aes256-sha1", "expected one algorithm"},
		{"esp=blowfish-md5", "malformed ESP algorithm"},
		{"esp=aes256-sha1", "malformed espenckey: expected 256 bits for aes, found 128 bits"},
		{"esp=3des-sha1", "malformed espenckey: expected 192 bits for 3des, found 128 bits"},
		{"esp=aes-sha1", ""},
		{"esp=aes-md5", "malformed espauthkey: expected 128 bits for md5-96, found 160 bits"},
		{"esp=aes128gcm16", "expected 160 bits for aesgcm16, found 128 bits"},
		{"esp=null-sha1", "malformed espenckey: expected no key for null"},
		{"espenckey=", "needs espenckey"},
		{"espauthkey=", "needs espauthkey"},
		{"leftespenckey=" + key(8), "malformed leftespenckey: expected 128 bits for aes, found 64 bits"},
		{"ah=hmac-md5-96", "needs ahkey"},
		{"ah=hmac-md6-96", "malformed AH algorithm"},
		{"type=transport", ""},
		{"type=transport\n\tleftsubnet=10.0.0.0/8", "does not go with type=transport"},
		{"type=drop", "neither esp nor ah with it"},
		{"right=192.0.2.1", "left and right are both"},
		{"leftnexthop=192.0.2.1", "leftnexthop and left are both"},
		{"leftsubnet=vhost:%no", "needs the networks themselves in leftsubnet"},
		{"auto=ignore\n\tah=hmac-md6-96", "malformed AH algorithm"},
	} {
		text := "conn t\n"
		keyword, _, _ := strings.Cut(tt.set, "=")
		for _, k := range []string{"left", "right", "spi", "esp", "espenckey", "espauthkey", "auto"} {
			if k != keyword {
				text += "\t" + k + "=" + good[k] + "\n"
			}
		}
		_, err := conf.Parse("f", []byte(text+"\t"+tt.set+"\n"))
		if tt.set == "" {
			_, err = conf.Parse("f", []byte(text))
		}
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.set, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "abab") {
			t.Errorf("%s: the error shows the key: %v", tt.set, err)
		}
	}
}

// TestIgnoredAlgorithms checks the algorithms of conns that start passes by.
func TestIgnoredAlgorithms(t *testing.T) {
	for _, tt := range []struct{ params, want string }{
		{"esp=blowfish-md5 spi=0x200", `f:2:6: malformed ESP algorithm "blowfish-md5"`},
		{"ah=md6 leftahspi=0x200", `f:2:5: malformed AH algorithm "md6"`},
		{"esp=aes128-sha1,3des-md5 espenckey=0x00", `f:2:6: malformed ESP algorithm "aes128-sha1,3des-md5": expected one algorithm`},
		{"esp=aes128-sha1 spi=0x200", ""},
		{"esp=aes128-sha1,3des-md5", ""}, // of which Pluto may hear
	} {
		_, err := conf.Parse("f", []byte("conn t\n\t"+strings.ReplaceAll(tt.params, " ", "\n\t")+"\n"))
		if (err != nil) != (tt.want != "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.params, err, tt.want)
		}
	}
}

// TestNegotiationKeywords takes each keyword that has no effect in a manually
// keyed conn through one.
func TestNegotiationKeywords(t *testing.T) {
	warnings := func(text string) []string {
		c, _ := conf.Parse("f", []byte(text))
		var list []string
		for _, w := range c.Warnings {
			list = append(list, w.String())
		}
		return list
	}
	has := func(list []string, keyword string) bool {
		want := `f:2:2: "` + keyword + `" has no effect in a manually keyed conn`
		return slices.Contains(list, want)
	}
	// What plan makes of a manually keyed conn, and what is for others to warn of.
	read := strings.Fields(`also alsoflip type auto esp ah compress forceencaps fulltunnel mtu metric spi spibase espenckey espauthkey
		espreplay_window ahkey ahreplay_window left leftsubnet leftsubnets leftnexthop leftsourceip leftprotoport leftupdown leftid
		leftespspi leftespenckey leftespauthkey leftahspi leftahkey`)
	for _, k := range keyword.All() {
		if k.Section != keyword.SectionConn && k.Section != keyword.SectionEnd || k.Effect != keyword.Acts {
			continue
		}
		value := k.Default
		if value == "" {
			value = map[string]string{"leftsubnetwithin": "10.0.0.0/8", "esn": "yes", "replay-window": "64", "leftauth": "psk", "leftikeport": "501"}[k.Name]
		}
		if value == "" {
			value = "x"
		}
		for _, auto := range []string{"auto=manual", "auto=ignore", "auto=start"} {
			text := "conn t\n\t" + k.Name + "=" + value + "\n\t" + auto + "\n"
			if got, want := has(warnings(text), k.Name), auto == "auto=manual" && !slices.Contains(read, k.Name); got != want {
				t.Errorf("%q: warned of is %t, want %t: %q", text, got, want, warnings(text))
			}
		}
	}
	for text, want := range map[string]bool{
		"conn t\n\tpfs=no\n\tauto=manual\n":                             true,
		"conn t\n\tpfs=no\nconfig setup\n\tmanualstart=t\n":             true,
		"conn t\n\tpfs=no\n\tauto=add\nconfig setup\n\tmanualstart=t\n": false, // Pluto hears of it too
		"conn %default\n\tpfs=no\nconn t\n\tauto=manual\n":              false,
		"conn a\n\tpfs=no\nconn t\n\talso=a\n\tauto=manual\n":           false,
	} {
		if got := has(warnings(text), "pfs"); got != want {
			t.Errorf("%q: warned of pfs is %t", text, got)
		}
	}
	if n := len(warnings("conn t\n\trightcert=x\n\tauto=manual\nconn u\n\trightcert=x\n\tauto=manual\n")); n != 1 {
		t.Errorf("%d warnings of one keyword", n)
	}
}

// TestSilenceAboutSecrets puts a canary in every keyword that holds a key, in
// every way that is right or wrong, and looks for it in all that comes out.
func TestSilenceAboutSecrets(t *testing.T) {
	const canary = "cafe4321deadbeef"
	for _, k := range keyword.All() {
		if k.Type != keyword.TypeSecret {
			continue
		}
		for _, form := range []string{
			"\t%s=0x" + canary, "\t%s=" + canary, "\t%s=0x" + canary + "1", "\t%s=0s" + canary + "!", "\t%s 0x" + canary, "\t%s=\"0x" + canary,
			"\t%s=0x00\"" + canary, "\t%s=\"0x00\" " + canary, "%s=0x" + canary, "%s = " + canary, "%s " + canary, "\t%sx=0x" + canary, "\t%s=0x00\n" + canary,
			"\t%s=0x00\n\t" + canary, "\t%s=0x" + canary + "\x01", "\t%s=0x00\n\t" + canary + "=\n", "\t%s=0x00\n" + canary + " " + canary, "\t" + canary + "=%s",
		} {
			text := "config setup\n\tmanualstart=t\nconn t\n\tesp=aes128-sha1\n\tah=md5\n" + fmt.Sprintf(form, k.Name) + "\n"
			c, err := conf.Parse("f", []byte(text))
			var out bytes.Buffer
			if err := c.WriteRedacted(&out); err != nil {
				t.Fatal(err)
			}
			encoded, _ := json.Marshal(c)
			fmt.Fprintf(&out, "%v %s %v %v", c, encoded, err, c.Warnings)
			for _, verb := range []string{"%v", "%+v", "%#v", "%d", "%x", "%q"} {
				fmt.Fprintf(&out, verb, *c.Conn("t"))
			}
			if strings.Contains(form, "=%s") {
				continue // a keyword of the user's own making, not a key
			}
			if shown := out.String(); strings.Contains(shown, canary) || strings.Contains(shown, hex.EncodeToString([]byte(canary))) {
				t.Errorf("%q shows the key: %s", text, shown)
			}
		}
	}
}
