package conf_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"ipsec/conf"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ipsec.conf", "config setup\n\tpluto=no\n\nconn b\n\nconn a\r\n\tleft=192.0.2.1\r\ninclude ipsec.d/*.conf\n")
	write("ipsec.d/2.conf", "conn two\n")
	write("ipsec.d/1.conf", "conn one\n")
	write("ipsec.d/.0.conf", "conn hidden\n")
	paths := conf.DefaultPaths()
	paths.Conf = filepath.Join(dir, "ipsec.conf")
	c, err := conf.Load(paths)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, conn := range c.Conns {
		if !conn.PolicyGroup {
			names = append(names, conn.Name)
		}
	}
	if got := strings.Join(names, " "); got != "b a one two" {
		t.Errorf("conns %s", got)
	}
	if c.Setup.Pluto || len(c.Files) != 3 || c.Files[1] != filepath.Join(dir, "ipsec.d/1.conf") {
		t.Errorf("%+v", c)
	}
	if at := c.Conn("a").At("left"); at.String() != paths.Conf+":7" || at.Col != 7 {
		t.Errorf("left stands at %v, column %d", at, at.Col)
	}

	paths.Conf = filepath.Join(dir, "none.conf")
	c, err = conf.Load(paths)
	if !errors.Is(err, fs.ErrNotExist) || c == nil || !c.Setup.Pluto {
		t.Errorf("without a file: %+v, %v", c, err)
	}
	if want := paths.Conf + ": failed to read the configuration: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	paths.Conf = dir
	if _, err = conf.Load(paths); err == nil {
		t.Error("a folder was read as a file")
	}
}

// TestUsable holds what stop relies on: the good lines of a broken file.
func TestUsable(t *testing.T) {
	c, err := conf.Parse("f", []byte("config setup\n\tinterfaces=ipsec0=eth7\n\tpluto=perhaps\nrubbish\nconn a\n\tleft=192.0.2.1\n\tright=nonsense!\n"))
	var all conf.Errors
	if !errors.As(err, &all) || len(all) != 3 {
		t.Fatalf("errors: %v", err)
	}
	if c.Setup.Interfaces[0].Physical != "eth7" || !c.Setup.Pluto || !c.Conn("a").Left.Host.Addr.IsValid() {
		t.Errorf("%+v", c)
	}
}

func TestLimits(t *testing.T) {
	chain := func(n int) []byte {
		var b bytes.Buffer
		for i := range n {
			fmt.Fprintf(&b, "conn c%d\n\talso=c%d\n", i, i+1)
		}
		fmt.Fprintf(&b, "conn c%d\n", n)
		return b.Bytes()
	}
	if _, err := conf.Parse("f", chain(60)); err != nil {
		t.Errorf("also 60 deep: %v", err)
	}
	if _, err := conf.Parse("f", chain(70)); err == nil || !strings.Contains(err.Error(), "nested deeper") {
		t.Errorf("also 70 deep: %v", err)
	}
	files := mem{fstest.MapFS{}}
	for i := range 30 {
		files.MapFS[fmt.Sprintf("f%d", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "include f%d\n", i+1)}
	}
	if _, err := conf.Parse("/f0", files.MapFS["f0"].Data, conf.WithFiles(files)); err == nil || !strings.Contains(err.Error(), "/f20:1:9: include \"f21\" is nested deeper") {
		t.Errorf("include 30 deep: %v", err)
	}
	wide := bytes.Repeat([]byte("include g\n"), 5000)
	files.MapFS["g"] = &fstest.MapFile{Data: []byte("# nothing\n")}
	if _, err := conf.Parse("/f", wide, conf.WithFiles(files)); err == nil || !strings.Contains(err.Error(), "more than 4096 files") {
		t.Errorf("5000 includes: %v", err)
	}
	if _, err := conf.Parse("f", bytes.Repeat([]byte{'#'}, 17<<20)); err == nil {
		t.Error("17 MiB were read")
	}
	_, err := conf.Parse("f", bytes.Repeat([]byte("conn a\n\tb=c\n\talso=nothing\n"), 5000))
	if n := strings.Count(err.Error(), "\n"); n != 1000 || !strings.HasSuffix(err.Error(), "the rest is left out") {
		t.Errorf("%d lines of errors", n)
	}
	// Many conns take from many others: quadratic, and cut off.
	var b bytes.Buffer
	b.WriteString("conn base\n")
	for i := range 1500 {
		fmt.Fprintf(&b, "\talso=c%d\n", i)
	}
	for i := range 1500 {
		fmt.Fprintf(&b, "conn c%d\nconn d%d\n\talso=base\n", i, i)
	}
	if _, err := conf.Parse("f", b.Bytes()); err == nil || !strings.Contains(err.Error(), "references by also= in all") {
		t.Errorf("1500 by 1500: %.200v", err)
	}
	if _, err := conf.Parse("f", []byte("include x\n")); err == nil {
		t.Error("an include was read from nowhere")
	}
}

func TestPolicyGroups(t *testing.T) {
	for _, tt := range []struct {
		text  string
		name  string
		group bool
		auto  conf.Auto
		right conf.HostForm
	}{
		{"", "private", true, conf.AutoIgnore, conf.HostOppoGroup},
		{"conn private\n\tauto=route\n", "private", true, conf.AutoRoute, conf.HostOppoGroup},
		{"conn on\n\tauto=route\nconn block\n\talso=on\n", "block", true, conf.AutoRoute, conf.HostGroup},
		{"conn block\n\tauto=ignore\n", "block", true, conf.AutoIgnore, conf.HostGroup},
		{"conn clear\n\tleft=192.0.2.1\n\tright=%any\n\tauto=add\n", "clear", false, conf.AutoAdd, conf.HostAny},
		{"conn %default\n\tauto=start\n\tright=192.0.2.1\n", "clear", true, conf.AutoIgnore, conf.HostGroup},
		{"conn mine\n\talso=private-or-clear\n\tauto=route\n", "mine", false, conf.AutoRoute, conf.HostOppoGroup},
		{"conn mine\n\talso=private\nconn private\n\tauto=route\n", "mine", false, conf.AutoRoute, conf.HostOppoGroup},
	} {
		c, err := conf.Parse("f", []byte(tt.text))
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		got := c.Conn(tt.name)
		if got.PolicyGroup != tt.group || got.Auto != tt.auto || got.Right.Host.Form != tt.right {
			t.Errorf("%q: %+v", tt.text, got)
		}
		roundTrip(t, c)
	}
}

// TestStack checks that a stack which is not used is warned of, at its line.
func TestStack(t *testing.T) {
	for stack, want := range map[string]string{"xfrm": `f:2:2: protostack=xfrm: packets are carried by KLIPS`, "klips": "", "auto": ""} {
		c, err := conf.Parse("f", []byte("config setup\n\tprotostack="+stack+"\n\tfragicmp=no\n"))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, w := range c.Warnings {
			got += w.String()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", stack, got, want)
		}
	}
}
