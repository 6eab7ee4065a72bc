package options

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ipsec/klips"
)

// files is a Resolver whose files lie below a new folder and that knows no host.
func files(t *testing.T, texts map[string]string) Resolver {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Resolver{
		Open:   func(name string) (*os.File, error) { return os.Open(filepath.Join(dir, filepath.Base(name))) },
		Lookup: func(context.Context, string, string) ([]netip.Addr, error) { return nil, errors.New("no such host") },
	}
}

// Names of protocols and ports are found by their aliases, and ports by the
// protocol that they are of.
func TestNames(t *testing.T) {
	r := files(t, map[string]string{
		"protocols": "# protocols\nsctp 132 SCTP # stream\ngreat 300\n",
		"services":  "domain 53/tcp\ndomain 53/udp\nsyslog 514/udp\nshell 514/tcp cmd\nshort\n",
	})
	for _, c := range []struct {
		text string
		want uint8
		bad  bool
	}{{"17", 17, false}, {"0x11", 17, false}, {"021", 17, false}, {"SCTP", 132, false}, {"udp", 17, false}, {"great", 0, true}, {"256", 0, true}, {"0b1", 0, true}, {"", 0, true}} {
		var wrong Malformed
		if got, err := r.Protocol(c.text); got != c.want || errors.As(err, &wrong) != c.bad {
			t.Errorf("protocol %q is %d, %v", c.text, got, err)
		}
	}
	for _, c := range []struct {
		text  string
		proto uint8
		want  uint16
		bad   bool
	}{{"65535", 6, 65535, false}, {"domain", 17, 53, false}, {"cmd", 6, 514, false}, {"cmd", 17, 0, true}, {"65536", 6, 0, true}, {"short", 6, 0, true}} {
		var wrong Malformed
		if got, err := r.Port("--src-port", c.text, c.proto); got != c.want || errors.As(err, &wrong) != c.bad {
			t.Errorf("port %q of protocol %d is %d, %v", c.text, c.proto, got, err)
		}
	}
}

// A name that is not found is no mistake of the command line.
func TestUnknownHost(t *testing.T) {
	r := files(t, nil)
	var wrong Malformed
	if _, err := r.Addr("--src", "gw.example", ""); err == nil || errors.As(err, &wrong) {
		t.Errorf("an unknown host: %v", err)
	}
	if _, err := r.Addr("--src", "192.0.2.256", ""); !errors.As(err, &wrong) {
		t.Errorf("no address and no name: %v", err)
	}
}

func TestLifetimes(t *testing.T) {
	soft, hard, err := Lifetimes("soft-bytes=18446744073709551615,hard-addtime=60,hard-allocations=1")
	if err != nil || soft != (klips.Lifetime{Bytes: 1<<64 - 1}) || hard != (klips.Lifetime{AddTime: time.Minute, Allocations: 1}) {
		t.Errorf("soft %+v, hard %+v, %v", soft, hard, err)
	}
	for _, text := range []string{"bytes=1", "soft-bytes", "soft-bytes=-1", "hard-addtime=4294967296", "soft-bytes=1,", "medium-bytes=1"} {
		var wrong Malformed
		if _, _, err := Lifetimes(text); !errors.As(err, &wrong) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
