package credential

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/keytest"
)

func pemOf(kind string, blocks ...[]byte) []byte {
	var out []byte
	for _, b := range blocks {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b})...)
	}
	return out
}

func marshal(t *testing.T, der []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return marshal(t, der, err)
}

// mustMarshal is for values that are right by construction.
func mustMarshal(value any) []byte {
	der, err := asn1.Marshal(value)
	if err != nil {
		panic(err)
	}
	return der
}

// encrypted makes PKCS#8 under a passphrase: PBES2, PBKDF2 with HMAC-SHA-256, AES-256-CBC.
func encrypted(t *testing.T, der []byte, passphrase string, iterations int) []byte {
	t.Helper()
	salt, iv := []byte("saltsalt"), []byte("initial vector!!")
	key, err := pbkdf2.Key(sha256.New, passphrase, salt, iterations, 32)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	pad := 16 - len(der)%16
	data := append(slices.Clone(der), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	raw := func(v any) asn1.RawValue { return asn1.RawValue{FullBytes: mustMarshal(v)} }
	return mustMarshal(encryptedKeyInfo{
		pkix.AlgorithmIdentifier{Algorithm: oidPBES2, Parameters: raw(pbes2Parameters{
			pkix.AlgorithmIdentifier{Algorithm: oidPBKDF2, Parameters: raw(pbkdf2Parameters{Salt: salt, Iterations: iterations,
				PRF: pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, Parameters: asn1.NullRawValue}})},
			pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, Parameters: raw(iv)},
		})}, data,
	})
}

// TestPrivateKeys reads private keys in every form.
func TestPrivateKeys(t *testing.T) {
	r, ec := keytest.RSA(t, 2048), keytest.ECDSA(t, elliptic.P384())
	ed := keytest.Ed25519(t)
	ecDER, err := x509.MarshalECPrivateKey(ec)
	ecDER = marshal(t, ecDER, err)
	//lint:ignore SA1019 the form that is tested
	legacy, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r), []byte("sesame"), x509.PEMCipherAES128)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name       string
		data       []byte
		passphrase string
		want       crypto.Signer
		err        string
	}{
		{"PKCS#1 PEM", pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r)), "", r, ""},
		{"PKCS#1 DER", x509.MarshalPKCS1PrivateKey(r), "", r, ""},
		{"SEC 1 PEM after parameters", append(pemOf("EC PARAMETERS", []byte{6, 5, 0x2b, 0x81, 4, 0, 0x22}), pemOf("EC PRIVATE KEY", ecDER)...), "", ec, ""},
		{"SEC 1 DER", ecDER, "", ec, ""},
		{"PKCS#8 RSA", pemOf("PRIVATE KEY", pkcs8(t, r)), "", r, ""},
		{"PKCS#8 ECDSA", pkcs8(t, ec), "", ec, ""},
		{"PKCS#8 Ed25519", pemOf("PRIVATE KEY", pkcs8(t, ed)), "", ed, ""},
		{"passphrase for nothing", pkcs8(t, ec), "sesame", ec, ""},
		{"legacy PEM", pem.EncodeToMemory(legacy), "sesame", r, ""},
		{"legacy PEM, no passphrase", pem.EncodeToMemory(legacy), "", nil, "encrypted"},
		{"PBES2", pemOf("ENCRYPTED PRIVATE KEY", encrypted(t, pkcs8(t, ec), "sesame", 2048)), "sesame", ec, ""},
		{"PBES2 DER", encrypted(t, pkcs8(t, ec), "sesame", 2048), "sesame", ec, ""},
		{"PBES2, another passphrase", encrypted(t, pkcs8(t, ec), "sesame", 2048), "simsim", nil, "does not fit"},
		{"PBES2, no passphrase", encrypted(t, pkcs8(t, ec), "sesame", 2048), "", nil, "encrypted"},
		{"P-224", pkcs8(t, keytest.ECDSA(t, elliptic.P224())), "", nil, "P-224"},
		{"certificate", pemOf("CERTIFICATE", []byte{1}), "", nil, "no PEM block"},
		{"empty", nil, "", nil, "no private key"},
		{"junk", []byte("junk"), "", nil, "no private key"},
	}
	for _, test := range tests {
		key, err := ParsePrivateKey(test.data, []byte(test.passphrase))
		switch {
		case test.err != "":
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: %v, want %q", test.name, err, test.err)
			}
		case err != nil:
			t.Errorf("%s: %v", test.name, err)
		case !sameKey(key.Public(), test.want.Public()):
			t.Errorf("%s: another key", test.name)
		}
	}
	many := encrypted(t, pkcs8(t, ec), "sesame", 1)
	many = bytes.Replace(many, []byte{2, 1, 1, 0x30}, []byte{2, 1, 0, 0x30}, 1)
	if _, err := ParsePrivateKey(many, []byte("sesame")); err == nil || !strings.Contains(err.Error(), "0 iterations") {
		t.Errorf("no iterations: %v", err)
	}
}

// folder writes files below a new folder and returns it.
func folder(t *testing.T, files map[string][]byte) Source {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "ipsec.secrets"), nil)
	for name, data := range files {
		write(t, filepath.Join(dir, name), data)
	}
	return Source{Folder: filepath.Join(dir, "ipsec.d"), Secrets: filepath.Join(dir, "ipsec.secrets")}
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLoad loads a folder with good files and bad ones, and proves with what is there.
func TestLoad(t *testing.T) {
	root := issue(t, nil, "Root", asCA)
	middle := issue(t, root, "Middle", asCA)
	west := issue(t, middle, "west", names)
	east := issueFor(t, root, keytest.RSA(t, 2048), "east", names)
	crl := root.crlDER(noon.AddDate(0, 0, -1), noon.AddDate(0, 0, 1))
	src := folder(t, map[string][]byte{
		"ipsec.d/certs/west.pem":       pemOf("CERTIFICATE", west.cert.Raw, middle.cert.Raw),
		"ipsec.d/certs/east.der":       east.cert.Raw,
		"ipsec.d/certs/junk.pem":       []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
		"ipsec.d/certs/empty.pem":      nil,
		"ipsec.d/certs/.hidden":        []byte("junk"),
		"ipsec.d/cacerts/root.pem":     pemOf("CERTIFICATE", root.cert.Raw),
		"ipsec.d/cacerts/notca.pem":    pemOf("CERTIFICATE", east.cert.Raw),
		"ipsec.d/crls/root.crl":        crl,
		"ipsec.d/crls/root.pem":        pemOf("X509 CRL", crl),
		"ipsec.d/crls/junk.crl":        []byte("junk"),
		"ipsec.d/private/west.pem":     pemOf("PRIVATE KEY", pkcs8(t, west.key)),
		"ipsec.d/private/east.pem":     pemOf("PRIVATE KEY", pkcs8(t, east.key)),
		"ipsec.d/private/open.pem":     pemOf("PRIVATE KEY", pkcs8(t, east.key)),
		"ipsec.d/private/sub/more.pem": []byte("junk"),
		"elsewhere/west.pem":           pemOf("CERTIFICATE", west.cert.Raw),
	})
	open := filepath.Join(src.Folder, "private/open.pem")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(src.Folder, "certs/fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	store, warnings := src.Load()
	for _, want := range []string{"certs/junk.pem", "certs/empty.pem", "certs/fifo is not a plain file", "cacerts/notca.pem", "crls/junk.crl", "chmod 600 " + open} {
		if n := countContaining(warnings, want); n != 1 {
			t.Errorf("%d warnings name %s", n, want)
		}
	}
	if len(warnings) != 6 {
		t.Errorf("warnings:\n%s", strings.Join(warnings, "\n"))
	}
	if p := store.parts; len(p.Certs) != 3 || len(p.CAs) != 1 || len(p.CRLs) != 2 || len(p.Keys) != 2 {
		t.Errorf("%d certs, %d CAs, %d CRLs, %d keys", len(p.Certs), len(p.CAs), len(p.CRLs), len(p.Keys))
	}

	for _, cert := range []string{"west.pem", "west", filepath.Join(filepath.Dir(src.Folder), "elsewhere/west.pem")} {
		conn := &pluto.Connection{AuthBy: keytest.Methods("rsasig"), Local: pluto.End{Cert: cert}}
		id, err := store.OwnID(conn)
		if err != nil || id.String() != "C=CA, O=Example, CN=west" {
			t.Errorf("%s: ID %s, %v", cert, id, err)
		}
		key, sent, err := store.Own(Case{Conn: conn, OwnID: id, Now: noon}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(sent) != 2 || !bytes.Equal(sent[0], west.cert.Raw) || !bytes.Equal(sent[1], middle.cert.Raw) {
			t.Errorf("%s: %d certificates sent", cert, len(sent))
		}
		if _, err := trusted(store, Case{Conn: &pluto.Connection{AuthBy: keytest.Methods("rsasig")}, PeerID: id, Now: noon}, sent, key.Public()); err != nil {
			t.Error(err)
		}
	}
	for cert, want := range map[string]string{"none.pem": "no such file", "junk.pem": "malformed"} {
		if _, err := store.OwnID(&pluto.Connection{Local: pluto.End{Cert: cert}}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), cert) {
			t.Errorf("%s: %v", cert, err)
		}
	}
}

func countContaining(lines []string, text string) (n int) {
	for _, l := range lines {
		if strings.Contains(l, text) {
			n++
		}
	}
	return n
}

// TestReread changes files: nothing happens until the section is reread, but the file of leftcert
// is as it is on disk.
func TestReread(t *testing.T) {
	root := issue(t, nil, "Root", asCA)
	west := issue(t, root, "west", names)
	east := issue(t, root, "east", names)
	src := folder(t, map[string][]byte{
		"ipsec.d/cacerts/root.pem": root.cert.Raw,
		"ipsec.d/certs/own.pem":    west.cert.Raw,
	})
	store, warnings := src.Load()
	if len(warnings) > 0 {
		t.Fatal(warnings)
	}
	write(t, filepath.Join(src.Folder, "crls/root.crl"), root.crlDER(noon, noon, west))
	write(t, filepath.Join(src.Folder, "private/east.pem"), pkcs8(t, east.key))
	write(t, filepath.Join(src.Folder, "certs/own.pem"), east.cert.Raw)
	if err := os.Remove(filepath.Join(src.Folder, "cacerts/root.pem")); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		section              Section
		certs, cas, crls, ks int
	}{
		{0, 1, 1, 0, 0},
		{RereadCRLs, 1, 1, 1, 0},
		{RereadSecrets, 1, 1, 1, 1},
		{RereadCACerts, 1, 0, 1, 1},
		{RereadAll, 1, 0, 1, 1},
	}
	for _, step := range steps {
		before := store
		store, warnings = store.Reread(step.section)
		if p := store.parts; len(warnings) > 0 || len(p.Certs) != step.certs || len(p.CAs) != step.cas || len(p.CRLs) != step.crls || len(p.Keys) != step.ks {
			t.Errorf("section %d: %d certs, %d CAs, %d CRLs, %d keys, %v", step.section, len(p.Certs), len(p.CAs), len(p.CRLs), len(p.Keys), warnings)
		}
		if store == before {
			t.Error("the same Store")
		}
	}
	conn := &pluto.Connection{Local: pluto.End{Cert: "own.pem"}}
	if id, err := store.OwnID(conn); err != nil || id.String() != "C=CA, O=Example, CN=east" {
		t.Errorf("%s, %v", id, err)
	}
	file := filepath.Join(src.Folder, "certs/own.pem")
	write(t, file, west.cert.Raw)
	if err := os.Chtimes(file, time.Time{}, noon); err != nil {
		t.Fatal(err)
	}
	if id, err := store.OwnID(conn); err != nil || id.String() != "C=CA, O=Example, CN=west" {
		t.Errorf("%s, %v", id, err)
	}
}
