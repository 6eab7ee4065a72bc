package suite

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"
)

// unhex reads hexadecimal digits, spaces between them left out.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPRFVectors(t *testing.T) {
	var (
		zero20 = unhex(t, "000102030405060708090a0b0c0d0e0f10111213")
		zero16 = zero20[:16]
		long   = append(bytes.Clone(zero16), 0xed, 0xcb)
	)
	for _, v := range []struct {
		id            uint16
		key, data     []byte
		source, value string
	}{
		{PRFHMACMD5, []byte("Jefe"), []byte("what do ya want for nothing?"), "RFC 2202, section 2, case 2", "750c783e6ab0b503eaa86e310a5db738"},
		{PRFHMACSHA1, []byte("Jefe"), []byte("what do ya want for nothing?"), "RFC 2202, section 3, case 2", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
		{PRFHMACSHA2_256, []byte("Jefe"), []byte("what do ya want for nothing?"), "RFC 4231, case 2", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{PRFHMACSHA2_384, []byte("Jefe"), []byte("what do ya want for nothing?"), "RFC 4231, case 2", "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
		{PRFHMACSHA2_512, []byte("Jefe"), []byte("what do ya want for nothing?"), "RFC 4231, case 2", "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
		{PRFAESXCBC, zero16, zero20, "RFC 4434, section 4", "47f51b4564966215b8985c63055ed308"},
		{PRFAESXCBC, zero16[:10], zero20, "RFC 4434, section 4", "0fa087af7d866e7653434e602fdde835"},
		{PRFAESXCBC, long, zero20, "RFC 4434, section 4", "8cd3c93ae598a9803006ffb67c40e9e4"},
		{PRFAESCMAC, long, zero20, "RFC 4615, section 4", "84a348a4a45d235babfffc0d2b4da09a"},
		{PRFAESCMAC, zero16, zero20, "RFC 4615, section 4", "980ae87b5f4c9c5214f5b6a8455e4c2d"},
		{PRFAESCMAC, zero16[:10], zero20, "RFC 4615, section 4", "290d9e112edb09ee141fcf64c0b72f3d"},
	} {
		p, err := FindPRF(v.id)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(p.Sum(v.key, v.data[:3], nil, v.data[3:])); got != v.value {
			t.Errorf("%s, %s: %s, want %s", p.Name, v.source, got, v.value)
		}
	}
}

// TestPrimes compares the primes with those that OpenSSL 3.0 has under the names
// modp_1536 and so on, by the SHA-256 of their bytes, and the one that it does not
// have by its being a safe prime of the right form.
func TestPrimes(t *testing.T) {
	known := map[uint16]string{
		MODP1536: "64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b",
		MODP2048: "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e",
		MODP3072: "48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c",
		MODP4096: "4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33",
		MODP6144: "d1bfe6d0925ce7e4da262b62861514a7755e35831e429f343e7b864848657efd",
		MODP8192: "39ab4feab950a3128fb71accb9fc3965d857012e081998a85996e3ea8b3c3bcf",
	}
	for _, g := range modpGroups {
		m := g.exchange.(modp).modulus()
		p := m.Nat().Bytes(m)
		if len(p) != g.Public || !bytes.HasPrefix(p, unhex(t, "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd1")) {
			t.Errorf("%s: %d bytes, %x…", g.Name, len(p), p[:24])
		}
		if sum := fmt.Sprintf("%x", sha256.Sum256(p)); known[g.ID] != "" && sum != known[g.ID] {
			t.Errorf("%s: SHA-256 of the prime is %s, want %s", g.Name, sum, known[g.ID])
		}
		if g.ID == MODP1024 {
			n := new(big.Int).SetBytes(p)
			if half := new(big.Int).Rsh(n, 1); !n.ProbablyPrime(10) || !half.ProbablyPrime(10) {
				t.Errorf("%s: not a safe prime", g.Name)
			}
		}
	}
}

// TestExponentiation compares the MODP groups with math/big.
func TestExponentiation(t *testing.T) {
	for _, g := range modpGroups {
		key, err := g.Generate(bytes.NewReader(counting(100)))
		if err != nil {
			t.Fatal(err)
		}
		m := g.exchange.(modp).modulus()
		p := new(big.Int).SetBytes(m.Nat().Bytes(m))
		x := new(big.Int).SetBytes(key.(*modpKey).exponent)
		y := new(big.Int).Sub(p, big.NewInt(0x1234567))
		want := new(big.Int).Exp(big.NewInt(2), x, p)
		if got := new(big.Int).SetBytes(key.Public()); got.Cmp(want) != 0 {
			t.Errorf("%s: public value %x, want %x", g.Name, got, want)
		}
		shared, err := key.Shared(y.Bytes())
		want.Exp(y, x, p)
		if got := new(big.Int).SetBytes(shared); err != nil || got.Cmp(want) != 0 {
			t.Errorf("%s: shared secret %x, want %x, %v", g.Name, got, want, err)
		}
	}
}

// TestCurveVectors has private keys drawn as RFC 5903, section 8, and RFC 7748,
// section 6.1, have them.
func TestCurveVectors(t *testing.T) {
	for _, v := range []struct {
		id                 uint16
		i, gi, r, gr, girx string
		reject             string // a scalar out of range, drawn first
	}{
		{id: ECP256,
			i:      "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
			gi:     "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180 5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
			r:      "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
			gr:     "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63 56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
			girx:   "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de",
			reject: strings.Repeat("ff", 32)},
		{id: ECP384,
			i:      "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
			gi:     "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa 9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
			r:      "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc",
			gr:     "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571 dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
			girx:   "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746",
			reject: strings.Repeat("00", 48)},
		{id: ECP521,
			i:      "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c2952c6771d937ba9777f5957b2639bab072462f68c27a57382d4a52",
			gi:     "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1e3bf42e00b8e380aeae57c2d107564941885942af5a7f4601723c4195d176ced3e 017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4a10ad8a788015ac405d7799dc75e7b7d5b6cf2261a6a7f1507438bf01beb6ca3926f9582",
			r:      "0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e9c677d600b343757a3bdbf2a3163e4c2f869cca7458aa4a4effc311f5cb151685eb9",
			gr:     "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6be64a6c2912d4ef2d0433ced2b6171640012d9460f 015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d9852077b87220b6536c5c408a1d2aebb8e86d678ae49cb57091f4732296579ab44fcd17f0fc56a",
			girx:   "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c06b3c715a3a8cc3151f2bee417996d19f3ddea",
			reject: strings.Repeat("ff", 66)},
		{id: Curve25519,
			i:    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
			gi:   "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
			r:    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
			gr:   "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
			girx: "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
	} {
		g, err := FindGroup(v.id)
		if err != nil {
			t.Fatal(err)
		}
		i, err := g.Generate(bytes.NewReader(unhex(t, v.reject+v.i)))
		if err != nil {
			t.Fatal(err)
		}
		r, err := g.Generate(bytes.NewReader(unhex(t, v.r)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(i.Public(), unhex(t, v.gi)) || !bytes.Equal(r.Public(), unhex(t, v.gr)) {
			t.Errorf("%s: public values %x and %x", g.Name, i.Public(), r.Public())
		}
		for _, key := range []PrivateKey{i, r} {
			peer := v.gr
			if key == r {
				peer = v.gi
			}
			shared, err := key.Shared(unhex(t, peer))
			if err != nil || !bytes.Equal(shared, unhex(t, v.girx)) {
				t.Errorf("%s: shared secret %x, %v", g.Name, shared, err)
			}
		}
	}
}
