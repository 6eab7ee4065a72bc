package message

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"ipsec/pluto/traffic"
)

var testHeader = Header{
	InitiatorSPI: SPI{1, 2, 3, 4, 5, 6, 7, 8},
	ResponderSPI: SPI{0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8},
	Version:      Version2,
	Exchange:     IKEAuth,
	Flags:        FlagInitiator,
	MessageID:    7,
}

// onePayloads returns a payload of each kind, and of each form that it may have.
func onePayloads() map[string]Payload {
	return map[string]Payload{
		"SA of IKE": &SA{[]Proposal{
			{Number: 1, Protocol: ProtocolIKE, Transforms: []Transform{
				{Type: Encryption, ID: 20, KeyBits: 256}, {Type: PRF, ID: 5}, {Type: Group, ID: 31},
			}},
			{Number: 2, Protocol: ProtocolIKE, SPI: []byte("8 bytes!"), Transforms: []Transform{
				{Type: Encryption, ID: 12, KeyBits: 128}, {Type: Integrity, ID: 12}, {Type: PRF, ID: 5}, {Type: Group, ID: 14},
			}},
		}},
		"SA of ESP and AH": &SA{[]Proposal{
			{Number: 1, Protocol: ProtocolESP, SPI: []byte{0, 0, 1, 0}, Transforms: []Transform{
				{Type: Encryption, ID: 28}, {Type: ESN, ID: WithESN}, {Type: ESN, ID: NoESN},
			}},
			{Number: 2, Protocol: ProtocolAH, SPI: []byte{0, 0, 1, 1}, Transforms: []Transform{{Type: Integrity, ID: 12}}},
		}},
		"SA without transforms":   &SA{[]Proposal{{Number: 1, Protocol: ProtocolIKE}}},
		"SA of a strange kind":    &SA{[]Proposal{{Number: 9, Protocol: 77, SPI: []byte{1}, Transforms: []Transform{{Type: 200, ID: 65535}}}}},
		"SA, attributes":          &SA{[]Proposal{{Protocol: ProtocolIKE, Transforms: []Transform{{Type: 1, KeyBits: 65535, Extra: "\x80\x0f\x00\x01\x00\x10\x00\x02ab"}}}}},
		"KE":                      &KE{31, bytes.Repeat([]byte{7}, 32)},
		"KE, empty":               &KE{Group: 31},
		"IDi":                     &ID{true, 2, []byte("west.example")},
		"IDr":                     &ID{false, 1, []byte{192, 0, 2, 1}},
		"CERT":                    &Cert{CertX509, []byte{0x30, 0}},
		"CERTREQ":                 &CertReq{CertX509, bytes.Repeat([]byte{1}, 40)},
		"CERTREQ, empty":          &CertReq{Encoding: CertX509},
		"AUTH":                    &Auth{AuthSharedKey, bytes.Repeat([]byte{2}, 32)},
		"Nonce":                   &Nonce{bytes.Repeat([]byte{3}, 32)},
		"N":                       &Notify{MessageType: Cookie, Data: []byte("cookie")},
		"N with SPI":              &Notify{ProtocolESP, []byte{1, 2, 3, 4}, RekeySA, nil},
		"D of IKE":                &Delete{Protocol: ProtocolIKE},
		"D of ESP":                &Delete{ProtocolESP, [][]byte{{1, 2, 3, 4}, {5, 6, 7, 8}}},
		"D of AH, none":           &Delete{Protocol: ProtocolAH},
		"D of a strange protocol": &Delete{9, [][]byte{{1, 2}}},
		"V":                       &VendorID{[]byte("vendor")},
		"V, empty":                &VendorID{},
		"TSi": &TS{true, []traffic.Selector{
			{Proto: 0, StartPort: 0, EndPort: 65535, Start: netip.MustParseAddr("10.0.0.0"), End: netip.MustParseAddr("10.255.255.255")},
			{Proto: 17, StartPort: 53, EndPort: 53, Start: netip.MustParseAddr("192.0.2.1"), End: netip.MustParseAddr("192.0.2.1")},
		}},
		"TSr": &TS{false, []traffic.Selector{
			{Proto: 6, StartPort: 65535, EndPort: 0, Start: netip.MustParseAddr("2001:db8::"), End: netip.MustParseAddr("2001:db8::ffff")},
		}},
		"TS, empty":  &TS{},
		"SK":         &Encrypted{First: TypeIDi, Body: []byte("sealed")},
		"SKF":        &EncryptedFragment{First: TypeIDi, Number: 1, Total: 3, Body: []byte("sealed")},
		"SKF, last":  &EncryptedFragment{Number: 3, Total: 3, Body: []byte("sealed")},
		"CP":         &CP{CFGRequest, []ConfigAttribute{{1, nil}, {kindMask, []byte{8, 8, 8, 8}}}},
		"CP, empty":  &CP{CFGType: CFGAck},
		"EAP":        &EAP{[]byte{1, 9, 0, 5, 1}},
		"unknown 99": &Unknown{Number: 99, Data: []byte("whatever")},
	}
}

// same compares what was parsed with what was sent. What an encrypted payload
// keeps of the message around it is not part of the value.
func same(a, b []Payload) bool {
	for _, list := range [][]Payload{a, b} {
		for i, p := range list {
			switch p := p.(type) {
			case *Encrypted:
				list[i] = &Encrypted{First: p.First, Body: p.Body}
			case *EncryptedFragment:
				list[i] = &EncryptedFragment{First: p.First, Number: p.Number, Total: p.Total, Body: p.Body}
			}
		}
	}
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}

func TestRoundTrip(t *testing.T) {
	for name, p := range onePayloads() {
		t.Run(name, func(t *testing.T) {
			m := &Message{testHeader, []Payload{&VendorID{[]byte("first")}, p}}
			wire, err := m.Append([]byte("before"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := Parse(wire[len("before"):])
			if err != nil {
				t.Fatalf("%v\n%x", err, wire)
			}
			if got.Header != m.Header || !same(got.Payloads, m.Payloads) {
				t.Errorf("got %+v, sent %+v", got.Payloads[1], p)
			}
		})
	}
}

func TestEmptyMessage(t *testing.T) {
	wire, err := (&Message{Header: testHeader}).Marshal()
	if err != nil || len(wire) != HeaderLen {
		t.Fatalf("%x, %v", wire, err)
	}
	m, err := Parse(wire)
	if err != nil || m.Header != testHeader || len(m.Payloads) != 0 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestParsedValuesCannotGrowIntoTheInput(t *testing.T) {
	wire, err := (&Message{testHeader, []Payload{&Notify{ProtocolESP, []byte{1, 2, 3, 4}, RekeySA, []byte("data")}, &VendorID{[]byte("v")}}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(wire)
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(wire)
	n := m.Payloads[0].(*Notify)
	_, _ = append(n.SPI, 'X'), append(n.Data, 'X')
	if !bytes.Equal(wire, before) {
		t.Error("appending to a parsed value wrote into the message")
	}
}

func TestParseHeader(t *testing.T) {
	wire, err := (&Message{Header: testHeader}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	wire[17] = 0x10
	h, err := ParseHeader(wire)
	if err != nil || h.Major() != 1 || h.MessageID != 7 || !h.FromInitiator() || h.IsResponse() {
		t.Errorf("%+v, %v", h, err)
	}
	var version *VersionError
	if _, err := Parse(wire); !errors.As(err, &version) || version.Version != 0x10 {
		t.Errorf("Parse of IKEv1: %v", err)
	}
	if _, err := ParseHeader(wire[:27]); err == nil {
		t.Error("a header of 27 bytes was taken")
	}
	if got, want := testHeader.InitiatorSPI.String(), "0102030405060708"; got != want {
		t.Errorf("SPI %s, want %s", got, want)
	}
}

func TestAppendFails(t *testing.T) {
	long := make([]byte, 70000)
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	for _, tt := range []struct {
		want     string
		payloads []Payload
	}{
		{"failed to encode CERT: 70005 bytes, at most 65535 fit", []Payload{&Cert{CertX509, long}}},
		{"failed to encode message: 80", []Payload{&VendorID{long[:40000]}, &VendorID{long[:40000]}}},
		{"failed to encode SK: it is not the last payload", []Payload{&Encrypted{}, &VendorID{}}},
		{"failed to encode SKF: it is not the last payload", []Payload{&EncryptedFragment{}, &VendorID{}}},
		{"failed to encode Nonce: 15 bytes, expected 16 to 256", []Payload{&Nonce{long[:15]}}},
		{"failed to encode SA: no proposals", []Payload{&SA{}}},
		{"failed to encode SA: 256 bytes of SPI, at most 255 fit", []Payload{&SA{[]Proposal{{SPI: long[:256]}}}}},
		{"failed to encode SA: 256 transforms, at most 255 fit", []Payload{&SA{[]Proposal{{Transforms: make([]Transform, 256)}}}}},
		{"failed to encode N: 256 bytes of SPI, at most 255 fit", []Payload{&Notify{SPI: long[:256]}}},
		{"failed to encode D: SPIs of 4 and 5 bytes in one payload", []Payload{&Delete{ProtocolESP, [][]byte{long[:4], long[:5]}}}},
		{"failed to encode TSi: 256 selectors, at most 255 fit", []Payload{&TS{true, make([]traffic.Selector, 256)}}},
		{`failed to encode TSr: selector from "192.0.2.1" to "2001:db8::1"`, []Payload{&TS{false, []traffic.Selector{{Start: v4, End: v6}}}}},
		{"failed to encode CP: attribute 32768, at most 32767 fits", []Payload{&CP{CFGSet, []ConfigAttribute{{32768, nil}}}}},
	} {
		_, err := (&Message{testHeader, tt.payloads}).Marshal()
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

func TestFind(t *testing.T) {
	list := []Payload{
		&ID{false, 2, []byte("east")}, &ID{true, 2, []byte("west")}, &TS{Initiator: true}, &TS{},
		&Notify{MessageType: Cookie}, &Notify{MessageType: InitialContact, Data: []byte("1")}, &Notify{MessageType: InitialContact},
	}
	if id := FindID(list, true); id == nil || string(id.Data) != "west" {
		t.Errorf("IDi: %+v", id)
	}
	if ts := FindTS(list, false); ts != list[3] {
		t.Errorf("TSr: %+v", ts)
	}
	if n := FindNotify(list, InitialContact); n != list[5] {
		t.Errorf("INITIAL_CONTACT: %+v", n)
	}
	if FindNotify(list, RekeySA) != nil || FindID(nil, true) != nil || FindTS(list[:2], true) != nil || First[*KE](list) != nil {
		t.Error("found what is not there")
	}
	if got := len(All[*Notify](list)); got != 3 {
		t.Errorf("%d notifications, want 3", got)
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		NoProposalChosen.String():        "NO_PROPOSAL_CHOSEN",
		InitialContact.String():          "INITIAL_CONTACT",
		SignatureHashAlgorithms.String(): "SIGNATURE_HASH_ALGORITHMS",
		NotifyType(8192).String():        "error 8192",
		NotifyType(40960).String():       "status 40960",
		IKESAInit.String():               "IKE_SA_INIT",
		ExchangeType(1).String():         "exchange 1",
		PayloadType(99).String():         "payload 99",
		Protocol(9).String():             "protocol 9",
		testHeader.String():              "IKE_AUTH request 7",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if !StateNotFound.IsError() || InitialContact.IsError() {
		t.Error("errors and status are mixed up")
	}
	for _, s := range []struct{ got, want string }{
		{traffic.Selector{Proto: 0, StartPort: 0, EndPort: 65535, Start: netip.MustParseAddr("10.0.0.0"), End: netip.MustParseAddr("10.0.0.255")}.String(), "10.0.0.0-10.0.0.255:0/any"},
		{traffic.Selector{Proto: 17, StartPort: 53, EndPort: 53, Start: netip.MustParseAddr("::1"), End: netip.MustParseAddr("::1")}.String(), "::1-::1:17/53"},
	} {
		if s.got != s.want {
			t.Errorf("got %q, want %q", s.got, s.want)
		}
	}
}
