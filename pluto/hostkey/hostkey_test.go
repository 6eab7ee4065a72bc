package hostkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/conf/identity"
)

// What New makes Find finds, and its public part goes into each form, without
// anything that is secret.
func TestMadeAndFound(t *testing.T) {
	if err := CheckBits(2040); err == nil {
		t.Error("2040 bits are taken")
	}
	inside, err := New(2048, "east\x1b[2J")
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsRune(string(inside), '\x1b') {
		t.Error("the name of the host goes into the comment as it is")
	}
	file := filepath.Join(t.TempDir(), "host.secrets")
	if err := errors.Join(Absent(file), Write(file, Entry(inside))); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if Absent(file) == nil || Write(file, nil) == nil {
		t.Error("a key is written over another")
	}
	keys, warnings, err := Find(file, "", nil)
	if err != nil || len(warnings) != 0 || len(keys) != 1 {
		t.Fatalf("%v, %v, %v", keys, warnings, err)
	}
	east, _ := identity.Parse("@east")
	if _, _, err := Find(file, "", &east); err == nil || !strings.Contains(err.Error(), "no private key of @east") {
		t.Errorf("of @east: %v", err)
	}
	secret := ""
	for line := range strings.Lines(string(inside)) {
		if _, value, ok := strings.Cut(line, "PrivateExponent: 0x"); ok {
			secret = strings.TrimSpace(value)
		}
	}
	gw, _ := identity.Parse("@gw.example.com")
	for _, form := range []func(crypto.PublicKey) (string, error){
		func(k crypto.PublicKey) (string, error) { return Line(k, conf.Left) },
		func(k crypto.PublicKey) (string, error) { return TXT(k, gw) },
		func(k crypto.PublicKey) (string, error) { return IPSECKEY(k, netip.MustParseAddr("192.0.2.1")) },
	} {
		text, err := form(keys[0].Public)
		if err != nil || !strings.Contains(text, "AwEAA") || len(secret) < 64 || strings.Contains(text, secret[:64]) {
			t.Errorf("%q, %v", text, err)
		}
	}
	if text := keys[0].String(); !strings.HasPrefix(text, "RSA AwEAA") || !strings.HasSuffix(text, " of %any at "+file+":1") {
		t.Error(text)
	}
}

// The records of the DNS are of RSA keys alone; see RFC 4025 for other numbers.
func TestECDSA(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := IPSECKEY(key.Public(), netip.Addr{}); err == nil || !strings.Contains(err.Error(), "expected RSA") {
		t.Errorf("IPSECKEY: %v", err)
	}
	if text, err := Line(key.Public(), conf.Right); err != nil || !strings.Contains(text, "\tright") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestNoFile(t *testing.T) {
	if _, _, err := Find(filepath.Join(t.TempDir(), "none"), "", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
