package esp

import (
	"bytes"
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"ipsec/klips/algorithm"
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

// TestAEADVectors seals and opens published ESP packets, whose plaintext
// includes padding, pad length and next header.
//
// The AES-GCM packets are from draft-mcgrew-gcm-test-01, section 4; those with
// 64 bits of sequence number have ESN. The ICVs of 12 and 8 bytes are the first
// bytes of those of 16: NIST SP 800-38D, section 7.1, step 6. ChaCha20-Poly1305 is
// RFC 7634, appendix A.
func TestAEADVectors(t *testing.T) {
	const (
		key128 = "4c80cdefbb5d10da906ac73c3613a634"
		key3de = "3de09874b388e6491988d0c3607eae1f"
		keyabb = "abbccddef00112233445566778899aab"
	)
	for i, v := range []struct {
		enc, key, salt string
		spi            uint32
		esn            bool
		seq            uint64
		iv, plain, ct  string
	}{
		{"aesgcm16", key128, "2e443b68", 0x4321, true, 0x8765432100000000, "4956ed7e3b244cfe",
			"45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000045f736970045f756470037369700963796265726369747902646b000021000101020201",
			"fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732 459018148f6cbe722fd04796562dfdb4"},
		{"aesgcm16", "feffe9928665731c6d6a8f9467308308feffe9928665731c", "cafebabe", 0xa5f8, false, 0xa, "facedbaddecaf888",
			"45000028a4ad4000400678800a01038f0a010612802306b8cb712602dd6bb03e501016d075680001",
			"a5b1f8066029aea40e598b8122de02420938b3ab33f828e687b8858b5bfbdbd0315b27452144cc77 95457b9652037f5318027b5b4cd7a636"},
		{"aesgcm16", keyabb + keyabb, "11223344", 0x4a2cbfe3, false, 2, "0102030405060708",
			"4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000020405b40101040201020201",
			"ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763748a637985771d347f0545659f14e99def842d8e b335f4eecfdbf831824b4c4915956c96"},
		{"aesgcm16", "00000000000000000000000000000000", "00000000", 0, false, 1, "0000000000000000",
			"4500003c99c500008001cb7a40679318010101010800075c020044006162636465666768696a6b6c6d6e6f707172737475767761626364656667686901020201",
			"4688daf2f973a392732909c331d56d60f694abaa414b5e7ff5fdcdfff5e9a284456476492719ffb64de7d9dca1e1d894bc3bd57873ed4d181d19d4d5c8c18af3 f821d496eeb096e98ad2b69e4799c71d"},
		{"aesgcm16", "7d773d00c144c525ac619d18c84a3f47", "d9664267", 0x335467ae, false, 0xffffffff, "43457e9182443bc6",
			"01020201", "437f866b cb3f699fe9b0822bac961c4504bef270"},
		{"aesgcm16", key3de, "57690e43", 0x42f67e3f, true, 0x1010101010101010, "4e280000a2fca1a3",
			"4500003c99c300008001cb7c40679318010101010800085c020043006162636465666768696a6b6c6d6e6f707172737475767761626364656667686901020201",
			"fba2caa4853cf9f0f22cb10d86dd83b0fec75691cf1a04b00d1138ec9c35791765acbd8701ad79845bf9fe3fba487bc91755e6662b4c8d0d1f5e22739530320a e0d731cc978ecafaeae88f00e80d6e48"},
		{"aesgcm16", key3de, "57690e43", 0x42f67e3f, true, 0x1010101010101010, "4e280000a2fca1a3",
			"4500001c42a200008001441f406793b6e00000020a00f5ff01020201",
			"fba2ca845e5df9f0f22c3e6e86dd831e1fc65792cd1af9130e1379ed 369f071f35e034be95f112e4e7d05d35"},
		{"aesgcm16", keyabb, "decaf888", 0x100, true, 1, "cafedebaceface74",
			"4500004933ba00007f119106c3fb1d10c2b1d326c02831ce0035dd7b800302d500004e20001e8c18d75b81dc91baa0476b91b924b280389d92c963bac046ec959b6266c04722b14923010101",
			"18a6fd42f72cbf4ab2a2ea901f73d814e3e7f243d95412e1c349c1d2fbec168f9190feebaf2cb01984e65863965d7472b79da345e0e780191f0d2f0e0f496c226f2127b27db35724e7845d68 651f57e65f354f75ff17015769623436"},
		{"aesgcm16", key3de, "57690e43", 0x42f67e3f, true, 0x1010101010101010, "4e280000a2fca1a3",
			"45000049333e00007f119182c3fb1d10c2b1d326c02831ce0035cb458003025b000001e0001e8c18d65759d52284a0352c71475c8880391c764d6e5ee0496b325ae270c03899493915010101",
			"fba2cad12fc1f9f00d3cebf305410db83d7784b607323d220f24b0a97d54182800cadb0f68d99ef0e0c0c89ae9bea8884e52d65bc1afd0740f742444747b5b39ab533163aad4550ee5160975 cdb608c5769189609763b8e18caa81e2"},
		{"aesgcm16", keyabb, "decaf888", 0x100, true, 1, "cafedebaceface74",
			"746f016265016f72016e6f7401746f0162650001",
			"29c9fc69a197d038ccdd14e2ddfcaa0543332164 412503524303ed3c6c5f283843af8c3e"},
		{"aesgcm16", key3de, "57690e43", 0x3f7ef642, true, 0x1010101010101010, "4e280000a2fca1a3",
			"45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f707172737401020201",
			"fba2caa8c6c5f9f0f22ca54a061210ad3f6e5791cf1aca210d117cec9c35791765acbd8701ad79845bf9fe3fba487bc963219306 84eecadb56912546e7a95c9740d7cb05"},
		{"aesgcm16", key128, "22433c64", 0x4321, true, 0x8765432100000007, "4855ec7d3a234bfd",
			"0800c6cd020007006162636465666768696a6b6c6d6e6f707172737401020201",
			"74752e8aeb5d873cd7c0f4acc36c4bff84b7d7b98f0ca8b6acda6894bc619069 ef9cbc28fe1b56a7c4e0d58c86cd2bc0"},
		{"aesgcm16", keyabb + keyabb, "73616c74", 0x17405e67, true, 0x156f3126dd0db99b, "616e640169766563",
			"636973636f0172756c657301746865016e6574776501646566696e6501746865746563686e6f6c6f6769657301746861747769" +
				"6c6c01646566696e65746f6d6f72726f7701020201",
			"d4b7ed86a1777f2ea13d6973d324c69e7b43f826fb56831226508bebd2dceb18d0a6df10e5487df074113e14c641024e3e6773d91a62ee429b043a10e3efe6b0 12a49363412364f8c0cac587f249e56b11e24f30e44ccc76"},
		{"aesgcm16", keyabb + keyabb, "73616c74", 0x17405e67, true, 0x156f3126dd0db99b, "616e640169766563",
			"45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb71260250101f646d540001",
			"f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde98ef67549d524a3018d9a57ff4d3a31ce673119e 451626c2415771e3b7eebca614c89b35"},
		{"aesgcm16", "6c6567616c697a656d6172696a75616e61616e64646f69746265666f72656961", "7475726e", 0x796b6963, true, 0xffffffffffffffff, "333021696765746d",
			"45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f707172737401020201",
			"f97ab2aa356d8edce17644ac8c78e25dd24dedbb29ebf1b64a274b39b49c3a864cd3d78ca4ae68a32b42458fb57dbe821dcc63b9 d0937ba2945f669368661a329fb4c053"},
		{"chacha20poly1305", "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "a0a1a2a3", 0x01020304, false, 5, "1011121314151617",
			"45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363701020204",
			"24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f641e0 76aaa8266b7fb0f7b11b369907e1ad43"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			iv := unhex(t, v.iv)
			want := binary.BigEndian.AppendUint32(nil, v.spi)
			want = binary.BigEndian.AppendUint32(want, uint32(v.seq))
			want = append(append(want, iv...), unhex(t, v.ct)...)
			p := Params{SPI: v.spi, Enc: v.enc, EncKey: unhex(t, v.key+v.salt), ESN: v.esn}
			compare(t, p, iv, unhex(t, v.plain), v.seq, want)
			if v.enc == "aesgcm16" {
				p.Enc = "aesgcm12"
				compare(t, p, iv, unhex(t, v.plain), v.seq, want[:len(want)-4])
				p.Enc = "aesgcm8"
				compare(t, p, iv, unhex(t, v.plain), v.seq, want[:len(want)-8])
			}
		})
	}
}

// compare seals the payload in plain, which ends in padding, pad length and
// next header, compares the packet with want, and opens it again.
func compare(t *testing.T, p Params, iv, plain []byte, seq uint64, want []byte) {
	t.Helper()
	p.Rand = bytes.NewReader(iv)
	next, end := plain[len(plain)-1], len(plain)-2-int(plain[len(plain)-2])
	payload := append(bytes.Clone(plain[:end]), make([]byte, Tailroom)...)[:end]
	x := mustNew(t, p)
	got, err := x.Seal(make([]byte, 0, len(want)), payload, next, seq)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: sealed\n%x, want\n%x", p.Enc, got, want)
	}
	back, n, err := x.Open(bytes.Clone(want), uint32(seq>>32))
	if err != nil || n != next || !bytes.Equal(back, plain[:end]) {
		t.Errorf("%s: opened to %x, next %d, %v", p.Enc, back, n, err)
	}
}

// TestCCMPackets seals and opens packets of RFC 4309, which has none: these are
// from OpenSSL's AES-CCM by way of Python's "cryptography", each also with 64
// bits of sequence number.
func TestCCMPackets(t *testing.T) {
	iv := []byte{0, 0, 0, 0, 0, 0, 0, 9}
	plain := append(counting(17), 1, 1, 4)
	for _, v := range []struct {
		key          int
		enc          string
		sealed, wide string
	}{
		{16, "aesccm8", "98815f06c8774dd2018ac26a76ffaa2910c9aff77ee9f71785e8f9ef", "98815f06c8774dd2018ac26a76ffaa2910c9aff75573874a26381f85"},
		{16, "aesccm12", "98815f06c8774dd2018ac26a76ffaa2910c9aff72de9f29d44efaed510d4bdef", "98815f06c8774dd2018ac26a76ffaa2910c9aff79b688c1565513e7753d98f71"},
		{16, "aesccm16", "98815f06c8774dd2018ac26a76ffaa2910c9aff747f6e88b3d766747a86bc02af5413960", "98815f06c8774dd2018ac26a76ffaa2910c9aff75b9e3f68c41f4b98750357707e3e244f"},
		{24, "aesccm8", "ec20d16b181ee868a0974e5ec109a1942b35afb4ff5398a5b4acddc2", "ec20d16b181ee868a0974e5ec109a1942b35afb4f93fcd17b4b4d273"},
		{24, "aesccm12", "ec20d16b181ee868a0974e5ec109a1942b35afb4aee7dc8289e43ed089d574f3", "ec20d16b181ee868a0974e5ec109a1942b35afb4858a4b4721faafb080a5ad63"},
		{24, "aesccm16", "ec20d16b181ee868a0974e5ec109a1942b35afb43d07b9ed451172afdb6ac8ca1f911799", "ec20d16b181ee868a0974e5ec109a1942b35afb48c09079906c95bf2324e0554bb275e18"},
		{32, "aesccm8", "4331f985deb70930d371c788e5b1af2544fad94d10221530b8fc3b7b", "4331f985deb70930d371c788e5b1af2544fad94d69097cbc111e56a0"},
		{32, "aesccm12", "4331f985deb70930d371c788e5b1af2544fad94d35508bed0188c4340e952428", "4331f985deb70930d371c788e5b1af2544fad94d0ebf9186be93281ca7c5fae2"},
		{32, "aesccm16", "4331f985deb70930d371c788e5b1af2544fad94d5db6d4afd8bd7286595ad260a6337d0d", "4331f985deb70930d371c788e5b1af2544fad94dac1705187f2743ae523a519607290e23"},
	} {
		p := Params{SPI: 0x1000, Enc: v.enc, EncKey: append(counting(v.key), 0xa1, 0xa2, 0xa3)}
		head := unhex(t, "00001000 00000007 0000000000000009")
		compare(t, p, iv, plain, 7, append(bytes.Clone(head), unhex(t, v.sealed)...))
		p.ESN = true
		compare(t, p, iv, plain, 5<<32|7, append(bytes.Clone(head), unhex(t, v.wide)...))
	}
}

// TestCBCPackets seals and opens the ESP packets of RFC 3602, section 4, cases 5
// to 8, which have no ICV: here it is the HMAC-SHA1-96 over what they have.
func TestCBCPackets(t *testing.T) {
	authKey := counting(20)
	for _, v := range []struct {
		key, payload string
		next         uint8
		packet       string
	}{
		{"90d382b410eeba7ad938c46cec1a82bf", "08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637", 1,
			"0000432100000001e96e8c08ab465763fd098d45dd3ff893f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a6"},
		{"90d382b410eeba7ad938c46cec1a82bf", "0800b5e8a80a0500a69c083d0b660e00777777777777777777777777", 1,
			"000043210000000869d08df7d203329db093fc4924e5bd80f51995881ec4e0c4488987ce742e8109689bb379d2d750c0d915dca346a89f75"},
		{"0123456789abcdef0123456789abcdef", "45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d02a2040008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637", 4,
			"0000876500000002f4e765244f6407adf13dc1380f673f37773b5241a4c449225e4f3ce5ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8e4ecaec78ac53aad7a0f022b859243c647752e94a859352b8a4d4d2decd136e5c177f132ad3fbfb2201ac9904c74ee0a109e0ca1e4dfe9d5a100b842f1c22f0d"},
		{"0123456789abcdef0123456789abcdef", "45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083da3de0300ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 4,
			"000087650000000585d47224b5f3dd5d2101d4ea8dffab2215b92683819596a8047232cc00f7048fe45318e11f8a0f62ede3c3fc61203bb50f980a08c9843fd3a1b06d5c07ff9639b7eb7dfb3512e5de435e7207ed971ef3d2726d9b5ef6affc6d17a0decbb13892"},
	} {
		want, payload := unhex(t, v.packet), unhex(t, v.payload)
		h := hmac.New(sha1.New, authKey)
		h.Write(want)
		want = h.Sum(want)[:len(want)+12]
		x := mustNew(t, Params{SPI: SPI(want), Enc: "aes", EncKey: unhex(t, v.key), Auth: "sha1-96", AuthKey: authKey})
		x.ivs.block = fixed(want[8:24])
		got, err := x.Seal(make([]byte, 0, 200), append(payload, make([]byte, Tailroom)...)[:len(payload)], v.next, uint64(Seq(want)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("sealed %x, %v, want %x", got, err, want)
		}
		back, next, err := x.Open(want, 0)
		if err != nil || next != v.next || !bytes.Equal(back, payload) {
			t.Errorf("opened to %x, next %d, %v", back, next, err)
		}
	}
}

// fixed is a block cipher that draws the same IV always.
type fixed []byte

func (f fixed) BlockSize() int        { return aes.BlockSize }
func (f fixed) Encrypt(dst, _ []byte) { copy(dst, f) }
func (f fixed) Decrypt(_, _ []byte)   { panic("an IV is never decrypted") }

// TestCipherVectors holds the ciphers that need a MAC beside them to vectors
// that have no form of an ESP packet.
func TestCipherVectors(t *testing.T) {
	const (
		blocks = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
		count  = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"
		msg    = "53696e676c6520626c6f636b206d7367"
	)
	for _, v := range []struct{ enc, key, iv, plain, ct string }{
		// RFC 2410, section 2.5, case 1.
		{"null", "", "", "0123456789abcdef", "0123456789abcdef"},
		// NIST CAVP, TCBCMMT3.rsp, encryption, count 9.
		{"3des", "9b162a0df8ad9b61c88676e3d586434570b902f12a2046e0", "ebd6fefe029ad54b",
			"f4c1c918e77355c8156f0fd778da52bff121ae5f2f44eaf4d2754946d0e10d1f18ce3a0176e69c18b7d20b6e0d0bee5eb5edfe4bd60e4d92adcd86bce72e76f94ee5cbcaa8b01cfddcea2ade575e66ac",
			"1ff3c8709f403a8eff291aedf50c010df5c5ff64a8b205f1fce68564798897a390db16ee0d053856b75898009731da290fcc119dad987277aacef694872e880c4bb41471063fae05c89f25e4bd0cad6a"},
		// NIST SP 800-38A, sections F.2.1, F.2.3, F.2.5.
		{"aes", "2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f", blocks,
			"7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b273bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
		{"aes", "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "000102030405060708090a0b0c0d0e0f", blocks,
			"4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd"},
		{"aes", "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "000102030405060708090a0b0c0d0e0f", blocks,
			"f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
		// RFC 3686, section 6, vectors 1 to 9: key and nonce, IV.
		{"aesctr", "ae6852f8121067cc4bf7a5765577f39e 00000030", "0000000000000000", msg, "e4095d4fb7a7b3792d6175a3261311b8"},
		{"aesctr", "7e24067817fae0d743d6ce1f32539163 006cb6db", "c0543b59da48d90b", count[:64], "5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28"},
		{"aesctr", "7691be035e5020a8ac6e618529f9a0dc 00e0017b", "27777f3f4a1786f0", count, "c1cf48a89f2ffdd9cf4652e9efdb72d74540a42bde6d7836d59a5ceaaef3105325b2072f"},
		{"aesctr", "16af5b145fc9f579c175f93e3bfb0eed863d06ccfdb78515 00000048", "36733c147d6d93cb", msg, "4b55384fe259c9c84e7935a003cbe928"},
		{"aesctr", "7c5cb2401b3dc33c19e7340819e0f69c678c3db8e6f6a91a 0096b03b", "020c6eadc2cb500d", count[:64], "453243fc609b23327edfaafa7131cd9f8490701c5ad4a79cfc1fe0ff42f4fb00"},
		{"aesctr", "02bf391ee8ecb159b959617b0965279bf59b60a786d3e0fe 0007bdfd", "5cbd60278dcc0912", count, "96893fc55e5c722f540b7dd1ddf7e758d288bc95c69165884536c811662f2188abee0935"},
		{"aesctr", "776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c104 00000060", "db5672c97aa8f0b2", msg, "145ad01dbf824ec7560863dc71e3e0c0"},
		{"aesctr", "f6d66d6bd52d59bb0796365879eff886c66dd51a5b6a99744b50590c87a23884 00faac24", "c1585ef15a43d875", count[:64], "f05e231b3894612c49ee000b804eb2a9b8306b508f839d6a5530831d9344af1c"},
		{"aesctr", "ff7a617ce69148e4f1726e2f43581de2aa62d9f805532edff1eed687fb54153d 001cc5b7", "51a51d70a1c11148", count, "eb6c52821d0bbbf7ce7594462aca4faab407df866569fd07f48cc0b583d6071f1ec0e6b8"},
	} {
		c, err := algorithm.FindCipher(v.enc)
		if err != nil {
			t.Fatal(err)
		}
		key := unhex(t, v.key)
		x, err := newCrypter(c, key[:len(key)-c.Salt], key[len(key)-c.Salt:])
		if err != nil {
			t.Fatal(err)
		}
		plain, want := unhex(t, v.plain), unhex(t, v.ct)
		for range 2 { // the second time from the state that the first has left
			got := make([]byte, len(plain))
			x.encrypt(got, plain, unhex(t, v.iv))
			if !bytes.Equal(got, want) {
				t.Errorf("%s: encrypted to %x, want %x", v.enc, got, want)
			}
			x.decrypt(got, unhex(t, v.iv))
			if !bytes.Equal(got, plain) {
				t.Errorf("%s: decrypted to %x, want %x", v.enc, got, plain)
			}
		}
	}
}
