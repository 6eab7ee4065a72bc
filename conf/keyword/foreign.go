package keyword

import "strings"

// group is keywords that have all in common but their names. They are read for the sake of
// files of other programs, and no field of a configuration is theirs.
type group struct {
	dialect Dialect
	form    ValueType
	ruling  Ruling
	// usual is the value that says what is done here in any case; "" where none does.
	usual string
	names string // those of one keyword with | between them
	cases []Case
	bound bool // it concerns packets, so that manual keying needs it too
}

func foreign(s Section, groups ...group) []Keyword {
	var list []Keyword
	for _, g := range groups {
		for _, one := range strings.Fields(g.names) {
			names := strings.Split(one, "|")
			list = append(list, Keyword{Name: names[0], Synonyms: names[1:], Section: s, Type: g.form, Default: g.usual, Dialects: g.dialect,
				Help: "read for the sake of files of " + g.dialect.String(), Ruling: g.ruling, Cases: g.cases, Pluto: s != SectionSetup && !g.bound})
		}
	}
	return list
}

// What is said of several groups.
const (
	formOfLog  = "it is about the form of a log that is written elsewhere"
	notFetched = "nothing is fetched from the network: CRLs are read from ipsec.d/crls"
	noOCSP     = "no certificate is looked up by OCSP: CRLs are read from ipsec.d/crls"
	ownFiles   = "secrets, keys and certificates are read from ipsec.secrets and ipsec.d beside ipsec.conf"
	noRoutes   = "packets are not chosen by marks or routes: a conn is for all packets between its networks"
	noXAUTH    = "XAUTH and mode config, parts of IKEv1, are not spoken"
	noPool     = "no address is asked for or given out"
	noSecond   = "a peer proves itself once"
	noLeases   = "it goes with addresses that are given out, and a conn that asks for that is not loaded"
	noEAP      = "it goes with EAP, and a conn that asks for that is not loaded"
	noTCP      = "IKE is spoken over UDP alone"
	hideTOS    = "hidetos= of config setup says for all conns whether the TOS is copied"
	endsByTime = "an SA ends by its time alone, keylife="
	noRedirect = "no peer is sent to another gateway, and none sends us"
	noIPTFS    = "packets travel one by one"
)

func caKeywords() []Keyword {
	const s = SectionCA
	return foreign(s,
		group{dialect: StrongSwan, form: TypeString, ruling: harmless("CAs are read from ipsec.d/cacerts, whatever a section says"), names: `also auto`},
		group{dialect: StrongSwan, form: TypeString, ruling: differs("CAs are read from ipsec.d/cacerts"), names: `cacert`},
		group{dialect: StrongSwan, form: TypeString, ruling: differs(notFetched), names: `crluri|crluri1 crluri2`},
		group{dialect: StrongSwan, form: TypeString, ruling: differs(noOCSP), names: `ocspuri|ocspuri1 ocspuri2`},
		group{dialect: StrongSwan, form: TypeString, ruling: harmless(notFetched), names: `certuribase ldaphost ldapbase`},
	)
}
