package conf

import (
	"strings"
	"testing"
)

// What Environ gives PathsFrom takes, and what is not given is as usual.
func TestPathsFrom(t *testing.T) {
	for _, c := range []struct {
		name, env string
		want      Paths
	}{
		{"nothing", "", DefaultPaths()},
		{"the folder", "IPSEC_CONFS=/a", Paths{Bin: DefaultBin, Confs: "/a", Conf: "/a/ipsec.conf", Run: DefaultRun}},
		{"the file alone", "IPSEC_CONF=/b/c", Paths{Bin: DefaultBin, Confs: "/etc", Conf: "/b/c", Run: DefaultRun}},
		{"all", "IPSEC_CONFS=/a IPSEC_CONF=/b/c IPSEC_RUNDIR=/r", Paths{Bin: DefaultBin, Confs: "/a", Conf: "/b/c", Run: "/r"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := PathsFrom(lookup(strings.Fields(c.env)))
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if again := PathsFrom(lookup(got.Environ())); again != got {
				t.Errorf("a child has %+v, and we %+v", again, got)
			}
		})
	}
}

// lookup is os.Getenv in an environment.
func lookup(environ []string) func(string) string {
	return func(name string) string {
		for _, variable := range environ {
			if value, ok := strings.CutPrefix(variable, name+"="); ok {
				return value
			}
		}
		return ""
	}
}
