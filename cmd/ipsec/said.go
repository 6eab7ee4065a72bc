package main

import (
	"ipsec/klips/options"
	"ipsec/klips/said"
)

// saidFlags name an SA in either way of the man pages: as one text, or in parts.
type saidFlags struct {
	Said  string         `placeholder:"SAID" help:"The SA, like esp0x200@192.0.2.1 or tun.201@192.0.2.1."`
	Af    options.Family `placeholder:"inet|inet6" help:"In place of --said: the address family of the SA."`
	Edst  string         `placeholder:"ADDR" help:"… its effective destination,"`
	Spi   string         `placeholder:"SPI" help:"… its security parameters index, like 0x200,"`
	Proto string         `placeholder:"PROTO" help:"… and its protocol: ah, esp, comp or tun."`
}

func (s saidFlags) given() bool { return s.Said != "" || s.Edst != "" || s.Spi != "" || s.Proto != "" }

// read returns the SAID that the flags name.
func (s saidFlags) read(r options.Resolver) (said.SAID, error) {
	return r.Named(s.Said, s.Af, s.Edst, s.Spi, s.Proto)
}
