package conf_test

import (
	"testing"

	"ipsec/conf"
)

func TestRelocate(t *testing.T) {
	const text = "config setup\n\tinterfaces=ipsec0=eth0\n\tpluto=no\nconn a\n\tleft=192.0.2.1\n\tright=192.0.2.2\n"
	for _, tt := range []struct{ name, from, want string }{
		{"itself", "/home/a/west/ipsec.conf", "/etc/ipsec.conf"},
		{"beside it", "/home/a/west/main.conf", "/etc/ipsec.conf"},
		{"below its folder", "/home/a/main.conf", "/etc/west/ipsec.conf"},
		{"elsewhere", "/home/a/east/main.conf", "/home/a/west/ipsec.conf"},
		{"a folder that begins alike", "/home/a/we/main.conf", "/home/a/west/ipsec.conf"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config, err := conf.Parse("/home/a/west/ipsec.conf", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			config.Relocate(tt.from, "/etc/ipsec.conf")
			conn := config.Conn("a")
			for what, pos := range map[string]conf.Pos{
				"keyword of setup": config.Setup.At("pluto"),
				"interface":        config.Setup.Interfaces[0].Pos,
				"conn":             conn.Pos,
				"keyword of conn":  conn.At("left"),
			} {
				if pos.File != tt.want {
					t.Errorf("the %s is in %s, want %s", what, pos.File, tt.want)
				}
			}
			if pos := config.Setup.At("syslog"); !pos.IsZero() {
				t.Errorf("a default has a place: %v", pos)
			}
		})
	}
}
