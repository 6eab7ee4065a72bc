package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/klips"
	"ipsec/klips/klipstest"
)

const (
	encKey  = "000102030405060708090a0b0c0d0e0f1011121314151617"
	authKey = "202122232425262728292a2b2c2d2e2f"
)

func unhex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return b
}

// TestSpiKeys sets the same SA with keys from each of the places.
func TestSpiKeys(t *testing.T) {
	e, _, stderr := testEnv(t)
	config := "version 2.0\nconn office\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tspi=0x200\n\tesp=3des-md5-96\n" +
		"\trightespenckey=0x" + encKey + "\n\tespauthkey=0x" + authKey + "\n"
	if err := os.WriteFile(e.Paths.Conf, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.CreateTemp(t.TempDir(), "keys")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fmt.Fprintf(file, "# keys\nespenckey=0x%s\nespauthkey = 0x%s\n", encKey, authKey)

	for _, test := range []struct {
		options string
		warns   bool
	}{
		{"--enckey 0x" + encKey + " --authkey 0x" + authKey, true},
		{"--life hard-addtime=60 --keys-of office", false},
		{"--keys-fd FD", false},
	} {
		t.Run(test.options[:8], func(t *testing.T) {
			stderr.Reset()
			if _, err := file.Seek(0, 0); err != nil {
				t.Fatal(err)
			}
			options := strings.Replace(test.options, "FD", fmt.Sprint(duplicate(t, file)), 1)
			table := &recorder{Table: new(klipstest.Table)}
			if err := call(t, e, table, "spi --said esp0x200@192.0.2.2 --src 192.0.2.1 --esp 3des-md5-96 "+options); err != nil {
				t.Fatal(err)
			}
			sa := table.added[0]
			if sa.Enc != "3des" || sa.Auth != "md5-96" || sa.Src != addr1 || sa.ReplayWindow != 0 ||
				!bytes.Equal(sa.EncKey, unhex(encKey)) || !bytes.Equal(sa.AuthKey, unhex(authKey)) {
				t.Errorf("the SA set is %+v, keys %x %x", sa, sa.EncKey, sa.AuthKey)
			}
			if got := strings.Contains(stderr.String(), "every user can read"); got != test.warns {
				t.Errorf("stderr is %q, want a warning: %v", stderr, test.warns)
			}
		})
	}
}

// duplicate returns a descriptor of file's that its reader may close.
func duplicate(t *testing.T, file *os.File) int {
	t.Helper()
	fd, err := unix.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestSpiOptions(t *testing.T) {
	e, _, _ := testEnv(t)
	table := &recorder{Table: new(klipstest.Table)}
	line := "spi --said esp0x200@192.0.2.2 --esp aes128gcm16 --esn --encap 4500:1024 --replay_window 1024 " +
		"--life soft-allocations=1,soft-bytes=2,hard-packets=3,hard-addtime=4,hard-usetime=5 --enckey 0x" + strings.Repeat("00", 20)
	if err := call(t, e, table, line); err != nil {
		t.Fatal(err)
	}
	sa := table.added[0]
	if sa.Enc != "aesgcm16" || !sa.ESN || sa.ReplayWindow != 1024 || sa.Encap != (klips.Encap{SrcPort: 4500, DstPort: 1024}) ||
		sa.Soft != (klips.Lifetime{Allocations: 1, Bytes: 2}) ||
		sa.Hard != (klips.Lifetime{Packets: 3, AddTime: 4 * time.Second, UseTime: 5 * time.Second}) {
		t.Errorf("the SA set is %+v", sa)
	}
}

// TestSpiKeyErrors checks what is said of keys that do not fit, and that none
// of it shows a key.
func TestSpiKeyErrors(t *testing.T) {
	const canary = "c0ffee"
	for _, test := range []struct{ options, want string }{
		{"--esp 3des-md5-96 --enckey 0x" + canary + " --authkey 0x" + authKey, "key of 3des has 3 bytes, expected 24"},
		{"--esp 3des-md5-96 --enckey 0x" + encKey + " --authkey 0x" + canary, "key of md5-96 has 3 bytes, expected 16"},
		{"--esp 3des-md5-96 --enckey 0x" + encKey, "malformed espauthkey: there is no key"},
		{"--esp 3des-md5-96 --enckey 0x" + canary + "0 --authkey 0x00", "malformed espenckey"},
		{"--esp 3des-md5-96 --enckey " + canary + " --authkey 0x00", "expected 0x and hex digits"},
		{"--esp 3des --enckey 0x" + encKey + " --authkey 0x" + canary, "the algorithm takes none"},
		{"--esp aes256-md5-96 --enckey 0x" + authKey + " --authkey 0x" + authKey, "has 128 bits, expected 256"},
		{"--esp 3des-md5-96", "malformed espenckey: there is no key"},
	} {
		e, stdout, stderr := testEnv(t)
		err := call(t, e, new(klipstest.Table), "spi --said esp0x200@192.0.2.2 --src 192.0.2.1 "+test.options)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error is %v, want one with %q", test.options, err, test.want)
		}
		if all := fmt.Sprint(err) + stdout.String() + stderr.String(); strings.Contains(all, canary) {
			t.Errorf("%s: a key is shown: %s", test.options, all)
		}
	}
}

func TestKeysOfUnknown(t *testing.T) {
	e, _, _ := testEnv(t)
	config := "version 2.0\nconn office\n\tleft=192.0.2.1\n\tright=192.0.2.2\n"
	if err := os.WriteFile(e.Paths.Conf, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ line, want string }{
		{"spi --said esp0x200@192.0.2.2 --esp 3des --life hard-bytes=1 --keys-of ofice", `no conn "ofice"`},
		{"spi --said esp0x200@192.0.2.9 --esp 3des --life hard-bytes=1 --keys-of office", "neither left= nor right="},
	} {
		err := call(t, e, new(klipstest.Table), test.line)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error is %v, want one with %q", test.line, err, test.want)
		}
	}
}
