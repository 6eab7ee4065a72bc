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
