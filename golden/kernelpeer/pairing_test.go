package kernelpeer

import (
	"crypto/sha512"
	"fmt"
	"strings"
)

// A pairing is one connection between us, who are left, and the kernel.
type pairing struct {
	name      string
	esp, ah   string // algorithms as ipsec.conf has them; "" for none
	comp      bool
	transport bool
	outer     int    // IP version of the peers, 6 or else 4
	inner     int    // IP version inside a tunnel, 6 or else 4
	encap     bool   // ESP in UDP
	esn       bool   // extended sequence numbers
	window    int    // replay window on both sides; 0: each side's usual one
	pings     string // options of one more ping
	strange   bool   // the kernel has other keys than we
	spi       int    // of the SAs towards us; of ESP and AH towards the kernel one more
}

// Addresses of either side: of the link between the two, and of a network
// behind each, which its loopback link stands for.
var addresses = map[int]struct{ us, them, ourHost, theirHost, ourNet, theirNet string }{
	4: {"10.99.0.1", "10.99.0.2", "10.1.1.1", "10.1.2.1", "10.1.1.0/24", "10.1.2.0/24"},
	6: {"2001:db8:99::1", "2001:db8:99::2", "2001:db8:a::1", "2001:db8:b::1", "2001:db8:a::/64", "2001:db8:b::/64"},
}

func version(n int) int {
	if n == 6 {
		return 6
	}
	return 4
}

// ends returns the addresses that talk through the SAs.
func (p pairing) ends() (ours, theirs string) {
	if p.transport {
		a := addresses[version(p.outer)]
		return a.us, a.them
	}
	a := addresses[version(p.inner)]
	return a.ourHost, a.theirHost
}

// algorithm is what ip-xfrm(8) calls an algorithm.
type algorithm struct {
	words string
	bytes int // of key and salt
	icv   int // in bits; 0 where there is none to give
}

func (a algorithm) bits() string {
	if a.icv == 0 {
		return ""
	}
	return fmt.Sprintf(" %d", a.icv)
}

var ciphers = map[string]algorithm{
	"3des": {"enc cbc(des3_ede)", 24, 0}, "null": {"enc ecb(cipher_null)", 0, 0},
	"aes128": {"enc cbc(aes)", 16, 0}, "aes192": {"enc cbc(aes)", 24, 0}, "aes256": {"enc cbc(aes)", 32, 0},
	"aes128ctr": {"enc rfc3686(ctr(aes))", 20, 0}, "aes256ctr": {"enc rfc3686(ctr(aes))", 36, 0},
	"aes128gcm16": {"aead rfc4106(gcm(aes))", 20, 128}, "aes128gcm12": {"aead rfc4106(gcm(aes))", 20, 96},
	"aes128gcm8": {"aead rfc4106(gcm(aes))", 20, 64}, "aes192gcm16": {"aead rfc4106(gcm(aes))", 28, 128},
	"aes256gcm16": {"aead rfc4106(gcm(aes))", 36, 128},
	"aes128ccm16": {"aead rfc4309(ccm(aes))", 19, 128}, "aes128ccm12": {"aead rfc4309(ccm(aes))", 19, 96},
	"aes128ccm8": {"aead rfc4309(ccm(aes))", 19, 64}, "aes192ccm16": {"aead rfc4309(ccm(aes))", 27, 128},
	"aes256ccm16":      {"aead rfc4309(ccm(aes))", 35, 128},
	"chacha20poly1305": {"aead rfc7539esp(chacha20,poly1305)", 36, 128},
}

var authentications = map[string]algorithm{
	"md5": {"auth-trunc hmac(md5)", 16, 96}, "sha1": {"auth-trunc hmac(sha1)", 20, 96},
	"sha2_256": {"auth-trunc hmac(sha256)", 32, 128}, "sha2_256_96": {"auth hmac(sha256)", 32, 0}, // what that kernel makes of it by itself
	"aes_xcbc": {"auth-trunc xcbc(aes)", 16, 96}, "aes_cmac": {"auth-trunc cmac(aes)", 16, 96},
	"sha2_384": {"auth-trunc hmac(sha384)", 48, 192}, "sha2_512": {"auth-trunc hmac(sha512)", 64, 256},
}

// espAlgorithms takes p.esp apart.
func (p pairing) espAlgorithms() (cipher, auth string) {
	cipher, auth, _ = strings.Cut(p.esp, "-")
	return cipher, auth
}

// key returns a key that protects nothing: anyone can make it.
func key(bytes int, of ...any) string {
	if bytes == 0 {
		return ""
	}
	seed := sha512.Sum512([]byte(fmt.Sprint(of...)))
	return fmt.Sprintf("0x%x", seed[:bytes])
}

// A flow of keys is towards one side: "left" is us.
func (p pairing) keys(towards string) (enc, auth, ah string) {
	cipher, espAuth := p.espAlgorithms()
	return key(ciphers[cipher].bytes, p.name, towards, "enc"), key(authentications[espAuth].bytes, p.name, towards, "auth"),
		key(authentications[p.ah].bytes, p.name, towards, "ah")
}

// conf returns ipsec.conf with the connection; more is for config setup.
func (p pairing) conf(more string) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "\t%s=%s\n", name, value)
		}
	}
	outer, inner := addresses[version(p.outer)], addresses[version(p.inner)]
	fmt.Fprintf(&b, "version 2.0\n\nconfig setup\n\tinterfaces=\"ipsec0=%s\"\n\tpluto=no\n%s\nconn peer\n", tap, more)
	line("left", outer.us)
	line("right", outer.them)
	if p.transport {
		line("type", "transport")
	} else {
		line("leftsubnet", inner.ourNet)
		line("leftsourceip", inner.ourHost)
		line("rightsubnet", inner.theirNet)
	}
	line("spi", fmt.Sprintf("0x%x", p.spi)) // of IPIP and IPCOMP
	line("esp", p.esp)
	line("ah", p.ah)
	if p.esp != "" {
		line("rightespspi", fmt.Sprintf("0x%x", p.spi+1))
	}
	if p.ah != "" {
		line("rightahspi", fmt.Sprintf("0x%x", p.spi+1))
	}
	for _, side := range []string{"left", "right"} {
		enc, auth, ah := p.keys(side)
		line(side+"espenckey", enc)
		line(side+"espauthkey", auth)
		line(side+"ahkey", ah)
	}
	if p.comp {
		line("compress", "yes")
	}
	if p.encap {
		line("forceencaps", "yes")
	}
	if p.window != 0 {
		if p.esp != "" {
			line("espreplay_window", fmt.Sprint(p.window))
		}
		if p.ah != "" {
			line("ahreplay_window", fmt.Sprint(p.window))
		}
	}
	if p.esn {
		line("auto", "ignore") // spi has an option for it, ipsec.conf no keyword
	} else {
		line("auto", "manual")
	}
	return b.String()
}

// protocols returns the protocols of the SAs, innermost first.
func (p pairing) protocols() []string {
	var list []string
	if p.comp {
		list = append(list, "comp")
	}
	if p.esp != "" {
		list = append(list, "esp")
	}
	if p.ah != "" {
		list = append(list, "ah")
	}
	return list
}

// xfrm returns the same connection as the kernel has it, for ip -batch.
func (p pairing) xfrm() string {
	var b strings.Builder
	a := addresses[version(p.outer)]
	for _, dir := range []string{"out", "in"} {
		src, dst, towards := a.them, a.us, "left"
		if dir == "in" {
			src, dst, towards = a.us, a.them, "right"
		}
		ours, theirs := p.selectors()
		policy := fmt.Sprintf("xfrm policy add src %s dst %s dir %s", theirs, ours, dir)
		if dir == "in" {
			policy = fmt.Sprintf("xfrm policy add src %s dst %s dir %s", ours, theirs, dir)
		}
		for i, proto := range p.protocols() {
			spi := p.spi
			if dir == "in" && proto != "comp" {
				spi++
			}
			mode := "transport"
			if i == 0 && !p.transport {
				mode = "tunnel"
			}
			fmt.Fprintf(&b, "xfrm state add src %s dst %s proto %s spi 0x%x reqid %d mode %s%s\n", src, dst, proto, spi, i+1, mode, p.state(proto, towards))
			policy += fmt.Sprintf(" tmpl src %s dst %s proto %s reqid %d mode %s", src, dst, proto, i+1, mode)
			if proto == "comp" && dir == "in" {
				policy += " level use" // what does not shrink goes without
			}
		}
		fmt.Fprintln(&b, policy)
	}
	return b.String()
}

func (p pairing) selectors() (ours, theirs string) {
	if p.transport {
		return p.ends()
	}
	a := addresses[version(p.inner)]
	return a.ourNet, a.theirNet
}

// state returns the options of one of the kernel's states.
func (p pairing) state(proto, towards string) string {
	if proto == "comp" {
		return " flag af-unspec comp deflate"
	}
	var b strings.Builder
	window := 32
	if p.esn {
		window = 128
	}
	if p.window != 0 {
		window = p.window
	}
	fmt.Fprintf(&b, " replay-window %d flag af-unspec", window)
	if p.esn {
		b.WriteString(" flag esn")
	}
	if p.strange {
		p.name = "strange"
	}
	enc, espAuth, ahKey := p.keys(towards)
	auth := func(name, key string) {
		if a, ok := authentications[name]; ok {
			fmt.Fprintf(&b, " %s %s%s", a.words, key, a.bits())
		}
	}
	if proto == "ah" {
		if version(p.outer) == 4 {
			// RFC 4302, section 3.3.3.2.1, has the ICV end at 32 bits in
			// IPv4; without this flag the kernel makes that 64.
			b.WriteString(" flag align4")
		}
		auth(p.ah, ahKey)
		return b.String()
	}
	cipher, espAuthName := p.espAlgorithms()
	if enc == "" {
		enc = `""`
	}
	fmt.Fprintf(&b, " %s %s%s", ciphers[cipher].words, enc, ciphers[cipher].bits())
	auth(espAuthName, espAuth)
	if p.encap {
		b.WriteString(" encap espinudp 4500 4500 ")
		b.WriteString(map[int]string{4: "0.0.0.0", 6: "::"}[version(p.outer)])
	}
	return b.String()
}
