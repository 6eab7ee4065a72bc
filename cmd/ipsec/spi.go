package main

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"ipsec/conf"
	"ipsec/conf/manualkey"
	"ipsec/conf/secret"
	"ipsec/exec/keys"
	"ipsec/klips"
	"ipsec/klips/options"
	"ipsec/klips/proc"
	"ipsec/klips/said"
	"ipsec/plan"
)

// spiCmd is ipsec spi, ipsec_spi(8). --keys-of, --keys-fd, --encap and --esn
// are our own.
type spiCmd struct {
	saidFlags `embed:""`

	Src string `placeholder:"ADDR" help:"Where the SA is sent from; with --ip4 and --ip6 the outer source."`
	Dst string `placeholder:"ADDR" help:"With --ip4 and --ip6: the outer destination."`

	Esp  string `placeholder:"ALG" help:"Set an ESP SA, like 3des-md5-96, aes128-sha1 or aes128gcm16."`
	Ah   string `placeholder:"ALG" help:"Set an AH SA, like hmac-md5-96 or hmac-sha1-96."`
	Comp string `placeholder:"ALG" help:"Set an IPCOMP SA: deflate." complete:"deflate"`
	IP4  bool   `name:"ip4" help:"Set an IPv4 tunnel."`
	IP6  bool   `name:"ip6" help:"Set an IPv6 tunnel."`

	Enckey  string `placeholder:"KEY" help:"The key of the cipher. Every user can read it here: prefer --keys-of or --keys-fd."`
	Authkey string `placeholder:"KEY" help:"The key of the authentication. The same holds."`
	KeysOf  string `placeholder:"CONN" help:"Take the keys of a connection of ipsec.conf, for the side that the SA leads to." complete:"conn"`
	KeysFd  int    `placeholder:"FD" default:"-1" help:"Take the keys from an open file: lines espenckey=KEY, espauthkey=KEY or ahkey=KEY."`

	ReplayWindow int    `name:"replay_window" aliases:"replay-window" placeholder:"N" default:"-1" help:"How many sequence numbers are remembered against replay: 32 to 4096; none by default."`
	Esn          bool   `help:"Extended sequence numbers, RFC 4304."`
	Encap        string `placeholder:"SPORT:DPORT" help:"ESP in UDP, RFC 3948, like 4500:4500."`
	Life         string `placeholder:"LIST" help:"Lifetimes, like soft-bytes=1000000,hard-addtime=3600."`

	Del   bool `help:"Delete the SA."`
	Clear bool `help:"Delete all SAs."`
}

// Run does what the options ask for; without any it prints the table.
func (c *spiCmd) Run(e *env) error { return runTool(e, c) }

func (c *spiCmd) request(e *env, r options.Resolver) (request, error) {
	what, err := one(form{"--esp", c.Esp != ""}, form{"--ah", c.Ah != ""}, form{"--comp", c.Comp != ""},
		form{"--ip4", c.IP4}, form{"--ip6", c.IP6}, form{"--del", c.Del}, form{"--clear", c.Clear})
	if err != nil {
		return request{}, err
	}
	if err := c.checkOptions(what); err != nil {
		return request{}, err
	}
	switch what {
	case "":
		return listing(klips.Table.ListSAs, printSPI), nil
	case "--clear":
		return request{op: plan.ClearSAs{}}, nil
	}
	id, err := c.saidFlags.read(r)
	if err != nil {
		return request{}, err
	}
	if what == "--del" {
		return request{op: plan.DelSA{SAID: id}}, nil
	}
	return c.set(e, r, what, id)
}

// printSPI prints the table, with ages as of now.
func printSPI(w io.Writer, sas []klips.SA) error { return proc.SPI(w, sas, time.Now()) }

// checkOptions refuses what does not go with the form.
func (c *spiCmd) checkOptions(what string) error {
	sa := form{"an SA", c.given() || c.Af != ""}
	src, dst := form{"--src", c.Src != ""}, form{"--dst", c.Dst != ""}
	rest := []form{{"--enckey", c.Enckey != ""}, {"--authkey", c.Authkey != ""}, {"--keys-of", c.KeysOf != ""}, {"--keys-fd", c.KeysFd >= 0},
		{"--replay_window", c.ReplayWindow >= 0}, {"--esn", c.Esn}, {"--encap", c.Encap != ""}}
	life := form{"--life", c.Life != ""}
	switch what {
	case "":
		if err := refuse("the list", append(rest, sa, src, dst, life)...); err != nil {
			return usageError("expected --esp, --ah, --comp, --ip4, --ip6, --del or --clear")
		}
		return nil
	case "--clear":
		return refuse(what, append(rest, sa, src, dst, life)...)
	case "--del": // old scripts give the source of what they delete
		return refuse(what, append(rest, dst, life)...)
	case "--comp":
		return refuse(what, append(rest, dst)...)
	case "--ip4", "--ip6":
		return refuse(what, rest...)
	case "--ah":
		return refuse(what, dst, form{"--enckey", c.Enckey != ""}, form{"--encap", c.Encap != ""})
	}
	return refuse(what, dst)
}

// set returns the request that sets an SA.
func (c *spiCmd) set(e *env, r options.Resolver, what string, id said.SAID) (request, error) {
	want := map[string]said.Proto{"--esp": said.ESP, "--ah": said.AH, "--comp": said.COMP, "--ip4": said.IPIP, "--ip6": said.IPIP}[what]
	if id.Proto != want {
		return request{}, usageError(fmt.Sprintf("%s sets an SA of protocol %s, and %s is one of %s", what, want, id, id.Proto))
	}
	if id.SPI < 0x100 {
		return request{}, usageError(fmt.Sprintf("the SPI of %s is below 0x100, and those are reserved", id))
	}
	src, err := c.source(r, what, id)
	if err != nil {
		return request{}, err
	}
	soft, hard, err := options.Lifetimes(c.Life)
	if err != nil {
		return request{}, err
	}
	sa := klips.SA{ID: id, Src: src, Soft: soft, Hard: hard, ESN: c.Esn}
	switch what {
	case "--comp":
		if c.Comp != "deflate" {
			return request{}, usageError(fmt.Sprintf("--comp=%s: expected deflate", c.Comp))
		}
		if c.Life == "" && src.IsValid() {
			return request{op: plan.AddComp{SAID: id, Src: src}}, nil
		}
		sa.Comp = c.Comp
		return add(sa), nil
	case "--ip4", "--ip6":
		if err := need(what, "--dst", c.Dst); err != nil {
			return request{}, err
		}
		dst, err := r.Addr("--dst", c.Dst, options.FamilyOf(src))
		if err != nil {
			return request{}, err
		}
		if c.Life == "" {
			return request{op: plan.AddTunnel{SAID: id, Src: src, Dst: dst}}, nil
		}
		sa.TunnelSrc, sa.TunnelDst = src, dst
		return add(sa), nil
	}
	return c.keyed(e, what, sa)
}

func add(sa klips.SA) request {
	return request{call: func(table klips.Table) error { return table.AddSA(sa) }}
}

// source reads --src. A tunnel needs it; for the others it serves the inbound
// policy check, and may be left out.
func (c *spiCmd) source(r options.Resolver, what string, id said.SAID) (netip.Addr, error) {
	f := options.FamilyOf(id.Dst)
	switch what {
	case "--ip4", "--ip6":
		f = map[string]options.Family{"--ip4": "inet", "--ip6": "inet6"}[what]
		if err := need(what, "--src", c.Src); err != nil {
			return netip.Addr{}, err
		}
	}
	if c.Src == "" {
		return netip.Addr{}, nil
	}
	return r.Addr("--src", c.Src, f)
}

// keyed returns the request that sets an SA of ESP or AH.
func (c *spiCmd) keyed(e *env, what string, sa klips.SA) (request, error) {
	window, err := options.ReplayWindow(c.ReplayWindow)
	if err != nil {
		return request{}, err
	}
	if sa.Encap, err = options.Encap(c.Encap); err != nil {
		return request{}, err
	}
	if c.Esp != "" {
		_, _, _, err = manualkey.ParseESP(c.Esp)
	} else {
		_, err = manualkey.ParseAH(c.Ah)
	}
	if err != nil {
		return request{}, usageError(err.Error())
	}
	inArgv := form{"--enckey and --authkey", c.Enckey != "" || c.Authkey != ""}
	from, err := one(form{"--keys-of", c.KeysOf != ""}, form{"--keys-fd", c.KeysFd >= 0}, inArgv)
	if err != nil {
		return request{}, err
	}
	if from == "--keys-of" && c.Life == "" && !c.Esn && sa.Src.IsValid() {
		return request{op: plan.AddSA{SAID: sa.ID, Src: sa.Src, Algorithm: c.Esp + c.Ah, ReplayWindow: window,
			EncapSrc: sa.Encap.SrcPort, EncapDst: sa.Encap.DstPort, KeysOf: c.KeysOf}}, nil
	}
	k, where, err := c.keys(e, from, sa)
	if err != nil {
		return request{}, err
	}
	sa.ReplayWindow = window
	if err := k.SetAll(&sa, c.Esp+c.Ah); err != nil {
		return request{}, fmt.Errorf("%s: %w", where, err)
	}
	if inArgv.given {
		fmt.Fprintln(e.Stderr, "ipsec spi: warning: while this runs every user can read the keys in its arguments; --keys-of and --keys-fd keep them to yourself")
	}
	return add(sa), nil
}

// keys returns the keys from where the option from says, and which words name that.
func (c *spiCmd) keys(e *env, from string, sa klips.SA) (k keys.Keys, where string, err error) {
	switch from {
	case "--keys-of":
		k, err = keysOf(e.Paths, c.KeysOf, sa)
		return k, "conn " + c.KeysOf, err
	case "--keys-fd":
		return keysFrom(c.KeysFd)
	}
	k = keys.Keys{Enc: secret.New(c.Enckey), Auth: secret.New(c.Authkey)}
	if sa.ID.Proto == said.AH {
		k.Auth, k.AH = k.AH, k.Auth
	}
	return k, "the arguments", nil
}

// keysOf returns the keys of a connection for the side that the SA leads to.
func keysOf(paths conf.Paths, name string, sa klips.SA) (keys.Keys, error) {
	config, err := conf.LoadFor(paths, name)
	if err != nil {
		return keys.Keys{}, err
	}
	conn := config.Conn(name)
	if conn == nil {
		return keys.Keys{}, unknownConn(config, name)
	}
	return keys.Of(conn, sa.ID.Dst, sa.Src)
}

// keysFrom reads keys from an open file.
func keysFrom(fd int) (k keys.Keys, where string, err error) {
	file := os.NewFile(uintptr(fd), fmt.Sprintf("file descriptor %d", fd))
	if file == nil {
		return k, "", fmt.Errorf("--keys-fd=%d: there is no such open file", fd)
	}
	defer file.Close()
	if k, err = keys.Read(file); err != nil {
		return k, "", fmt.Errorf("failed to read keys from %s: %w", file.Name(), err)
	}
	return k, file.Name(), nil
}
