package secrets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ipsec/conf"
)

// memory is files of which nobody else can read any, but those in open.
type memory struct {
	text map[string]string
	info map[string]Info
}

func (m memory) ReadFile(name string, limit int64) ([]byte, Info, error) {
	text, ok := m.text[name]
	if !ok {
		return nil, Info{}, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	info, ok := m.info[name]
	if !ok {
		info = Info{Mode: 0o600}
	}
	return []byte(text), info, nil
}

func (m memory) Glob(pattern string) ([]string, error) {
	var list []string
	for name := range m.text {
		if ok, err := path.Match(pattern, name); ok || err != nil {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list, nil
}

func load(text string) (*Secrets, error) {
	return LoadFrom(memory{text: map[string]string{"/etc/s": text}}, "/etc/s")
}

// show returns the entries with their secrets, one a line.
func show(s *Secrets) string {
	var b strings.Builder
	for _, e := range s.Entries {
		fmt.Fprintf(&b, "%d %v %v", e.Pos.Line, e.IDs, e.Kind)
		if e.Secret.IsSet() {
			fmt.Fprintf(&b, " %q", e.Bytes())
		}
		if e.File != "" {
			fmt.Fprintf(&b, " file %s %q %v", e.File, e.Passphrase.Reveal(), e.Prompt)
		}
		if k := e.RSAKey(); k != nil {
			fmt.Fprintf(&b, " rsa %d", k.N.BitLen())
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func block(t testing.TB) string { return file(t, "testdata/rsa.secrets") }

func file(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLoad(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"forms of a secret", `# comment
: PSK "every body"
192.0.2.1 192.0.2.2 : PSK 0x00_ff # comment
@a @b : psk 0sAAECAw==
@c : PSK 0ttext#1
@d : PSK 'a "quoted" one'
`, `2 [] PSK "every body"
3 [192.0.2.1 192.0.2.2] PSK "\x00\xff"
4 [@a @b] PSK "\x00\x01\x02\x03"
5 [@c] PSK "text#1"
6 [@d] PSK "a \"quoted\" one"
`},
		{"indices", `%any %any6 : PSK "x"
2001:db8::1 2001:db8::2 : PSK "x"
east.example.com west@example.com @#0aff : PSK "x"
"C=US, O=Ex, CN=a" 'CN=b' : PSK "x"
@e: PSK "x"
"CN=f": PSK "x"
@g :PSK "x"
2001:db8::1: PSK "x"
`, `1 [%any %any] PSK "x"
2 [2001:db8::1 2001:db8::2] PSK "x"
3 [@east.example.com west@example.com @#0aff] PSK "x"
4 [C=US, O=Ex, CN=a CN=b] PSK "x"
5 [@e] PSK "x"
6 [CN=f] PSK "x"
7 [@g] PSK "x"
8 [2001:db8::1] PSK "x"
`},
		{"continuation", "@a\n\t@b # more\n\n# between\n : PSK\n \"x\"\n@c : PSK \"y\"\r\n", "1 [@a @b] PSK \"x\"\n7 [@c] PSK \"y\"\n"},
		{"files", `: RSA east.pem
: RSA east.pem "pass word"
: RSA east.pem %prompt
@e : ECDSA /etc/k.pem ''
: PKCS8 k.der 0t1
carol : EAP "pw"
@dave : XAUTH "pw"
`, `1 [] RSA file east.pem "" false
2 [] RSA file east.pem "0tpass word" false
3 [] RSA file east.pem "" true
4 [@e] ECDSA file /etc/k.pem "" false
5 [] PKCS8 file k.der "0t1" false
6 [@carol] EAP "pw"
7 [@dave] XAUTH "pw"
`},
		{"RSA block", block(t) + "@a : PSK \"x\"\n", "1 [@east] RSA rsa 2048\n13 [@a] PSK \"x\"\n"},
		{"old key", file(t, "testdata/old.secrets"), "1 [] RSA rsa 2048\n"},
		{"brace at the start", strings.Replace(block(t), "\t}", "}", 1), "1 [@east] RSA rsa 2048\n"},
	} {
		s, err := load(tt.text)
		if got := show(s); err != nil || got != tt.want {
			t.Errorf("%s: %v, got\n%swant\n%s", tt.name, err, got, tt.want)
		}
	}
}

// canary is a secret that no message may show.
const canary = "Ddba11cafe"

func TestErrors(t *testing.T) {
	whole := block(t)
	for _, tt := range []struct{ text, want string }{
		{`: PSK "` + canary, "1:7: a quote that is not closed on its line"},
		{`: PSK "` + canary + `"x`, "1:7: text right after a closing quote: expected a blank"},
		{`: PSK ` + canary, "1:7: malformed secret of PSK: expected text in quotes, 0x and hex digits, 0s and base64, or 0t and text"},
		{`: PSK 0x` + canary + "0", "1:7: malformed secret of PSK: expected text in quotes, 0x and hex digits, 0s and base64, or 0t and text"},
		{`: PSK ""`, "1:7: the secret of PSK is empty"},
		{`: PSK`, "1:3: nothing after PSK: expected text in quotes, 0x and hex digits, 0s and base64, or 0t and text"},
		{`: PSK "` + canary + `" "` + canary + `"`, "1:20: text after the secret of PSK: expected the end of the entry; a new one begins at the start of a line"},
		{`@a @b "` + canary + `"`, "1:1: no colon in the entry: expected INDEX… : KIND SECRET, with blanks around the colon"},
		{`@a :`, "1:4: nothing after the colon: expected PSK, RSA, ECDSA, PKCS8, XAUTH or EAP"},
		{`: "` + canary + `"`, "1:3: unknown kind of secret after the colon: expected PSK, RSA, ECDSA, PKCS8, XAUTH or EAP"},
		{`: ` + canary, "1:3: unknown kind of secret after the colon: expected PSK, RSA, ECDSA, PKCS8, XAUTH or EAP"},
		{`: PKS "` + canary + `"`, `1:3: unknown kind of secret after the colon: expected PSK, RSA, ECDSA, PKCS8, XAUTH or EAP; did you mean "PSK"?`},
		{`@a @#` + canary + ` %anny : PSK "x"`, "1:17: index 3 is no identity: expected an address, @NAME, USER@NAME, %any or a DN in quotes"},
		{`: P12 f.p12 "` + canary + `"`, "1:3: P12 is not supported: expected PKCS8 FILE; openssl pkcs12 -in FILE.p12 -nocerts makes such a file"},
		{`: PPK "` + canary + `"`, "1:3: PPK is not supported: expected PSK, RSA, ECDSA, PKCS8, XAUTH or EAP"},
		{`: RSA f.pem ` + canary, "1:13: malformed passphrase: expected it in quotes, or %prompt"},
		{": RSA {\n\tModulus: 0x" + canary + "\n", "1:7: this brace is not closed: expected } after the key, on an indented line or on one of its own"},
		{": RSA {\n\tModulus: " + canary + "\n\t}", "2:11: malformed Modulus: expected 0x and hex digits, or 0s and base64, of at most 16384 bits"},
		{": RSA {\n\tModulos: 0x" + canary + "\n\t}", "2:2: unknown field of an RSA key: expected Modulus, PublicExponent, PrivateExponent, Prime1, Prime2, Exponent1, Exponent2, Coefficient, each with a colon"},
		{": RSA {\n\tModulus: 0x" + canary + "\n\t}", "1:7: the RSA key has no PublicExponent"},
		{": RSA {\n\tCKAIDNSS: 0x" + canary + "\n\t}", "2:2: the key is in a database of NSS, which is not read here: expected the key itself, or RSA FILE"},
		{strings.Replace(whole, "Prime1: 0x", "Prime1: 0x"+canary, 1), "1:13: the numbers of the RSA key do not go together"},
		{strings.Replace(whole, "Coefficient: 0x", "Coefficient: 0x"+canary, 1), "1:13: the numbers of the RSA key do not go together: Coefficient is wrong"},
		{"include", "1:1: malformed include: expected one file name, which may hold wildcards"},
		{"include gone", `1:9: failed to read "/etc/gone": file does not exist`},
		{"include s", `1:9: include is a circle: "/etc/s" is being read already`},
	} {
		s, err := load(tt.text + "\n@rest : PSK \"" + canary + "\"\n")
		if err == nil || err.Error() != "/etc/s:"+tt.want {
			t.Errorf("%s:\n got %v\nwant %s", tt.text, err, tt.want)
		}
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, s, s.Entries), canary) {
			t.Errorf("%s: the canary is out", tt.text)
		}
		if len(s.Entries) != 1 || string(s.Entries[0].Bytes()) != canary {
			t.Errorf("%s: the rest does not count: %s", tt.text, show(s))
		}
	}
	s, err := load(": PIN %smartcard 1234\n")
	if err != nil || len(s.Warnings) != 1 || s.Warnings[0].String() != "/etc/s:1:3: PIN has no effect: smart cards are not supported" {
		t.Errorf("PIN: %v, %v", err, s.Warnings)
	}
}

// An entry that is printed by mistake shows nothing.
func TestSilence(t *testing.T) {
	s, err := load("@a : PSK \"" + canary + "\"\n: RSA a.pem \"" + canary + "\"\n@u : XAUTH \"" + canary + "\"\n" + block(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range s.Entries {
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		shown := fmt.Sprintf("%v %+v %#v %s", *e, *e, *e, text)
		if strings.Contains(shown, canary) || e.key != nil && strings.Contains(shown, e.key.D.String()) {
			t.Errorf("the canary is out: %s", shown)
		}
	}
}

func TestClashes(t *testing.T) {
	s, err := load("@a @b : PSK \"1\"\n@B @a : PSK \"2\"\n@a @b : PSK \"1\"\n@a : PSK \"3\"\n@a @b : XAUTH \"4\"\n: RSA a.pem\n: RSA b.pem\n")
	if err != nil || len(s.Warnings) != 1 ||
		s.Warnings[0].String() != "/etc/s:2:1: the entry is for the same parties as that at /etc/s:1 and has another secret: the first one is used" {
		t.Errorf("got %v, %v", err, s.Warnings)
	}
}

func TestInclude(t *testing.T) {
	m := memory{text: map[string]string{
		"/etc/s":            "include d/*.secrets\n@last : PSK \"3\"\n",
		"/etc/d/b.secrets":  "@b : PSK \"2\"\ninclude \"more\"\n",
		"/etc/d/a.secrets":  "@a : PSK \"1\"\n",
		"/etc/d/.c.secrets": "@c : PSK \"hidden\"\n",
		"/etc/d/more":       "@m : PSK \"m\"\n",
		"/etc/d/o.secrets":  "@o : PSK \"open\"\n",
		"/etc/d/p.secrets":  "@p : PSK \"foreign\"\n",
	}, info: map[string]Info{"/etc/d/o.secrets": {Mode: 0o640}, "/etc/d/p.secrets": {Mode: 0o600, UID: 12345}}}
	s, err := LoadFrom(m, "/etc/s")
	want := fmt.Sprintf(`/etc/d/o.secrets: others may read or write the file (mode 0640), so none of its secrets is used: run chmod 600 /etc/d/o.secrets
/etc/d/p.secrets: the file belongs to uid 12345, who could change its secrets, so none of it is used: run chown %d /etc/d/p.secrets`, os.Geteuid())
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if got := show(s); got != "1 [@a] PSK \"1\"\n1 [@b] PSK \"2\"\n1 [@m] PSK \"m\"\n2 [@last] PSK \"3\"\n" {
		t.Errorf("got %s", got)
	}
	deep := memory{text: map[string]string{}}
	for i := range 30 {
		deep.text[fmt.Sprintf("/etc/%d", i)] = fmt.Sprintf("include %d\n", i+1)
	}
	if _, err := LoadFrom(deep, "/etc/0"); err == nil || !strings.HasSuffix(err.Error(), "nested deeper than 20 files") {
		t.Errorf("deep: %v", err)
	}
}

func TestFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ipsec.secrets")
	if _, err := Load(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(name, []byte(": PSK \"x\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Load(name); err != nil || len(s.Entries) != 1 {
		t.Errorf("got %v", err)
	}
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if s, err := Load(name); err == nil || !strings.HasSuffix(err.Error(), "run chmod 600 "+name) || len(s.Entries) != 0 {
		t.Errorf("open file: %v", err)
	}
	if _, err := Load(filepath.Dir(name)); err == nil {
		t.Error("a folder was read")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(block(f))
	f.Add("@a 192.0.2.1 : PSK \"x\"\n\t# c\n: RSA f.pem %prompt\ninclude x*\n")
	f.Add("\"C=US, CN=a\": PSK 0x12\n : XAUTH 'x'\n{\n}\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := load(text)
		var all conf.Errors
		if err != nil && !errors.As(err, &all) {
			t.Fatalf("%v is no conf.Errors", err)
		}
		for _, e := range s.Entries {
			us := Party{}
			if len(e.IDs) > 0 {
				us.ID = e.IDs[0]
			}
			if e.Kind == PSK && len(e.Bytes()) == 0 {
				t.Fatal("an empty key")
			}
			s.Lookup(e.Kind, us, Party{})
		}
	})
}
