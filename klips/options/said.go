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
