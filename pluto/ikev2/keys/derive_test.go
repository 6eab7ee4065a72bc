package keys

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"

	"ipsec/pluto/suite"
)

// TestCAVP is a case of NIST's CAVP for the IKEv2 of SP 800-135: HMAC-SHA1, with
// as much keying material as AES-CBC-128 and HMAC-SHA1-96 take.
func TestCAVP(t *testing.T) {
	s := mustNew(t, suite.Choice{Encryption: suite.AESCBC, KeyBits: 128, Integrity: suite.HMACSHA1, PRF: suite.PRFHMACSHA1, Group: suite.ECP256})
	x := Exchange{
		Ni: unhex(t, "32b50d5f4a3763f3"), Nr: unhex(t, "9206a04b26564cb1"),
		Shared: unhex(t, "4b2c1f971981a8ad8d0abeafabf38cf75fc8349c148142465ed9c8b516b8be52"),
		SPIi:   [8]byte(unhex(t, "34c9e7c188868785")), SPIr: [8]byte(unhex(t, "3ff77d760d2b2199")),
	}
	dkm := unhex(t, "a14293677cc80ff8f9cc0eee30d895da9d8f405666e30ef0dfcb63c634a46002a2a63080e514a062768b76606f9fa5e9"+
		"92204fc5a670bde3f10d6b027113936a5c55b648a194ae587b0088d52204b702c979fa280870d2ed41efa9c549fd1119"+
		"8af1670b143d384bd275c5f594cf266b05ebadca855e4249520a441a81157435a7a56cc4")
	k := Derive(s, x)
	for _, v := range []struct {
		name      string
		got       []byte
		from, len int
	}{
		{"SK_d", k.D, 0, 20}, {"SK_ai", k.Ai, 20, 20}, {"SK_ar", k.Ar, 40, 20}, {"SK_ei", k.Ei, 60, 16}, {"SK_er", k.Er, 76, 16},
		{"SK_pi", k.Pi, 92, 20}, {"SK_pr", k.Pr, 112, 20},
	} {
		if want := dkm[v.from:][:v.len]; !bytes.Equal(v.got, want) {
			t.Errorf("%s is %x, want %x", v.name, v.got, want)
		}
	}
	x.Shared = unhex(t, "863f3c9d06efd39d2b907b97f8699e5dd5251ef64a2a176f36ee40c87d4f9330")
	rekeyed := Rekey(s, x, s.PRF, k.D)
	want := expand(s, unhex(t, "63e81194946ebd05df7df5ebf5d8750056bf1f1d"), x)
	if fmt.Sprint(rekeyed) != fmt.Sprint(want) {
		t.Errorf("rekeyed to %x, want %x", rekeyed, want)
	}
}

// TestDerivation compares with values computed in Python, by hmac of its standard
// library and AES of "cryptography" (OpenSSL), written from RFC 7296 alone: the
// SHA-256 of the keys of an IKE SA, of those it is rekeyed to, and of 72 bytes
// of KEYMAT without and with a key exchange.
func TestDerivation(t *testing.T) {
	gcm, cbc := suite.Choice{Encryption: suite.AESGCM16}, suite.Choice{Encryption: suite.AESCBC}
	for _, v := range []struct {
		choice                      suite.Choice
		bits                        int
		integrity, prf              uint16
		ike, rekeyed, child, child2 string
	}{
		{gcm, 256, 0, suite.PRFHMACSHA2_512,
			"468544405c857f8fd2112078894c51765c1a3894f44ed6f6ef63b1264b20f5b0", "8a4259d127b0046dcdc06275f596e4f971f293b1161e53989870e43d8926cd89",
			"29ca706bdb290d32ac07526f9f0eb0f4e989786acebbde366ce1093c606ec188", "988031822ec11b84f35faa7f708cdd02caa99a8da38924ccdc09f1c1f11ddecf"},
		{gcm, 128, 0, suite.PRFHMACSHA2_256,
			"eb97ac1deb305362f52c9c3cf788d35edc1fa11e93203ad6465075bbea3ee7a3", "05046dc5ed1aaa1d02f09a29371520380aef20dcffef5c2ec5cc227f4c577e61",
			"710e3fde376fabe3f8c1b13d097b9fb2a5cfc731c75913fe9bf934796f23db53", "ffbc5a500a367511900b79ce925f3ea4994786fb3a431f2afedb70c9f4055b50"},
		{cbc, 256, suite.HMACMD5, suite.PRFHMACMD5,
			"5eb35f8198a1736e901a8e122a6c10e44ac49169a7137249dd1b3a8573919e1b", "acc9d391eb2730c422389ebf10997d5baffa66827a82783cdc9b48d7752ae7b2",
			"7401bc325e0c55bbac08b9d4678c659a7600c1d40df47e0f38edfa6b0ddc16d0", "f546974334c53e85ea4755f675bdb1689971e1ea3b141a5d859c49f572f885d3"},
		{cbc, 128, suite.HMACSHA2_384, suite.PRFHMACSHA2_384,
			"a3870f999399896469611472472560ea0e21a2a07938a7edaeb262b8815c7615", "0f50c6945aa0055e0de5bc22202363d17cc0c99bace10168a859693329e761ed",
			"dea84d9867f20eee77e0213e5fd359f1b732031d4e357090b086f151b7a90acb", "dbcbb932509d564233e204429df519fdbffe4892059012bfb21e7e57755ce43d"},
		{suite.Choice{Encryption: suite.AESCCM16}, 128, 0, suite.PRFAESXCBC,
			"9e5ad9307fc76107fa4c31ff51e57ed67ddca82844a5129cfb635e47f079a715", "71737889e4872035dd881a3e0a73775c607cd8356f34c0b3c9f538de5fca52fd",
			"edf5af7ce6c25da8fa093ca6f1ba90e9e87f56f5dd967ddce3b619d723fb8f96", "893f39ef059b34307875aeaaf42aae030dede653ef88e62423d3bbcb769dc5ca"},
		{suite.Choice{Encryption: suite.AESCTR}, 192, suite.AESCMAC, suite.PRFAESCMAC,
			"37935af7e3fb0bdca3168274de4f1cdd9428c0c49df466c2f3fc35c315b4f061", "02c9b1f758a16d4a73b6ff40773f766e8ac3a38e2a8b7aef13488442f7143265",
			"f818d9c20bcb4317cfe41208676ea0bd3a97632d6125b8105338936780e5fb89", "e909fde961383148027af05581d081d413bcedd8e083d8c51435b4db35806168"},
		{suite.Choice{Encryption: suite.TripleDES}, 0, suite.HMACSHA1, suite.PRFHMACSHA1,
			"f040f0d25aee5f14a6a0f3441914201bfc32237d6152a5f49d53f05dc76921e1", "951dd3791815c9f588444fb1d06598856324168e5c37778ceb1622212ddbed00",
			"c31e05347aded79bb228941c00dad6bbc4dc83b9439fd10e2198951428fadcf2", "2534b6115fdd70d1ed1e520e8531b77d6b96cb78f0022fdaec1d240463a17533"},
		{suite.Choice{Encryption: suite.ChaCha20Poly1305}, 0, 0, suite.PRFHMACSHA2_256,
			"4c10251a4d7da784cc77ea4ddcb0ac02448f548fb5ab32a59282e61dd39c052b", "3caccef710d8df004e3ae9d43769ab8b9a7b714073247941f52c115e824b805c",
			"710e3fde376fabe3f8c1b13d097b9fb2a5cfc731c75913fe9bf934796f23db53", "ffbc5a500a367511900b79ce925f3ea4994786fb3a431f2afedb70c9f4055b50"},
	} {
		c := v.choice
		c.KeyBits, c.Integrity, c.PRF, c.Group = v.bits, v.integrity, v.prf, suite.Curve25519
		s := mustNew(t, c)
		x := Exchange{Ni: counting(32), Nr: counting(40)[8:], Shared: counting(64), SPIi: [8]byte(counting(8)), SPIr: [8]byte(counting(16)[8:])}
		k := Derive(s, x)
		next := x
		next.Shared = counting(80)[16:]
		bare := x
		bare.Shared = nil
		for i, check := range []struct{ got, want string }{
			{sum(k), v.ike}, {sum(Rekey(s, next, s.PRF, k.D)), v.rekeyed},
			{sumChild(s, k, bare), v.child}, {sumChild(s, k, next), v.child2},
		} {
			if check.got != check.want {
				t.Errorf("%s: %d: %s, want %s", s, i, check.got, check.want)
			}
		}
	}
}

func sum(k Keys) string {
	all := bytes.Join([][]byte{k.D, k.Ai, k.Ar, k.Ei, k.Er, k.Pi, k.Pr}, nil)
	return fmt.Sprintf("%x", sha256.Sum256(all))
}

func sumChild(s *suite.Suite, k Keys, x Exchange) string {
	child := suite.Child{EncKeyLen: 20, AuthKeyLen: 16}
	a, b := ForChild(child, s.PRF, k.D, x)
	return fmt.Sprintf("%x", sha256.Sum256(bytes.Join([][]byte{a.EncKey, a.AuthKey, b.EncKey, b.AuthKey}, nil)))
}

// TestOtherPRF rekeys from one function to another: the old one makes SKEYSEED
// and the new one the rest, RFC 7296, section 2.18.
func TestOtherPRF(t *testing.T) {
	old := mustNew(t, suite.Choice{Encryption: suite.AESGCM16, KeyBits: 128, PRF: suite.PRFHMACSHA1, Group: suite.Curve25519})
	s := mustNew(t, suite.Choice{Encryption: suite.AESGCM16, KeyBits: 128, PRF: suite.PRFAESXCBC, Group: suite.Curve25519})
	x := Exchange{Ni: counting(32), Nr: counting(33), Shared: counting(32)}
	d := counting(20)
	seed := bytes.Join([][]byte{x.Ni, x.Nr, make([]byte, 16)}, nil)
	want := plus(s.PRF, old.PRF.Sum(d, x.Shared, x.Ni, x.Nr), seed, 16)
	if k := Rekey(s, x, old.PRF, d); !bytes.Equal(k.D, want) || len(k.Pi) != 16 || len(k.Ei) != 20 || len(k.Ai) != 0 {
		t.Errorf("SK_d is %x, want %x", k.D, want)
	}
}

// TestClear looks at the memory that held the keys.
func TestClear(t *testing.T) {
	s := mustNew(t, suite.Choice{Encryption: suite.AESCBC, KeyBits: 128, Integrity: suite.HMACSHA1, PRF: suite.PRFHMACSHA1, Group: suite.ECP256})
	k := Derive(s, Exchange{Ni: counting(32), Nr: counting(32), Shared: counting(32)})
	held := [][]byte{k.D, k.Ai, k.Ar, k.Ei, k.Er, k.Pi, k.Pr}
	p, err := NewProtector(s, k.Ei, k.Ai, bytes.NewReader(counting(32)))
	if err != nil {
		t.Fatal(err)
	}
	held = append(held, p.key, p.mac, p.ivs)
	p.Clear()
	k.Clear()
	for i, b := range held {
		if !bytes.Equal(b, make([]byte, len(b))) || len(b) == 0 {
			t.Errorf("%d: %x is left", i, b)
		}
	}
}
