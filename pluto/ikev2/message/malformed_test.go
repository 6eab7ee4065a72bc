package message

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
)

// wire builds a message whose lengths are right out of a first payload's type and
// the bytes of all payloads in hexadecimal digits, blanks among them.
func wire(t testing.TB, first PayloadType, payloads string) []byte {
	t.Helper()
	b := testHeader.append(nil, first)
	body, err := hex.DecodeString(strings.ReplaceAll(payloads, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, body...)
	setLength(b, len(b))
	return slices.Clip(b)
}

func TestMalformed(t *testing.T) {
	for _, tt := range []struct {
		first    PayloadType
		payloads string
		want     string
	}{
		{TypeVendorID, "", "malformed V: cut off: 0 bytes left, its header has 4"},
		{TypeVendorID, "000000", "malformed V: cut off: 3 bytes left, its header has 4"},
		{TypeVendorID, "00000003", "malformed V: its header says 3 bytes, 4 are left"},
		{TypeVendorID, "00000000", "malformed V: its header says 0 bytes, 4 are left"},
		{TypeVendorID, "00000006 00", "malformed V: its header says 6 bytes, 5 are left"},
		{TypeVendorID, "2b000004", "malformed V: cut off: 0 bytes left, its header has 4"},
		{TypeVendorID, "00000004 00", "malformed message: 1 bytes follow its last payload"},
		{TypeNone, "00000004", "malformed message: 4 bytes follow its last payload"},
		{TypeKE, "22000008 001f0000 00000008 001f0000", "malformed message: two KE payloads"},
		{TypeVendorID, strings.Repeat("2b000004", 129) + "00000004", "malformed message: more than 128 payloads"},
		{TypeEncrypted, "29000004 00000000", "malformed message: 4 bytes follow its last payload"},

		{TypeKE, "00000007 001f00", "malformed KE: 3 bytes, its fixed fields have 4"},
		{TypeIDi, "00000007 020000", "malformed IDi: 3 bytes, its fixed fields have 4"},
		{TypeIDr, "00000004", "malformed IDr: 0 bytes, its fixed fields have 4"},
		{TypeCert, "00000004", "malformed CERT: 0 bytes, its fixed fields have 1"},
		{TypeCertReq, "00000004", "malformed CERTREQ: 0 bytes, its fixed fields have 1"},
		{TypeAuth, "00000005 02", "malformed AUTH: 1 bytes, its fixed fields have 4"},
		{TypeNonce, "00000013" + strings.Repeat("00", 15), "malformed Nonce: 15 bytes, expected 16 to 256"},
		{TypeNonce, "00000105" + strings.Repeat("00", 257), "malformed Nonce: 257 bytes, expected 16 to 256"},
		{TypeEAP, "00000007 010100", "malformed EAP: its length does not agree with the 3 bytes that it has"},
		{TypeEAP, "00000008 01010005", "malformed EAP: its length does not agree with the 4 bytes that it has"},

		{TypeNotify, "00000007 000040", "malformed N: 3 bytes, its fixed fields have 4"},
		{TypeNotify, "0000000a 03044009 0102", "malformed N: SPI of 4 bytes, 2 are left"},
		{TypeDelete, "00000006 0304", "malformed D: 2 bytes, its fixed fields have 4"},
		{TypeDelete, "0000000c 03040002 01020304", "malformed D: 2 SPIs of 4 bytes announced, 4 bytes follow"},
		{TypeDelete, "0000000c 03040000 01020304", "malformed D: 0 SPIs of 4 bytes announced, 4 bytes follow"},
		{TypeDelete, "00000010 01080001 0102030405060708", "malformed D: 1 SPIs of 8 bytes for IKE, expected none"},
		{TypeDelete, "0000000a 03020001 0102", "malformed D: SPIs of 2 bytes for ESP, expected 4"},
		{TypeDelete, "00000008 0900ffff", "malformed D: 65535 SPIs of 0 bytes announced, 0 bytes follow"},

		{TypeTSi, "00000006 0000", "malformed TSi: 2 bytes, its fixed fields have 4"},
		{TypeTSi, "00000008 01000000", "malformed TSi: selector 1 cut off: 0 bytes left, it has 8 or more"},
		{TypeTSi, "00000010 01000000 07000007 0000ffff", "malformed TSi: selector 1 says 7 bytes, 8 are left"},
		{TypeTSr, "00000010 01000000 07000010 0000ffff", "malformed TSr: selector 1 says 16 bytes, 8 are left"},
		{TypeTSr, "00000010 01000000 07000008 0000ffff", "malformed TSr: selector of type 7 and 8 bytes, expected 16"},
		{TypeTSr, "00000018 01000000 08000010 0000ffff 0a000000 0a0000ff", "malformed TSr: selector of type 8 and 16 bytes, expected 40"},
		{TypeTSr, "00000018 01000000 07000010 0000ffff 0a000001 0a000000", "malformed TSr: selector from 10.0.0.1 down to 10.0.0.0"},
		{TypeTSr, "00000018 01000000 07000010 00020001 0a000000 0a000001", "malformed TSr: selector from port 2 down to 1"},
		{TypeTSr, "00000018 00000000 07000010 0000ffff 0a000000 0a000001", "malformed TSr: 16 bytes follow its 0 selectors"},

		{TypeCP, "00000007 010000", "malformed CP: 3 bytes, its fixed fields have 4"},
		{TypeCP, "0000000b 01000000 000100", "malformed CP: attribute cut off: 3 bytes left, it has 4 or more"},
		{TypeCP, "0000000c 01000000 00010001", "malformed CP: attribute of 5 bytes, 4 are left"},
		{TypeCP, "0000040c 01000000" + strings.Repeat("00010000", 257), "malformed CP: more than 256 attributes"},

		{TypeEncryptedFragment, "00000007 000100", "malformed SKF: 3 bytes, its fixed fields have 4"},
		{TypeEncryptedFragment, "00000008 00000001", "malformed SKF: fragment 0 of 1"},
		{TypeEncryptedFragment, "00000008 00020001", "malformed SKF: fragment 2 of 1"},
		{TypeEncryptedFragment, "00000008 00000000", "malformed SKF: fragment 0 of 0"},
		{TypeEncryptedFragment, "23000008 00020002", "malformed SKF: fragment 2 names a first payload"},

		{TypeSA, "00000004", "malformed SA: proposal cut off: 0 bytes left, it has 8 or more"},
		{TypeSA, "0000000b 00000007 010100", "malformed SA: proposal cut off: 7 bytes left, it has 8 or more"},
		{TypeSA, "0000000c 00000007 01010000", "malformed SA: proposal says 7 bytes, 8 are left"},
		{TypeSA, "0000000c 00000009 01010000", "malformed SA: proposal says 9 bytes, 8 are left"},
		{TypeSA, "0000000c 02000008 01010000", "malformed SA: no proposal follows where one is announced"},
		{TypeSA, "00000014 00000008 01010000 00000008 02010000", "malformed SA: 8 bytes follow the last proposal"},
		{TypeSA, "0000000c 03000008 01010000", "malformed SA: proposal starts with 3, expected 0 or 2"},
		{TypeSA, "0000000c 00000008 01030000", "malformed SA: SPI of 0 bytes for ESP, expected 4"},
		{TypeSA, "00000010 0000000c 01010400 01020304", "malformed SA: SPI of 4 bytes for IKE, expected 8 or none"},
		{TypeSA, "0000000c 00000008 01030400", "malformed SA: SPI of 4 bytes, 0 are left"},
		{TypeSA, "0000000c 00000008 01010001", "malformed SA: 0 transforms, 1 announced"},
		{TypeSA, "00000014 00000010 01010000 00000008 0100000c", "malformed SA: more transforms than the 0 announced"},
		{TypeSA, "00000013 0000000f 01010001 00000008 010000", "malformed SA: transform cut off: 7 bytes left, it has 8 or more"},
		{TypeSA, "00000014 00000010 01010001 03000008 0100000c", "malformed SA: no transform follows where one is announced"},
		{TypeSA, "00000014 00000010 01010001 02000008 0100000c", "malformed SA: transform starts with 2, expected 0 or 3"},
		{TypeSA, "00000014 00000010 01010001 0000000c 0100000c", "malformed SA: transform says 12 bytes, 8 are left"},
		{TypeSA, "00000016 00000012 01010001 0000000a 0100000c 800e", "malformed SA: attribute cut off: 2 bytes left, it has 4 or more"},
		{TypeSA, "00000018 00000014 01010001 0000000c 0100000c 000e0002", "malformed SA: attribute of 6 bytes, 4 are left"},
		{TypeSA, "00000018 00000014 01010001 0000000c 0100000c 800e0000", "malformed SA: key length of 0"},
		{TypeSA, "0000001c 00000018 01010001 00000010 0100000c 800e0080 800e0100", "malformed SA: two key lengths in one transform"},
		{TypeSA, "00000210" + strings.Repeat("02000008 01010000", 64) + "00000008 01010000 00000000", "malformed SA: more than 64 proposals"},
	} {
		_, err := Parse(wire(t, tt.first, tt.payloads))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || err.Error() != tt.want {
			t.Errorf("%s %.40s:\n got %v\nwant %s", tt.first, tt.payloads, err, tt.want)
		}
	}
}

func TestMalformedLength(t *testing.T) {
	b := wire(t, TypeVendorID, "00000004")
	for _, got := range [][]byte{b[:len(b)-1], append(b, 0), b[:HeaderLen]} {
		if _, err := Parse(got); err == nil || !strings.HasPrefix(err.Error(), "malformed message: its header says 32 bytes, ") {
			t.Errorf("%d bytes: %v", len(got), err)
		}
	}
	big := make([]byte, MaxMessage+1)
	copy(big, b)
	setLength(big, len(big))
	if _, err := Parse(big); err == nil || !strings.Contains(err.Error(), "at most 65535") {
		t.Errorf("a message of %d bytes: %v", len(big), err)
	}
}

// Every message cut anywhere must be refused: there is a length that it breaks.
func TestCutOff(t *testing.T) {
	for name, p := range onePayloads() {
		b, err := (&Message{testHeader, []Payload{p}}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		for n := range b {
			cut := slices.Clone(b[:n])
			if n >= HeaderLen {
				setLength(cut, n)
			}
			if _, err := Parse(slices.Clip(cut)); err == nil {
				t.Errorf("%s cut to %d of %d bytes was taken", name, n, len(b))
			}
		}
	}
}

func TestCritical(t *testing.T) {
	var critical *CriticalError
	_, err := Parse(wire(t, TypeVendorID, "63000004 00800005 01"))
	if !errors.As(err, &critical) || critical.Payload != 99 {
		t.Errorf("got %v, want payload 99 refused", err)
	}
	m, err := Parse(wire(t, TypeVendorID, "63000004 00000005 01"))
	if err != nil || !same(m.Payloads, []Payload{&VendorID{}, &Unknown{Number: 99, Data: []byte{1}}}) {
		t.Errorf("an unknown payload that is not critical: %+v, %v", m, err)
	}
	// The bit means nothing for the payloads of RFC 7296 (section 2.5).
	if _, err := Parse(wire(t, TypeVendorID, "00800004")); err != nil {
		t.Errorf("a vendor ID marked critical: %v", err)
	}
	b, err := (&Message{testHeader, []Payload{&Unknown{Number: 99, Critical: true}}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Parse(b); !errors.As(err, &critical) {
		t.Errorf("got %v, want payload 99 refused", err)
	}
}

// A selector of a kind that is not known is left out (RFC 9478 has one).
func TestUnknownSelector(t *testing.T) {
	m, err := Parse(wire(t, TypeTSi, "00000020 02000000 0a000008 00000000 07000010 0000ffff 0a000000 0a0000ff"))
	if err != nil {
		t.Fatal(err)
	}
	if got := FindTS(m.Payloads, true).Selectors; len(got) != 1 || got[0].String() != "10.0.0.0-10.0.0.255:0/any" {
		t.Errorf("selectors %v", got)
	}
}
