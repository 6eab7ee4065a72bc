package cmdline

import (
	"strings"
	"sync"

	"ipsec/pluto"
)

// scope says what an option is about.
type scope uint8

const (
	ofRequest scope = iota
	ofConn
	ofEnd // before --to the one, behind it the other
)

// behind is the place of the options of the end behind --to.
const behind = "--to "

// option is a word that a command line may hold.
type option struct {
	name    string
	want    string // the value that it takes, for messages; "" for none
	scope   scope
	repeats bool
	set     func(*parser, string) error
	help    string
}

// options returns all options by their names.
var options = sync.OnceValue(func() map[string]option {
	m := make(map[string]option)
	for _, list := range [][]option{requestOptions(), debugOptions(), listOptions(), connOptions(), authOptions(), endOptions()} {
		for _, o := range list {
			m[o.name] = o
		}
	}
	return m
})

// Option describes an option for help and completion.
type Option struct {
	Name  string // --name
	Value string // "" for none
	Help  string
}

// Options returns all options, by subject.
func Options() []Option {
	var all []Option
	for _, list := range [][]option{requestOptions(), listOptions(), debugOptions(), connOptions(), authOptions(), endOptions()} {
		for _, o := range list {
			all = append(all, Option{o.name, o.want, o.help})
		}
	}
	return all
}

// flag makes an option without a value.
func flag(name string, s scope, help string, set func(*parser)) option {
	return option{name: name, scope: s, help: help, set: func(p *parser, _ string) error {
		set(p)
		return nil
	}}
}

// requestOptions are those that say what to do.
func requestOptions() []option {
	const s = ofRequest
	return []option{
		{name: "--name", want: "the name of a connection", scope: s, help: "the connection that all else is about",
			set: func(p *parser, v string) error { return setName(&p.request.Name, v) }},
		flag("--listen", s, "listen for peers, on the addresses of now", func(p *parser) { p.request.Listen = true }),
		flag("--unlisten", s, "stop listening", func(p *parser) { p.request.Unlisten = true }),
		flag("--route", s, "route the connection, so that its packets bring it up", func(p *parser) { p.request.Route = true }),
		flag("--unroute", s, "take its route back", func(p *parser) { p.request.Unroute = true }),
		flag("--initiate", s, "bring it up, and wait for that", func(p *parser) { p.request.Initiate = true }),
		flag("--terminate", s, "take it down", func(p *parser) { p.request.Terminate = true }),
		flag("--asynchronous", s, "do not wait", func(p *parser) { p.request.Asynchronous = true }),
		flag("--delete", s, "forget the connection", func(p *parser) { p.request.Delete = true }),
		{name: "--deletestate", want: "the number of a state, from 1 on", scope: s, help: "delete a state",
			set: func(p *parser, v string) error { return setNumber(&p.request.DeleteState, v, 1, 1<<31-1) }},
		flag("--status", s, "report on everything, or on the connection", func(p *parser) { p.request.Status = true }),
		flag("--trafficstatus", s, "report the traffic of connections that are up", func(p *parser) { p.request.Traffic = true }),
		flag("--loaded", s, "list what is loaded, as JSON, a connection a line", func(p *parser) { p.request.Loaded = true }),
		{name: "--format", want: "text or json", scope: s, help: "the form of --status", set: func(p *parser, v string) error {
			if v != "text" && v != "json" {
				return errValue
			}
			p.json = v
			return nil
		}},
		flag("--shutdown", s, "end Pluto", func(p *parser) { p.request.Shutdown = true }),
		{name: "--keyid", want: "the identity that a public key belongs to", scope: s, help: "set the public key of a peer",
			set: func(p *parser, v string) error {
				if _, err := parseID(v); err != nil {
					return err
				}
				p.key.ID, p.keyed = v, true
				return nil
			}},
		flag("--addkey", s, "keep the keys that it has beside it", func(p *parser) { p.key.Add, p.keyed = true, true }),
	}
}

// listOptions say what to read again, and what to list.
func listOptions() []option {
	reread := func(name, help string, what Reread) option {
		return flag(name, ofRequest, help, func(p *parser) { p.request.Reread |= what })
	}
	list := func(name, help string, what List) option {
		return flag(name, ofRequest, help, func(p *parser) { p.request.List |= what })
	}
	return []option{
		reread("--rereadsecrets", "read ipsec.secrets again", RereadSecrets),
		reread("--rereadcacerts", "read certificates of authorities again", RereadCACerts),
		reread("--rereadaacerts", "read certificates of attribute authorities again", RereadAACerts),
		reread("--rereadocspcerts", "read certificates of OCSP servers again", RereadOCSPCerts),
		reread("--rereadacerts", "read attribute certificates again", RereadACerts),
		reread("--rereadcrls", "read revocation lists again", RereadCRLs),
		reread("--rereadall", "read all of these again", RereadAll),
		list("--listpubkeys", "list public keys", ListPublicKeys),
		list("--listcerts", "list certificates of ends", ListCerts),
		list("--listcacerts", "list certificates of authorities", ListCACerts),
		list("--listacerts", "list attribute certificates", ListACerts),
		list("--listaacerts", "list certificates of attribute authorities", ListAACerts),
		list("--listocspcerts", "list certificates of OCSP servers", ListOCSPCerts),
		list("--listgroups", "list groups", ListGroups),
		list("--listcrls", "list revocation lists", ListCRLs),
		list("--listocsp", "list answers of OCSP servers", ListOCSP),
		list("--listpsks", "list the identities that have shared secrets", ListPSKs),
		list("--listall", "list all of these", ListAll),
	}
}

// DebugWords are the words of --debug-WORD, as plutodebug= has them.
func DebugWords() []string {
	return strings.Fields("none all raw crypt parsing emitting control lifecycle klips kernel netkey dns oppo oppoinfo controlmore private" +
		" x509 dpd pfkey natt base tmi cpu-usage refcnt route" +
		" impair-delay-adns-key-answer impair-delay-adns-txt-answer impair-bust-mi2 impair-bust-mr2")
}

func debugOptions() []option {
	var list []option
	for _, word := range DebugWords() {
		o := flag("--debug-"+word, ofRequest, "say more in the log", func(p *parser) { p.request.Debug = append(p.request.Debug, word) })
		if word == "none" {
			o.help = "say no more in the log than usual"
		}
		list = append(list, o)
	}
	return list
}

// authOptions are the ways to prove who one is, the first being the one that
// we use.
func authOptions() []option {
	var list []option
	for _, m := range []struct {
		method pluto.AuthMethod
		help   string
	}{
		{pluto.AuthPSK, "by a shared secret"},
		{pluto.AuthRSA, "by RSA"},
		{"rsa-sha1", "by RSA with SHA-1"},
		{"rsa-sha2", "by RSA with SHA-2"},
		{"rsa-sha2_256", "by RSA with SHA-2 256"}, {"rsa-sha2_384", "by RSA with SHA-2 384"}, {"rsa-sha2_512", "by RSA with SHA-2 512"},
		{pluto.AuthECDSA, "by ECDSA"},
		{"ecdsa-sha1", "by ECDSA with SHA-1"},
		{"ecdsa-sha2_256", "by ECDSA with SHA-2 256"}, {"ecdsa-sha2_384", "by ECDSA with SHA-2 384"}, {"ecdsa-sha2_512", "by ECDSA with SHA-2 512"},
		{pluto.AuthEdDSA, "by EdDSA"}, {"ed25519", "by Ed25519"},
		{pluto.AuthNull, "by nothing"}, {pluto.AuthNever, "never: for --pass, --drop and --reject"},
		{"xauthpsk", "by a shared secret and XAUTH"}, {"xauthrsasig", "by RSA and XAUTH"}, {"eap", "by EAP"},
	} {
		list = append(list, flag(authOption(m.method), ofConn, "authenticate "+m.help, func(p *parser) {
			p.conn.AuthBy = append(p.conn.AuthBy, m.method)
		}))
	}
	return list
}

// authOption returns the option of a method.
func authOption(m pluto.AuthMethod) string {
	switch m {
	case pluto.AuthPSK:
		return "--psk"
	case pluto.AuthNever, pluto.AuthNull:
		return "--auth" + string(m)
	}
	return "--" + string(m)
}
