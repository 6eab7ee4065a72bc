package options

import (
	"strings"

	"ipsec/conf/hostname"
	"ipsec/klips/said"
)

// SAID reads a SAID, whose address may be the name of a host.
func (r Resolver) SAID(option, text string) (said.SAID, error) {
	head, host, ok := strings.Cut(text, "@")
	if ok && hostname.Valid(host) {
		f := Family("")
		switch {
		case strings.Contains(head, "."):
			f = "inet"
		case strings.Contains(head, ":"):
			f = "inet6"
		}
		addr, err := r.Addr(option, host, f)
		if err != nil {
			return said.SAID{}, err
		}
		text = head + "@" + addr.String()
	}
	id, err := said.Parse(text)
	if err != nil {
		return said.SAID{}, Malformed(err.Error())
	}
	return id, nil
}

// Parts reads a SAID that is written in parts: --af, --edst, --spi and --proto.
func (r Resolver) Parts(f Family, edst, spi, proto string) (said.SAID, error) {
	dst, err := r.Addr("--edst", edst, f)
	if err != nil {
		return said.SAID{}, err
	}
	n, ok := number(spi, 32)
	if !ok {
		return said.SAID{}, malformed("--spi=%s: expected a number of 32 bits, like 0x200", spi)
	}
	for _, p := range []said.Proto{said.AH, said.ESP, said.COMP, said.IPIP, said.INT} {
		if p.String() == proto {
			return said.SAID{Dst: dst, SPI: uint32(n), Proto: p}, nil
		}
	}
	return said.SAID{}, malformed("--proto=%s: expected ah, esp, comp or tun", proto)
}

// SAIDs reads SAIDs, a word each, or, unless they have to be such, four words for
// each SA: family, address, SPI and protocol.
func (r Resolver) SAIDs(words []string, each bool) ([]said.SAID, error) {
	var ids []said.SAID
	if f := Family(words[0]); each || f != "inet" && f != "inet6" {
		for _, text := range words {
			id, err := r.SAID("SA", text)
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		return ids, nil
	}
	for rest := words; len(rest) > 0; rest = rest[4:] {
		if len(rest) < 4 {
			return nil, malformed("expected four words for each SA (family, address, SPI, protocol), found %d after the last whole one", len(rest))
		}
		if err := Family(rest[0]).Check("SA"); err != nil {
			return nil, err
		}
		id, err := r.Parts(Family(rest[0]), rest[1], rest[2], rest[3])
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Named reads an SA that is named in one word, --said, or in parts.
func (r Resolver) Named(word string, af Family, edst, spi, proto string) (said.SAID, error) {
	if err := af.Check("--af"); err != nil {
		return said.SAID{}, err
	}
	if word != "" {
		if af != "" || edst != "" || spi != "" || proto != "" {
			return said.SAID{}, Malformed("--said names the SA alone: leave out --af, --edst, --spi and --proto")
		}
		return r.SAID("--said", word)
	}
	if edst == "" || spi == "" || proto == "" {
		return said.SAID{}, Malformed("expected --said SAID, or --af, --edst, --spi and --proto together, to name the SA")
	}
	return r.Parts(af, edst, spi, proto)
}
