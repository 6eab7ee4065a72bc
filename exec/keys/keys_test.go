package keys

import (
	"net/netip"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/conf/secret"
	"ipsec/klips"
	"ipsec/klips/said"
)

// canary stands for a key in what must not show one.
const canary = "c0ffee15badc0ffee15badc0ffee15ba"

func TestRead(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"espenckey 0xc0ffee\n", "line 1: expected espenckey=KEY"},
		{"\nespkey=0xc0ffee\n", "line 2: expected"},
		{"ahkey=0x00\nahkey=0xc0ffee\n", "line 2: ahkey for the second time"},
	} {
		_, err := Read(strings.NewReader(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "c0ffee") {
			t.Errorf("%q: error is %v, want one with %q and no key", test.text, err, test.want)
		}
	}
}

// FuzzRead checks that what is said of a file of keys shows none of it.
func FuzzRead(f *testing.F) {
	f.Add("espenckey=0x", "\nespauthkey=0x00\n")
	f.Add("ahkey=", "")
	f.Add("# ", "\n\nespenckey 0x00")
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Contains(before+after, "c0ffee") {
			return
		}
		k, err := Read(strings.NewReader(before + canary + after))
		if err != nil && strings.Contains(err.Error(), "c0ffee") {
			t.Errorf("a key is shown: %v", err)
		}
		for _, secret := range []secret.Text{k.Enc, k.Auth, k.AH} {
			if strings.Contains(secret.String(), "c0ffee") {
				t.Errorf("a key prints itself: %v", secret)
			}
		}
	})
}

const (
	key24 = "0x000102030405060708090a0b0c0d0e0f1011121314151617"
	key16 = "0x202122232425262728292a2b2c2d2e2f"
)

// Each key has to fit its algorithm, and one too many is an error of SetAll alone.
func TestSet(t *testing.T) {
	const canary = "c0ffee"
	esp := said.SAID{Dst: netip.MustParseAddr("192.0.2.2"), SPI: 0x200, Proto: said.ESP}
	ah := esp
	ah.Proto = said.AH
	for _, c := range []struct {
		algorithm string
		id        said.SAID
		keys      Keys
		want      string // in the error of SetAll; "": none
		lenient   bool   // Set takes it
	}{
		{"3des-md5-96", esp, Keys{Enc: secret.New(key24), Auth: secret.New(key16)}, "", true},
		{"hmac-md5-96", ah, Keys{AH: secret.New(key16)}, "", true},
		{"3des-md5-96", esp, Keys{Enc: secret.New(key24), Auth: secret.New("0x" + canary)}, "key of md5-96 has 3 bytes, expected 16", false},
		{"3des-md5-96", esp, Keys{Enc: secret.New(canary)}, "malformed espenckey", false},
		{"3des-md5-96", esp, Keys{Enc: secret.New(key24)}, "malformed espauthkey: there is no key", false},
		{"aes256-md5-96", esp, Keys{Enc: secret.New(key16), Auth: secret.New(key16)}, "has 128 bits, expected 256", false},
		{"3des", esp, Keys{Enc: secret.New(key24), Auth: secret.New("0x" + canary)}, "for authentication, and the algorithm takes none", true},
		{"null-md5-96", esp, Keys{Enc: secret.New("0x" + canary), Auth: secret.New(key16)}, "espenckey, and the algorithm takes none", true},
		{"4des", esp, Keys{}, "malformed ESP algorithm", false},
	} {
		sa := klips.SA{ID: c.id}
		err := c.keys.SetAll(&sa, c.algorithm)
		if c.want == "" && (err != nil || sa.AuthKey == nil) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.algorithm, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("%s: a key is shown: %v", c.algorithm, err)
		}
		if err := c.keys.Set(&sa, c.algorithm); (err == nil) != c.lenient {
			t.Errorf("%s: Set: %v", c.algorithm, err)
		}
	}
}

// The keys of a conn are those of the side that an SA leads to, which is known by
// the other side where its own address is not in the file.
func TestOf(t *testing.T) {
	cfg, err := conf.Parse("ipsec.conf", []byte("version 2.0\nconn net\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tleftespenckey=0x01\n\trightespenckey=0x02\n"+
		"conn road\n\tleft=192.0.2.1\n\tright=%defaultroute\n\tleftespenckey=0x01\n\trightespenckey=0x02\n"))
	if err != nil {
		t.Fatal(err)
	}
	one, two, three := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	for _, c := range []struct {
		conn     string
		dst, src netip.Addr
		want     byte // the key; 0: none is known
	}{
		{"net", one, two, 1}, {"net", two, one, 2}, {"net", two, netip.Addr{}, 2}, {"net", three, one, 0},
		{"road", one, three, 1}, {"road", three, one, 2}, {"road", three, two, 0},
	} {
		k, err := Of(cfg.Conn(c.conn), c.dst, c.src)
		var got byte
		if err == nil {
			key, err := k.Enc.Decode()
			if err != nil || len(key) != 1 {
				t.Fatal(key, err)
			}
			got = key[0]
		}
		if got != c.want {
			t.Errorf("%s to %s: key %d, want %d (%v)", c.conn, c.dst, got, c.want, err)
		}
	}
}
