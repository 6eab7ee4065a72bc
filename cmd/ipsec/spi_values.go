package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"ipsec/conf"
	"ipsec/klips"
	"ipsec/klips/said"
)

// encap reads --encap, SPORT:DPORT.
func encap(text string) (klips.Encap, error) {
	if text == "" {
		return klips.Encap{}, nil
	}
	src, dst, _ := strings.Cut(text, ":")
	s, okSrc := number(src, 16)
	d, okDst := number(dst, 16)
	if !okSrc || !okDst || s == 0 || d == 0 {
		return klips.Encap{}, usageError(fmt.Sprintf("--encap=%s: expected two ports, like 4500:4500", text))
	}
	return klips.Encap{SrcPort: uint16(s), DstPort: uint16(d)}, nil
}

// lifetimes reads --life: (soft|hard)-(allocations|bytes|packets|addtime|usetime)=VALUE
// with commas between, times in seconds.
func lifetimes(text string) (soft, hard klips.Lifetime, err error) {
	if text == "" {
		return
	}
	for item := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(item, "=")
		severity, kind, _ := strings.Cut(name, "-")
		life := map[string]*klips.Lifetime{"soft": &soft, "hard": &hard}[severity]
		size := map[string]int{"allocations": 32, "bytes": 64, "packets": 64, "addtime": 32, "usetime": 32}[kind]
		if life == nil || size == 0 {
			return soft, hard, usageError(fmt.Sprintf("--life: %q: expected soft or hard, -, one of allocations, bytes, packets, addtime, usetime, = and a number", item))
		}
		n, perr := strconv.ParseUint(value, 10, size)
		if perr != nil {
			return soft, hard, usageError(fmt.Sprintf("--life: %q: expected a number of at most %d bits after the =", item, size))
		}
		switch kind {
		case "allocations":
			life.Allocations = uint32(n)
		case "bytes":
			life.Bytes = n
		case "packets":
			life.Packets = n
		case "addtime":
			life.AddTime = time.Duration(n) * time.Second
		case "usetime":
			life.UseTime = time.Duration(n) * time.Second
		}
	}
	return soft, hard, nil
}

// keys are the keys of an SA as they were written.
type keys struct {
	enc, auth, ah conf.Secret
	from          string // which words named them
}

// keys returns the keys from where the options say.
func (c *spiCmd) keys(e *env, from string, id said.SAID) (keys, error) {
	switch from {
	case "--keys-of":
		return keysOf(e.Paths, c.KeysOf, id)
	case "--keys-fd":
		return keysFrom(c.KeysFd)
	}
	k := keys{from: "the arguments", enc: conf.NewSecret(c.Enckey), auth: conf.NewSecret(c.Authkey)}
	if id.Proto == said.AH {
		k.auth, k.ah = k.ah, k.auth
	}
	return k, nil
}

// keysOf returns the keys of a connection for the side that the SA leads to.
func keysOf(paths conf.Paths, name string, id said.SAID) (keys, error) {
	config, err := conf.Load(paths)
	if err != nil {
		return keys{}, err
	}
	conn := config.Conn(name)
	if conn == nil {
		return keys{}, unknownConn(config, name)
	}
	k := keys{from: "conn " + name}
	for _, side := range []conf.Side{conf.Left, conf.Right} {
		if conn.End(side).Host.Addr == id.Dst {
			k.enc, k.auth, k.ah = conn.Keys(side)
			return k, nil
		}
	}
	return keys{}, fmt.Errorf("conn %q at %s leads to neither left=%s nor right=%s by %s", name, conn.Pos, conn.Left.Host.Addr, conn.Right.Host.Addr, id)
}

// maxKeyFile is the most that a file of keys may hold, in bytes.
const maxKeyFile = 64 << 10

// keysFrom reads keys from an open file.
func keysFrom(fd int) (keys, error) {
	file := os.NewFile(uintptr(fd), fmt.Sprintf("file descriptor %d", fd))
	if file == nil {
		return keys{}, fmt.Errorf("--keys-fd=%d: there is no such open file", fd)
	}
	defer file.Close()
	k, err := readKeys(file)
	if err != nil {
		return keys{}, fmt.Errorf("failed to read keys from %s: %w", file.Name(), err)
	}
	k.from = file.Name()
	return k, nil
}

// readKeys reads lines KEYWORD=KEY, with the keywords of ipsec.conf. No error
// shows what a line holds.
func readKeys(r io.Reader) (keys, error) {
	var k keys
	fields := map[string]*conf.Secret{"espenckey": &k.enc, "espauthkey": &k.auth, "ahkey": &k.ah}
	rows := bufio.NewScanner(io.LimitReader(r, maxKeyFile))
	for n := 1; rows.Scan(); n++ {
		text := strings.TrimSpace(rows.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		field := fields[strings.TrimSpace(name)]
		switch {
		case !ok || field == nil:
			return keys{}, fmt.Errorf("line %d: expected espenckey=KEY, espauthkey=KEY or ahkey=KEY", n)
		case field.IsSet():
			return keys{}, fmt.Errorf("line %d: %s for the second time", n, strings.TrimSpace(name))
		}
		*field = conf.NewSecret(strings.TrimSpace(value))
	}
	return k, rows.Err()
}

// decode returns the keys of an SA in bytes, after a look at their lengths.
func (k keys) decode(sa klips.SA, esp string) (enc, auth []byte, err error) {
	authSecret, authName := k.auth, "espauthkey"
	if sa.ID.Proto == said.AH {
		authSecret, authName = k.ah, "ahkey"
	}
	decode := func(s conf.Secret, name string, needed bool) ([]byte, error) {
		switch {
		case !needed && !s.IsSet():
			return nil, nil
		case !needed:
			return nil, fmt.Errorf("%s has %s, and the algorithm takes none", k.from, name)
		case !s.IsSet():
			return nil, fmt.Errorf("%s has no %s, and the algorithm needs one", k.from, name)
		}
		key, err := conf.DecodeKey(s)
		if err != nil {
			return nil, fmt.Errorf("malformed %s in %s: %w", name, k.from, err)
		}
		return key, nil
	}
	if enc, err = decode(k.enc, "espenckey", sa.Enc != "" && sa.Enc != "null"); err != nil {
		return nil, nil, err
	}
	if auth, err = decode(authSecret, authName, sa.Auth != ""); err != nil {
		return nil, nil, err
	}
	bits := 0
	if esp != "" {
		_, _, bits, _ = conf.ParseESP(esp)
	}
	sa.EncKey, sa.AuthKey = enc, auth
	if err := checkKeys(sa, bits); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", k.from, err)
	}
	return enc, auth, nil
}
