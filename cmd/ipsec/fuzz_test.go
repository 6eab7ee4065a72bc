package main

import (
	"bytes"
	"strings"
	"testing"

	"ipsec/conf"
)

// canary stands for a key in what must not show one.
const canary = "c0ffee15badc0ffee15badc0ffee15ba"

// FuzzConfread checks that _confread shows no key, whatever stands around it.
func FuzzConfread(f *testing.F) {
	f.Add([]byte("version 2.0\nconfig setup\n\tinterfaces=%defaultroute\n"))
	f.Add([]byte("conn %default\n\tesp=3des-md5-96\n\talso=keys\n"))
	f.Add([]byte("conn a\n\talso=keys\n\tleftespenckey=0x00\nconn b\n\talsoflip=keys\n"))
	f.Add([]byte("conn a\n\tx-note=\"espauthkey=\"\n# \\\nconn a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Contains(text, []byte("c0ffee")) {
			return
		}
		text = append(text, "\nconn keys\n\tespauthkey=0x"+canary+"\n\tleftespenckey=0x"+canary+"\n\tahkey=0x"+canary+"\n"...)
		config, err := conf.Parse("ipsec.conf", text)
		var out bytes.Buffer
		if config != nil {
			if werr := config.WriteRedacted(&out); werr != nil {
				out.WriteString(werr.Error())
			}
		}
		if err != nil {
			out.WriteString(err.Error())
		}
		if strings.Contains(out.String(), "c0ffee") {
			t.Errorf("a key is shown:\n%s", out.String())
		}
	})
}

// FuzzReadKeys checks that what is said of a file of keys shows none of it.
func FuzzReadKeys(f *testing.F) {
	f.Add("espenckey=0x", "\nespauthkey=0x00\n")
	f.Add("ahkey=", "")
	f.Add("# ", "\n\nespenckey 0x00")
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Contains(before+after, "c0ffee") {
			return
		}
		k, err := readKeys(strings.NewReader(before + canary + after))
		if err != nil && strings.Contains(err.Error(), "c0ffee") {
			t.Errorf("a key is shown: %v", err)
		}
		for _, secret := range []conf.Secret{k.enc, k.auth, k.ah} {
			if strings.Contains(secret.String(), "c0ffee") {
				t.Errorf("a key prints itself: %v", secret)
			}
		}
	})
}
