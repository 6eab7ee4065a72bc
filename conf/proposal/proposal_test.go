package proposal

import (
	"errors"
	"reflect"
	"testing"
)

func TestParse(t *testing.T) {
	ike, esp, ah := ParseIKE, ParseESP, ParseAH
	const prfs = "prfsha256-prfsha384-prfsha512"
	const groups = "curve25519-ecp256-ecp384-ecp521-modp2048-modp3072-modp4096"
	for _, tt := range []struct {
		text  string
		parse func(string) (List, error)
		want  string
	}{
		// Openswan
		{"aes256-sha1;modp1536", ike, "aes256-sha1-prfsha1-modp1536"},
		{"aes128-sha1-modp2048", ike, "aes128-sha1-prfsha1-modp2048"},
		{"3des-md5", ike, "3des-md5-prfmd5-" + groups},
		{"3des-md5-96", esp, "3des-md5"},
		{"aes128-sha1-96", esp, "aes128-sha1"},
		{"aes_gcm_c-256-null", esp, "aes256gcm16"},
		{"aes_gcm_a-128-null", esp, "aes128gcm8"},
		{"aes_ccm_b-256-null", esp, "aes256ccm12"},
		{"aes-128-sha1", esp, "aes128-sha1"},
		{"aes-sha2", esp, "aes256-aes128-sha256"},
		{"null-sha1", esp, "null-sha1"},
		{"aes", esp, "aes256-aes128-sha256-sha512-sha1"},
		{"3des-sha1, aes128-md5!", esp, "3des-sha1,aes128-md5!"},
		{"aes256-sha2;modp2048,aes128-sha2;modp2048", ike, "aes256-sha256-prfsha256-modp2048,aes128-sha256-prfsha256-modp2048"},
		{"hmac-sha1-96", ah, "sha1"},
		{"hmac-md5", ah, "md5"},
		{"ah-sha2_256", ah, "sha256"},
		// Libreswan
		{"aes_gcm256+aes_gcm128-sha2_512+sha2_256-dh19+dh31", ike, "aes256gcm16-aes128gcm16-prfsha512-prfsha256-ecp256-curve25519"},
		{"aes_gcm256", esp, "aes256gcm16"},
		{"aes_gcm128", esp, "aes128gcm16"},
		{"aes_gcm-null,aes128-sha1", esp, "aes256gcm16-aes128gcm16,aes128-sha1"},
		{"chacha20_poly1305-null", esp, "chacha20poly1305"},
		{"aes_gcm256-none", esp, "aes256gcm16"},
		{"aes256-sha1;none", esp, "aes256-sha1-modpnone"},
		{"aes_ccm_c-256", esp, "aes256ccm16"},
		{"aes_ctr256-sha2_256;dh14", ike, "aes256ctr-sha256-prfsha256-modp2048"},
		{"aes-sha2_512-dh18", ike, "aes256-aes128-sha512-prfsha512-modp8192"},
		{"AES_GCM_16_256-HMAC_SHA2_512-DH14", ike, "aes256gcm16-prfsha512-modp2048"},
		{"aes256-aes_xcbc", esp, "aes256-aesxcbc"},
		{"null+aes128-sha1", esp, "null-aes128-sha1"},
		// strongSwan
		{"aes256gcm16-prfsha384-ecp384!", ike, "aes256gcm16-prfsha384-ecp384!"},
		{"aes128-sha256-x25519", ike, "aes128-sha256-prfsha256-curve25519"},
		{"aes128gcm128", esp, "aes128gcm16"},
		{"aes128gcm64", esp, "aes128gcm8"},
		{"aes256ctr-sha1", esp, "aes256ctr-sha1"},
		{"aes128ccm16", esp, "aes128ccm16"},
		{"chacha20poly1305-prfsha256-curve25519", ike, "chacha20poly1305-prfsha256-curve25519"},
		{"aes256gcm16", ike, "aes256gcm16-" + prfs + "-" + groups},
		{"aes256-sha256-esn-noesn", esp, "aes256-sha256-esn-noesn"},
		{"aes256-aes128-sha256-sha1-modp3072-modp2048", ike, "aes256-aes128-sha256-sha1-prfsha256-prfsha1-modp3072-modp2048"},
		{"aes128-sha256-prfaesxcbc-ecp521", ike, "aes128-sha256-prfaesxcbc-ecp521"},
		{"aes128-aescmac-modp2048", ike, "aes128-aescmac-prfaescmac-modp2048"},
		// AEADs beside others are proposals of their own.
		{"aes256+aes_gcm256-sha2_512-dh14", ike, "aes256-sha512-prfsha512-modp2048,aes256gcm16-prfsha512-modp2048"},
		{"aes128-aes128", esp, "aes128-sha256-sha512-sha1"},
	} {
		got, err := tt.parse(tt.text)
		if err != nil || got.String() != tt.want {
			t.Errorf("%s:\n got %s, %v\nwant %s", tt.text, got, err, tt.want)
			continue
		}
		again, err := tt.parse(tt.want)
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Errorf("%s: read again\n got %#v, %v\nwant %#v", tt.want, again, err, got)
		}
	}
}

func TestErrors(t *testing.T) {
	ike, esp, ah := ParseIKE, ParseESP, ParseAH
	for _, tt := range []struct {
		text   string
		parse  func(string) (List, error)
		offset int
		want   string
	}{
		{"", ike, 0, `malformed "": expected a cipher such as aes256, aes128gcm16, aes_gcm256, chacha20poly1305 or 3des`},
		{"ase256-sha1", ike, 0, `malformed "ase256": expected a cipher such as aes256, aes128gcm16, aes_gcm256, chacha20poly1305 or 3des; did you mean "aes256"?`},
		{"aes128-sha1,aes128-shaa1", esp, 19, `malformed "shaa1": expected an integrity algorithm or group such as sha2_256, curve25519, ecp256, modp2048 or dh14, or esn; did you mean "sha1"?`},
		{"aes128-sha1-modp2084", ike, 12, `malformed "modp2084": expected an integrity algorithm, PRF or group such as sha2_256, prfsha256, curve25519, ecp256, modp2048 or dh14; did you mean "modp2048"?`},
		{"aes128-sha1;modp2048s256", ike, 12, `malformed "modp2048s256": expected an integrity algorithm, PRF or group such as sha2_256, prfsha256, curve25519, ecp256, modp2048 or dh14`},
		{"null-sha1", ike, 0, `malformed "null": expected a cipher such as aes256, aes128gcm16, aes_gcm256, chacha20poly1305 or 3des`},
		{"aes128-null", esp, 0, `malformed "aes128-null": expected an integrity algorithm beside aes128, as in aes128-sha256`},
		{"null-null", esp, 0, `malformed "null-null": expected an integrity algorithm beside null, as in null-sha256`},
		{"aes128-sha1 modp1024", ike, 11, `malformed " ": expected - between the words of a proposal, + between alternatives, and commas between proposals`},
		{"aes128-sha1-", esp, 12, `malformed "": expected an integrity algorithm or group such as sha2_256, curve25519, ecp256, modp2048 or dh14, or esn`},
		{"aes128,,3des", esp, 7, `malformed "": expected a cipher such as aes256, aes128gcm16, aes_gcm256, chacha20poly1305 or 3des`},
		{"aes128!-sha1", esp, 0, ""},
		{"aes128-sha1!!", esp, 7, ""},
		{"aes128-prfsha1", esp, 7, ""},
		{"aes128-sha1-esn", ike, 12, ""},
		{"aes128-sha1-none", ike, 12, ""},
		{"aes128-sha1", ah, 0, ""},
		{"camellia256-sha1", ike, 0, ""},
		{"sha1", esp, 0, ""},
		{"sha2_256_96", ah, 0, ""},
		{"aes128_", esp, 0, ""},
	} {
		_, err := tt.parse(tt.text)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: no error", tt.text)
			continue
		}
		if e.Offset != tt.offset || tt.want != "" && e.Error() != tt.want {
			t.Errorf("%s:\n got %d: %v\nwant %d: %s", tt.text, e.Offset, e, tt.offset, tt.want)
		}
	}
}

func TestGroup(t *testing.T) {
	for text, want := range map[string][]string{
		"modp2048": {"modp2048"}, "dh31": {"curve25519"}, "modp1536, ecp256": {"modp1536", "ecp256"}, "none": {"none"},
	} {
		if got, err := ParseGroup(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for text, offset := range map[string]int{"": 0, "modp2048s256": 0, "modp2048, sha1": 10, "none,modp2048": 0} {
		_, err := ParseGroup(text)
		var e *Error
		if !errors.As(err, &e) || e.Offset != offset {
			t.Errorf("%s: got %v, want an error at %d", text, err, offset)
		}
	}
}

func TestWeak(t *testing.T) {
	l, err := ParseIKE("aes128-sha1-modp1024,3des-md5-modp2048")
	if want := []string{"modp1024", "3des_cbc", "hmac_md5_96", "hmac_md5"}; err != nil || !reflect.DeepEqual(l.Weak, want) {
		t.Errorf("got %v, %v, want %v", l.Weak, err, want)
	}
	for _, l := range []List{DefaultIKE(), DefaultESP(), DefaultAH()} {
		if w := weak(l.Proposals); w != nil {
			t.Errorf("%s is weak by %v", l, w)
		}
	}
}

func TestDefaults(t *testing.T) {
	for _, tt := range []struct {
		list  List
		parse func(string) (List, error)
	}{{DefaultIKE(), ParseIKE}, {DefaultESP(), ParseESP}, {DefaultAH(), ParseAH}} {
		if got, err := tt.parse(tt.list.String()); err != nil || !reflect.DeepEqual(got, tt.list) {
			t.Errorf("%s: got %s, %v", tt.list, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"aes256-sha1;modp1536", "aes_gcm_c-256-null", "aes_gcm256+aes_gcm128-sha2_512+sha2_256-dh19+dh31",
		"aes256gcm16-prfsha384-ecp384!", "aes-sha2, 3des-md5", "hmac-sha1-96", "aes256+aes_gcm-sha1;none-esn", "null-sha1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, parse := range []func(string) (List, error){ParseIKE, ParseESP, ParseAH} {
			l, err := parse(text)
			if err != nil {
				var e *Error
				if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(text) {
					t.Fatalf("%d: %q: %v at no place in the text", i, text, err)
				}
				continue
			}
			again, err := parse(l.String())
			if err != nil || !reflect.DeepEqual(l, again) {
				t.Fatalf("%d: %q became %q, which is %#v, %v, not %#v", i, text, l.String(), again, err, l)
			}
		}
	})
}

// TestDefaultsParse: the text of a default is read as the default, by the short way and by the
// long one.
func TestDefaultsParse(t *testing.T) {
	for _, c := range []struct {
		list  List
		parse func(string) (List, error)
	}{{DefaultIKE(), ParseIKE}, {DefaultESP(), ParseESP}, {DefaultAH(), ParseAH}} {
		for _, text := range []string{c.list.String(), c.list.String() + " "} {
			if got, err := c.parse(text); err != nil || !reflect.DeepEqual(got, c.list) {
				t.Errorf("%q is read as %+v, %v", text, got, err)
			}
		}
	}
}
