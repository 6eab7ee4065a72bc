package offload

import "testing"

func TestParse(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  Set
		ok    bool
	}{
		{nil, 0, true},
		{[]string{"tso", "gro"}, TSO | GRO, true},
		{[]string{"all"}, All, true},
		{Names(), All, true},
		{[]string{"tso", "lro"}, 0, false},
	} {
		if got, err := Parse(c.words); got != c.want || (err == nil) != c.ok {
			t.Errorf("%q: %v, %v", c.words, got, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	for want, c := range map[string][2]Set{
		"tso,uso,coalesce,segment,gro,packet,xdp":                                                                   {All, 0},
		"none; not tso,uso,coalesce,segment,gro,packet,xdp: turned off":                                             {0, All},
		"tso,segment,gro,xdp; not coalesce: turned off; not uso: the kernel does not offer it; not packet: refused": {TSO | Segment | GRO | XDP, Coalesce},
	} {
		if got := Describe(c[0], c[1], map[Set]string{Packet: "refused"}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
