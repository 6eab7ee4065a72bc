package offer

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ipsec/conf/proposal"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/suite"
)

var (
	testSPI    = []byte{0xc0, 0, 0, 1}
	testIKESPI = []byte("8 bytes!")
)

func ike(t testing.TB, text string) Policy {
	t.Helper()
	list, err := proposal.ParseIKE(text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ForIKE(list)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// esp is the policy of a Child SA of CREATE_CHILD_SA, in which groups stand for
// what pfs= says.
func esp(t testing.TB, text string, groups ...string) Policy {
	t.Helper()
	list, err := proposal.ParseESP(text)
	if err != nil {
		t.Fatal(err)
	}
	return child(t, Child{Protocol: message.ProtocolESP, List: list, Groups: groups})
}

func child(t testing.TB, c Child) Policy {
	t.Helper()
	p, err := ForChild(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// show writes an SA payload short: a line for each proposal.
func show(sa *message.SA) string {
	var lines []string
	for _, p := range sa.Proposals {
		words := []string{fmt.Sprintf("%d %s", p.Number, p.Protocol)}
		if p.SPI != nil {
			words = append(words, fmt.Sprintf("spi=%x", p.SPI))
		}
		for _, t := range p.Transforms {
			word := fmt.Sprintf("%s=%d", t.Type, t.ID)
			if t.KeyBits != 0 {
				word += fmt.Sprintf("/%d", t.KeyBits)
			}
			words = append(words, word)
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return strings.Join(lines, "\n")
}

func TestOffer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy Policy
		spi    []byte
		groups []uint16
		want   string
	}{
		{"IKE", ike(t, "aes256gcm16-prfsha384-ecp384,aes128-sha256-modp2048"), nil, []uint16{suite.ECP384, suite.MODP2048},
			"1 IKE ENCR=20/256 PRF=6 KE=20\n2 IKE ENCR=12/128 PRF=5 INTEG=12 KE=14"},
		{"IKE, rekeyed", ike(t, "chacha20poly1305-prfsha256-curve25519").Rekeying(), testIKESPI, []uint16{suite.Curve25519},
			"1 IKE spi=3820627974657321 ENCR=28 PRF=5 KE=31"},
		{"ESP, first", child(t, Child{Protocol: message.ProtocolESP, First: true, Groups: []string{"modp2048"},
			List: proposal.List{Proposals: []proposal.Proposal{{Encryption: []proposal.Encryption{{Name: "aes_gcm_16", KeyBits: 128}}, Groups: []string{"ecp256"}}}}}), testSPI, nil,
			"1 ESP spi=c0000001 ENCR=20/128 ESN=0 ESN=1"},
		{"ESP with PFS", esp(t, "aes128-sha256", "modp2048"), testSPI, []uint16{suite.MODP2048},
			"1 ESP spi=c0000001 ENCR=12/128 INTEG=12 KE=14 ESN=0 ESN=1"},
		{"ESP with its own group", esp(t, "aes128-sha256-ecp256-esn", "modp2048"), testSPI, []uint16{suite.ECP256},
			"1 ESP spi=c0000001 ENCR=12/128 INTEG=12 KE=19 ESN=1"},
		{"ESP without PFS", esp(t, "aes128-sha1-noesn"), testSPI, nil,
			"1 ESP spi=c0000001 ENCR=12/128 INTEG=2 ESN=0"},
		{"ESP, none is no group", esp(t, "aes128-sha1-noesn", "none"), testSPI, nil,
			"1 ESP spi=c0000001 ENCR=12/128 INTEG=2 ESN=0"},
		{"ESP, a group or none", esp(t, "aes128-sha1-noesn", "modp2048", "none"), testSPI, []uint16{suite.MODP2048},
			"1 ESP spi=c0000001 ENCR=12/128 INTEG=2 KE=14 KE=0 ESN=0"},
		{"both kinds of cipher in one proposal", child(t, Child{Protocol: message.ProtocolESP, ESN: proposal.WithoutESN, List: proposal.List{Proposals: []proposal.Proposal{
			{Encryption: []proposal.Encryption{{Name: "aes_cbc", KeyBits: 256}, {Name: "aes_gcm_16", KeyBits: 256}}, Integrity: []string{"hmac_sha2_256_128"}}}}}), testSPI, nil,
			"1 ESP spi=c0000001 ENCR=12/256 INTEG=12 ESN=0\n2 ESP spi=c0000001 ENCR=20/256 ESN=0"},
		{"AH", child(t, Child{Protocol: message.ProtocolAH, ESN: proposal.WithESN}), testSPI, nil,
			"1 AH spi=c0000001 INTEG=12 INTEG=13 INTEG=14 ESN=1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sa := tt.policy.Offer(tt.spi)
			if got := show(sa); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if got := tt.policy.Groups(); !slices.Equal(got, tt.groups) {
				t.Errorf("groups %v, want %v", got, tt.groups)
			}
			// It is taken by the same policy, and the answer by the one that offered.
			var group uint16
			if len(tt.groups) > 0 {
				group = tt.groups[0]
			}
			chosen, err := tt.policy.Choose(overTheWire(t, sa), group)
			if err != nil {
				t.Fatal(err)
			}
			checked, err := tt.policy.Check(overTheWire(t, chosen.Answer(tt.spi)), group)
			if err != nil || !reflect.DeepEqual(chosen, checked) {
				t.Errorf("responder has %+v, initiator %+v, %v", chosen, checked, err)
			}
		})
	}
}

// overTheWire is what a peer makes of an SA payload.
func overTheWire(t testing.TB, sa *message.SA) *message.SA {
	t.Helper()
	b, err := (&message.Message{Payloads: []message.Payload{sa}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	m, err := message.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return message.First[*message.SA](m.Payloads)
}

func TestDefaults(t *testing.T) {
	p, err := ForIKE(proposal.List{})
	if err != nil {
		t.Fatal(err)
	}
	sa := p.Offer(nil)
	if len(sa.Proposals) != 2 || p.Groups()[0] != suite.Curve25519 {
		t.Errorf("IKE: %s", show(sa))
	}
	for _, protocol := range []message.Protocol{message.ProtocolESP, message.ProtocolAH} {
		if sa := child(t, Child{Protocol: protocol}).Offer(testSPI); sa.Proposals[0].Protocol != protocol {
			t.Errorf("%s: %s", protocol, show(sa))
		}
	}
}

func TestCannotOffer(t *testing.T) {
	type list = []proposal.Proposal
	gcm, cbc := []proposal.Encryption{{Name: "aes_gcm_16", KeyBits: 128}}, []proposal.Encryption{{Name: "aes_cbc", KeyBits: 128}}
	sha2, prf, group := []string{"hmac_sha2_256_128"}, []string{"hmac_sha2_256"}, []string{"modp2048"}
	for _, tt := range []struct {
		protocol message.Protocol
		list     list
		want     string
	}{
		{message.ProtocolIKE, list{{PRF: prf, Groups: group}}, "no encryption algorithm"},
		{message.ProtocolIKE, list{{Encryption: gcm, Groups: group}}, "no pseudorandom function"},
		{message.ProtocolIKE, list{{Encryption: gcm, PRF: prf}}, "no group"},
		{message.ProtocolIKE, list{{Encryption: gcm, PRF: prf, Groups: []string{"none"}}}, "an IKE SA needs a key exchange, found none"},
		{message.ProtocolIKE, list{{Encryption: []proposal.Encryption{{Name: "null"}}, Integrity: sha2, PRF: prf, Groups: group}}, "an IKE SA must encrypt, found null"},
		{message.ProtocolIKE, list{{Encryption: gcm, PRF: []string{"md4"}, Groups: group}}, `unknown pseudorandom function "md4"`},
		{message.ProtocolESP, list{{Encryption: cbc}}, "no integrity algorithm"},
		{message.ProtocolESP, list{{Encryption: gcm, PRF: prf}}, "ESP has no pseudorandom function"},
		{message.ProtocolESP, list{{Encryption: []proposal.Encryption{{Name: "rot13"}}, Integrity: sha2}}, `unknown encryption algorithm "rot13"`},
		{message.ProtocolESP, list{{Encryption: []proposal.Encryption{{Name: "aes_cbc", KeyBits: 100}}, Integrity: sha2}}, "key of aes_cbc has 100 bits"},
		{message.ProtocolESP, list{{Encryption: cbc, Integrity: []string{"crc"}}}, `unknown integrity algorithm "crc"`},
		{message.ProtocolESP, list{{Encryption: gcm, Groups: []string{"modp1"}}}, `unknown Diffie-Hellman group "modp1"`},
		{message.ProtocolESP, slices.Repeat(list{{Encryption: gcm}}, 65), "failed to offer 65 proposals"},
		{message.ProtocolAH, list{{Encryption: gcm}}, "AH does not encrypt"},
		{message.ProtocolAH, list{{}}, "no integrity algorithm"},
	} {
		l := proposal.List{Proposals: tt.list}
		var err error
		if tt.protocol == message.ProtocolIKE {
			_, err = ForIKE(l)
		} else {
			_, err = ForChild(Child{Protocol: tt.protocol, List: l})
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

// sa builds a payload of proposals, each a protocol and transforms.
func sa(protocol message.Protocol, proposals ...[]message.Transform) *message.SA {
	s := &message.SA{}
	for i, transforms := range proposals {
		p := message.Proposal{Number: uint8(i + 1), Protocol: protocol, Transforms: transforms}
		if protocol != message.ProtocolIKE {
			p.SPI = testSPI
		}
		s.Proposals = append(s.Proposals, p)
	}
	return s
}

func encr(id, bits uint16) message.Transform {
	return message.Transform{Type: message.Encryption, ID: id, KeyBits: bits}
}
func prf(id uint16) message.Transform   { return message.Transform{Type: message.PRF, ID: id} }
func integ(id uint16) message.Transform { return message.Transform{Type: message.Integrity, ID: id} }
func group(id uint16) message.Transform { return message.Transform{Type: message.Group, ID: id} }
func esn(id uint16) message.Transform   { return message.Transform{Type: message.ESN, ID: id} }

type transforms = []message.Transform

func TestChoose(t *testing.T) {
	strange := encr(suite.AESCBC, 128)
	strange.Extra = "\x80\x0f\x00\x01"
	own := ike(t, "aes256gcm16-prfsha256-curve25519-modp2048,aes256-aes128-sha256-sha1-curve25519-modp2048")
	pfsNo := child(t, Child{Protocol: message.ProtocolESP, AlsoGroups: []string{"modp2048"}})
	for _, tt := range []struct {
		name   string
		policy Policy
		offer  *message.SA
		ke     uint16
		want   string // the answer, or the error
	}{
		{"the first proposal that we accept, in the initiator's order", own, sa(message.ProtocolIKE,
			transforms{encr(suite.TripleDES, 0), prf(2), integ(2), group(2)},
			transforms{encr(suite.AESCBC, 128), encr(suite.AESCBC, 256), prf(7), prf(5), integ(2), integ(12), group(14), group(31)},
			transforms{encr(suite.AESGCM16, 256), prf(5), group(31)},
		), suite.MODP2048, "2 IKE ENCR=12/128 PRF=5 INTEG=2 KE=14"},
		{"the group that is there already", own, sa(message.ProtocolIKE,
			transforms{encr(suite.AESGCM16, 256), prf(5), group(14), group(31)}), suite.Curve25519, "1 IKE ENCR=20/256 PRF=5 KE=31"},
		{"another group is wanted", own, sa(message.ProtocolIKE,
			transforms{encr(suite.AESGCM16, 256), prf(5), group(19), group(31), group(14)}), suite.ECP256, "key exchange of group ecp256, expected curve25519"},
		{"an unknown group", own, sa(message.ProtocolIKE,
			transforms{encr(suite.AESGCM16, 256), prf(5), group(999), group(14)}), 999, "key exchange of group group999, expected modp2048"},
		{"no key exchange at all", own, sa(message.ProtocolIKE,
			transforms{encr(suite.AESGCM16, 256), prf(5), group(14)}), 0, "key exchange of group none, expected modp2048"},
		{"an AEAD with integrity none", own, sa(message.ProtocolIKE,
			transforms{encr(suite.AESGCM16, 256), prf(5), integ(0), group(31)}), suite.Curve25519, "1 IKE ENCR=20/256 PRF=5 INTEG=0 KE=31"},
		{"an AEAD with integrity", own, sa(message.ProtocolIKE,
			transforms{encr(suite.AESGCM16, 256), prf(5), integ(12), group(31)}), suite.Curve25519,
			"no proposal chosen: the peer offers aes256gcm16-prfsha256-sha256-curve25519; ike= accepts " + own.text + " (nothing in common for integrity)"},
		{"both kinds of cipher in one proposal", own, sa(message.ProtocolIKE,
			transforms{encr(suite.AESGCM16, 256), encr(suite.AESCBC, 128), prf(5), integ(12), group(31)}), suite.Curve25519, "1 IKE ENCR=12/128 PRF=5 INTEG=12 KE=31"},
		{"both kinds of cipher, and integrity none too", own, sa(message.ProtocolIKE,
			transforms{encr(suite.AESGCM16, 256), encr(suite.AESCBC, 128), prf(5), integ(12), integ(0), group(31)}), suite.Curve25519, "1 IKE ENCR=20/256 PRF=5 INTEG=0 KE=31"},
		{"another key length", own, sa(message.ProtocolIKE,
			transforms{encr(suite.AESGCM16, 128), prf(5), group(31)}), suite.Curve25519,
			"no proposal chosen: the peer offers aes128gcm16-prfsha256-curve25519; ike= accepts " + own.text + " (nothing in common for encryption)"},
		{"no key length", own, sa(message.ProtocolIKE,
			transforms{encr(suite.AESCBC, 0), prf(5), integ(12), group(31)}), suite.Curve25519,
			"no proposal chosen: the peer offers aes_cbc/0-prfsha256-sha256-curve25519; ike= accepts " + own.text + " (nothing in common for encryption)"},
		{"a transform with attributes unknown", own, sa(message.ProtocolIKE,
			transforms{strange, prf(5), integ(12), group(31)}), suite.Curve25519,
			"no proposal chosen: the peer offers aes128/with-attributes-prfsha256-sha256-curve25519; ike= accepts " + own.text + " (nothing in common for encryption)"},
		{"a type of transform unknown", own, sa(message.ProtocolIKE,
			transforms{encr(suite.AESGCM16, 256), prf(5), group(31), {Type: 6, ID: 36}}), suite.Curve25519,
			"no proposal chosen: the peer offers aes256gcm16-prfsha256-curve25519-type6/36; ike= accepts " + own.text + " (nothing in common for transform type 6)"},
		{"nothing in common", own, sa(message.ProtocolIKE,
			transforms{encr(99, 128), prf(99), integ(99), group(99)}), 99,
			"no proposal chosen: the peer offers encr99-prf99-integ99-group99; ike= accepts " + own.text},
		{"no transforms", own, sa(message.ProtocolIKE, nil), 99, "no proposal chosen: the peer offers nothing; ike= accepts " + own.text + " (nothing in common for encryption, the PRF, the group)"},
		{"an SPI is missing", own.Rekeying(), sa(message.ProtocolIKE,
			transforms{encr(suite.AESGCM16, 256), prf(5), group(31)}), suite.Curve25519,
			"no proposal chosen: the peer offers aes256gcm16-prfsha256-curve25519 with the SPI ; ike= accepts " + own.text},

		{"ESP without PFS", esp(t, "aes128gcm16"), sa(message.ProtocolESP,
			transforms{encr(suite.AESGCM16, 128), esn(1), esn(0)}), 0, "1 ESP spi=c0000001 ENCR=20/128 ESN=1"},
		{"ESN is not spoken of", esp(t, "aes128gcm16"), sa(message.ProtocolESP,
			transforms{encr(suite.AESGCM16, 128)}), 0, "1 ESP spi=c0000001 ENCR=20/128"},
		{"ESN is wanted", esp(t, "aes128gcm16-esn"), sa(message.ProtocolESP,
			transforms{encr(suite.AESGCM16, 128), esn(0)}), 0,
			"no proposal chosen: the peer offers aes128gcm16-noesn; esp= accepts aes128gcm16-esn (nothing in common for ESN)"},
		{"PFS where none is accepted", esp(t, "aes128gcm16"), sa(message.ProtocolESP,
			transforms{encr(suite.AESGCM16, 128), group(14), esn(0)}), suite.MODP2048,
			"no proposal chosen: the peer offers aes128gcm16-modp2048-noesn; esp= accepts aes128gcm16 (nothing in common for the group)"},
		{"PFS or not, where none is accepted", esp(t, "aes128gcm16"), sa(message.ProtocolESP,
			transforms{encr(suite.AESGCM16, 128), group(14), group(0), esn(0)}), suite.MODP2048, "1 ESP spi=c0000001 ENCR=20/128 KE=0 ESN=0"},
		{"PFS is wanted", esp(t, "aes128gcm16", "modp2048"), sa(message.ProtocolESP,
			transforms{encr(suite.AESGCM16, 128), esn(0)}), 0,
			"no proposal chosen: the peer offers aes128gcm16-noesn; esp= accepts aes128gcm16 (nothing in common for the group)"},
		{"PFS is not wanted, but the peer wants it", pfsNo, sa(message.ProtocolESP,
			transforms{encr(suite.AESGCM16, 128), group(14), esn(0)}), suite.MODP2048, "1 ESP spi=c0000001 ENCR=20/128 KE=14 ESN=0"},
		{"PFS is not wanted, nor by the peer", pfsNo, sa(message.ProtocolESP,
			transforms{encr(suite.AESGCM16, 128), esn(0)}), 0, "1 ESP spi=c0000001 ENCR=20/128 ESN=0"},
		{"a group in IKE_AUTH means nothing", child(t, Child{Protocol: message.ProtocolESP, First: true}), sa(message.ProtocolESP,
			transforms{encr(suite.AESGCM16, 128), group(14), esn(0)}), 0, "1 ESP spi=c0000001 ENCR=20/128 ESN=0"},
		{"AH where ESP is accepted", esp(t, "aes128gcm16"), sa(message.ProtocolAH,
			transforms{integ(12), esn(0)}), 0, "no proposal chosen: the peer offers AH sha256-noesn; esp= accepts aes128gcm16"},
		{"a reserved SPI", esp(t, "aes128gcm16"), &message.SA{Proposals: []message.Proposal{
			{Number: 1, Protocol: message.ProtocolESP, SPI: []byte{0, 0, 0, 255}, Transforms: transforms{encr(suite.AESGCM16, 128), esn(0)}}}}, 0,
			"no proposal chosen: the peer offers aes128gcm16-noesn with the SPI 000000ff; esp= accepts aes128gcm16"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			chosen, err := tt.policy.Choose(tt.offer, tt.ke)
			got := show(chosen.Answer(chosen.SPI))
			if err != nil {
				got = err.Error()
				var refusal *Refusal
				var wrong *WrongGroup
				if !errors.As(err, &refusal) && !errors.As(err, &wrong) {
					t.Errorf("an error of another kind: %#v", err)
				}
			}
			if got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	own := ike(t, "aes256gcm16-prfsha256-curve25519-modp2048,aes256-aes128-sha256-sha1-curve25519-modp2048")
	esp := esp(t, "aes128gcm16-noesn")
	numbered := func(n uint8, p message.Protocol, t ...message.Transform) *message.SA {
		s := sa(p, t)
		s.Proposals[0].Number = n
		return s
	}
	for _, tt := range []struct {
		name   string
		policy Policy
		answer *message.SA
		ke     uint16
		want   string
	}{
		{"the second proposal", own, numbered(2, message.ProtocolIKE, encr(12, 128), prf(5), integ(12), group(14)), 14, ""},
		{"integrity none, said and not said", own, numbered(1, message.ProtocolIKE, encr(20, 256), prf(5), integ(0), group(31)), 31, ""},
		{"ESN is not spoken of", esp, numbered(1, message.ProtocolESP, encr(20, 128)), 0, ""},
		{"none", own, &message.SA{}, 31, "the peer chose 0 proposals, expected 1"},
		{"two", own, own.Offer(nil), 31, "the peer chose 2 proposals, expected 1"},
		{"another number", own, numbered(3, message.ProtocolIKE, encr(20, 256), prf(5), group(31)), 31, "the peer chose proposal 3,"},
		{"number 0", own, numbered(0, message.ProtocolIKE, encr(20, 256), prf(5), group(31)), 31, "the peer chose proposal 0,"},
		{"of another proposal", own, numbered(2, message.ProtocolIKE, encr(20, 256), prf(5), group(31)), 31, "the peer chose aes256gcm16-prfsha256-curve25519, and was offered "},
		{"another protocol", own, numbered(1, message.ProtocolESP, encr(20, 256)), 31, "the peer chose proposal 1, for ESP"},
		{"two ciphers", own, numbered(2, message.ProtocolIKE, encr(12, 128), encr(12, 256), prf(5), integ(12), group(14)), 14, "the peer chose several of encryption"},
		{"no PRF", own, numbered(1, message.ProtocolIKE, encr(20, 256), group(31)), 31, "the peer chose aes256gcm16-curve25519, and was offered "},
		{"no integrity beside CBC", own, numbered(2, message.ProtocolIKE, encr(12, 128), prf(5), group(14)), 14, "the peer chose aes128-prfsha256-modp2048, and was offered "},
		{"another group than that of the key exchange", own, numbered(1, message.ProtocolIKE, encr(20, 256), prf(5), group(14)), 31, "key exchange of group curve25519, expected modp2048"},
		{"ESN that was not offered", esp, numbered(1, message.ProtocolESP, encr(20, 128), esn(1)), 0, "the peer chose aes128gcm16-esn, and was offered aes128gcm16-noesn"},
		{"PFS that was not offered", esp, numbered(1, message.ProtocolESP, encr(20, 128), group(14), esn(0)), 14, "the peer chose aes128gcm16-modp2048-noesn, and was offered "},
		{"no SPI", own.Rekeying(), numbered(1, message.ProtocolIKE, encr(20, 256), prf(5), group(31)), 31, "the peer chose proposal 1, for IKE, with an SPI of 0 bytes"},
	} {
		_, err := tt.policy.Check(tt.answer, tt.ke)
		if got := fmt.Sprint(err); tt.want == "" && err != nil || !strings.HasPrefix(got, tt.want) && tt.want != "" {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestChosen(t *testing.T) {
	c, err := ike(t, "aes128-sha256-modp2048").Choose(ike(t, "aes128-sha256-modp2048").Offer(nil), 14)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.String(), "aes_cbc_128-hmac_sha2_256_128-hmac_sha2_256-modp2048"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if s, err := suite.New(c.IKE()); err != nil || s.Group.Name != "modp2048" {
		t.Errorf("no suite for it: %v", err)
	}
	c, err = esp(t, "aes256gcm16-esn").Choose(esp(t, "aes256gcm16-esn").Offer(testSPI), 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.String(), "aes_gcm_16_256-esn"; got != want || !c.ESN {
		t.Errorf("got %s, want %s", got, want)
	}
	if s, err := suite.NewChild(c.Child()); err != nil || s.Enc != "aesgcm16" {
		t.Errorf("no suite for it: %v", err)
	}
}

// What a hostile peer offers does not fill the log.
func TestRefusalIsShort(t *testing.T) {
	var many transforms
	for i := range 255 {
		many = append(many, encr(uint16(1000+i), 0))
	}
	_, err := ike(t, "aes128-sha256-modp2048").Choose(sa(message.ProtocolIKE, slices.Repeat([]transforms{many}, 64)...), 14)
	if err == nil || len(err.Error()) > 1500 || strings.Contains(err.Error(), "\n") {
		t.Errorf("%d bytes: %v", len(fmt.Sprint(err)), err)
	}
	if !strings.Contains(err.Error(), "and 6") {
		t.Errorf("it does not say how much more there was: %v", err)
	}
}
