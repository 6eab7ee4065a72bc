package conf_test

import (
	"bytes"
	"github.com/rogpeppe/go-internal/txtar"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"ipsec/conf"
	"ipsec/conf/keyword"
)

// placeless returns c without places, names of files and warnings.
func placeless(c *conf.Config) conf.Config {
	params := func(list conf.Params) conf.Params {
		var out conf.Params
		for _, p := range list.List {
			p.Pos = conf.Pos{}
			out.List = append(out.List, p)
		}
		return out
	}
	d := conf.Config{Setup: c.Setup}
	d.Setup.Params = params(c.Setup.Params)
	d.Setup.Interfaces = nil
	for _, i := range c.Setup.Interfaces {
		i.Pos = conf.Pos{}
		d.Setup.Interfaces = append(d.Setup.Interfaces, i)
	}
	for _, conn := range c.Conns {
		e := *conn
		e.Pos, e.Params = conf.Pos{}, params(conn.Params)
		e.Unmet = slices.Clone(conn.Unmet)
		for i := range e.Unmet {
			e.Unmet[i].Pos = conf.Pos{}
		}
		d.Conns = append(d.Conns, &e)
	}
	return d
}

// roundTrip writes c, parses that, and expects the same value and text.
func roundTrip(t *testing.T, c *conf.Config) {
	t.Helper()
	var first, second bytes.Buffer
	if _, err := c.WriteTo(&first); err != nil {
		t.Fatal(err)
	}
	d, err := conf.Parse("written", first.Bytes())
	if err != nil {
		t.Fatalf("parsing what was written: %v\n%s", err, first.Bytes())
	}
	if a, b := placeless(c), placeless(d); !reflect.DeepEqual(a, b) {
		t.Fatalf("round trip:\n%s\nfirst  %+v\nsecond %+v", first.Bytes(), a, b)
	}
	if _, err := d.WriteTo(&second); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Fatalf("writing again gives something else (%v):\n%s\n%s", err, first.Bytes(), second.Bytes())
	}
}

func FuzzParse(f *testing.F) {
	archives, _ := filepath.Glob("testdata/files/*.txtar")
	for _, name := range archives {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(text).Files {
			if !strings.HasPrefix(file.Name, "want/") {
				f.Add(file.Data)
			}
		}
	}
	f.Add([]byte("conn a\n include self\n also=a\nconn private\n auto=route\n"))
	f.Add([]byte("include *\nconn \"\n\t=\n\tx-=\"\"\n\tx-#=\"#\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		files := mem{fstest.MapFS{"self": {Data: text}, "dir/self": {Data: text}}}
		c, err := conf.Parse("/self", text, conf.WithFiles(files))
		if err != nil {
			if c == nil || err.Error() == "" {
				t.Fatal("an error without a configuration or a text")
			}
			return
		}
		roundTrip(t, c)
	})
}

// FuzzParameter tries values of every keyword, with quotes around them.
func FuzzParameter(f *testing.F) {
	words := keyword.All()
	for i, k := range words {
		f.Add(uint16(i), false, k.Default)
		for _, v := range k.Values {
			f.Add(uint16(i), true, v)
		}
	}
	f.Add(uint16(0), true, "ipsec0=eth0 ipsec1=ppp0")
	for _, v := range []string{"192.0.2.1/24,2001:db8::/32", "17/%any", "%v4:10/8,%v4:!10.1/16", "0x1234", "0sAAEC", "1.5h", "a # b", "{a b}", "aes128-sha1!"} {
		for i, k := range words {
			if k.Effect == keyword.Acts && k.Section != keyword.SectionConn {
				f.Add(uint16(i), true, v)
			}
		}
	}
	f.Fuzz(func(t *testing.T, i uint16, right bool, value string) {
		k := words[int(i)%len(words)]
		name := k.Name
		if k.Section == keyword.SectionEnd && right {
			name = "right" + strings.TrimPrefix(name, "left")
		}
		head := "conn t\n"
		if k.Section == keyword.SectionSetup {
			head = "config setup\n"
		}
		c, err := conf.Parse("f", []byte(head+"\t"+name+"=\""+value+"\"\nconn u\n\tesp=aes128-sha1\n\talsoflip=t\n"))
		if err == nil {
			roundTrip(t, c)
		} else if k.Type == keyword.TypeSecret && len(value) > 8 && !strings.ContainsAny(value, "\n") && strings.Contains(err.Error(), value) {
			t.Fatalf("the error shows the key: %v", err)
		}
	})
}
