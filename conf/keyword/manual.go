package keyword

// manualKeywords stand in a conn with manual keying.
func manualKeywords() []Keyword {
	const s = SectionConn
	return []Keyword{
		{Name: "spi", Section: s, Type: TypeSPI, Dialects: Openswan, Ruling: acts,
			Help: "the SPI of all SAs of the connection"},
		{Name: "spibase", Section: s, Type: TypeSPI, Dialects: Openswan, Ruling: acts,
			Help: "the first of 16 SPIs for its SAs; its last digit is 0"},
		secretKeyword(s, "espenckey", "key of ESP's cipher, both ways; for an AEAD or CTR followed by the salt"),
		secretKeyword(s, "espauthkey", "key of ESP's authentication, both ways"),
		{Name: "espreplay_window", Section: s, Type: TypeInt, Default: "", Dialects: Openswan, Ruling: acts,
			Help: "how many packets ESP's replay window covers; 0: no check"},
		secretKeyword(s, "ahkey", "key of AH, both ways"),
		{Name: "ahreplay_window", Section: s, Type: TypeInt, Dialects: Openswan, Ruling: acts,
			Help: "how many packets AH's replay window covers; 0: no check"},
	}
}

// secretKeyword is the row of a keyword that holds a key.
func secretKeyword(s Section, name, help string) Keyword {
	return Keyword{Name: name, Section: s, Type: TypeSecret, Dialects: Openswan, Ruling: acts, Help: help}
}
