package native

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/klips/said"
	"ipsec/plan"
)

// Errors name what failed, and show nothing of a key.
func TestAddSARefuses(t *testing.T) {
	const canary = "c0ffee"
	const head = "config setup\n\tinterfaces=%none\nconn net\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tauto=ignore\n\tspi=0x200\n"
	op := plan.AddSA{SAID: id(said.ESP, 0x200), Src: east, Algorithm: "3des-md5-96", KeysOf: "net"}
	other := op
	other.KeysOf = "nat"
	elsewhere := op
	elsewhere.SAID.Dst, elsewhere.Src = netip.MustParseAddr("192.0.2.3"), netip.MustParseAddr("192.0.2.4")
	aes := op
	aes.Algorithm = "aes256-md5-96"
	rot := op
	rot.Algorithm = "rot13"
	for _, c := range []struct {
		name, conf string
		op         plan.AddSA
		want       []string
	}{
		{"no key", "", op, []string{"espenckey", "no key"}},
		{"no such conn", "", other, []string{"no such conn", "nat"}},
		{"short key", "\tespenckey=0x" + canary + "\n", op, []string{"espenckey", "3des", "3 bytes", "expected 24"}},
		{"other length than named", "\tespenckey=0x" + strings.Repeat(canary, 5) + "ff\n", aes, []string{"espenckey", "128 bits", "256"}},
		{"no authentication key", "\tespenckey=0x" + strings.Repeat(canary, 8) + "\n", op, []string{"espauthkey", "no key"}},
		{"short authentication key", "\tespenckey=0x" + strings.Repeat(canary, 8) + "\n\tespauthkey=0x" + canary + "\n", op, []string{"espauthkey", "md5-96", "expected 16"}},
		{"another address", "\tespenckey=0x" + strings.Repeat(canary, 8) + "\n", elsewhere, []string{"192.0.2.3", "ipsec.conf:3", "changed"}},
		{"unknown algorithm", "", rot, []string{"rot13"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, captured := newCapture(t, head+c.conf)
			err := b.AddSA(t.Context(), c.op)
			fails(t, err, append(c.want, "failed to set SA "+c.op.SAID.String())...)
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("a key shows in %q", err)
			}
			if len(captured.sas) != 0 {
				t.Error("an SA was set")
			}
		})
	}
	b, _ := newCapture(t, "")
	broken := New(Env{Paths: b.paths, Config: func() (*conf.Config, error) { return nil, errors.New("malformed file") }})
	fails(t, broken.AddSA(t.Context(), op), "malformed file")
	fails(t, New(Env{Paths: b.paths}).AddSA(t.Context(), op), "no such conn")
}

// The configuration is read once, and only when a key is needed.
func TestConfigIsLazy(t *testing.T) {
	b := newBench(t, "")
	loads := 0
	e := New(Env{Paths: b.paths, Config: func() (*conf.Config, error) { loads++; return nil, nil }})
	works(t, e.Touch(t.Context(), plan.Touch{Path: b.path("x")}))
	if loads != 0 {
		t.Error("read without need")
	}
	for range 2 {
		fails(t, e.AddSA(t.Context(), plan.AddSA{SAID: id(said.AH, 0x200), Src: east, Algorithm: "hmac-md5-96", KeysOf: "net"}), "no such conn")
	}
	if loads != 1 {
		t.Errorf("read %d times", loads)
	}
}
