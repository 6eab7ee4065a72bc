package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"ipsec/conf"
	"ipsec/exec/native"
	"ipsec/klips"
	"ipsec/klips/said"
)

// keys are the keys of an SA as they were written.
type keys struct {
	enc, auth, ah conf.Secret
	from          string // which words named them
}

// keys returns the keys from where the options say.
func (c *spiCmd) keys(e *env, from string, sa klips.SA) (keys, error) {
	switch from {
	case "--keys-of":
		return keysOf(e.Paths, c.KeysOf, sa)
	case "--keys-fd":
		return keysFrom(c.KeysFd)
	}
	k := keys{from: "the arguments", enc: conf.NewSecret(c.Enckey), auth: conf.NewSecret(c.Authkey)}
	if sa.ID.Proto == said.AH {
		k.auth, k.ah = k.ah, k.auth
	}
	return k, nil
}

// keysOf returns the keys of a connection for the side that the SA leads to.
func keysOf(paths conf.Paths, name string, sa klips.SA) (keys, error) {
	config, err := conf.LoadFor(paths, name)
	if err != nil {
		return keys{}, err
	}
	conn := config.Conn(name)
	if conn == nil {
		return keys{}, unknownConn(config, name)
	}
	side, err := native.Towards(conn, sa.ID.Dst, sa.Src)
	if err != nil {
		return keys{}, err
	}
	k := keys{from: "conn " + name}
	k.enc, k.auth, k.ah = conn.Keys(side)
	return k, nil
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

// set sets the algorithms and keys of an SA. A key too many is an error: who
// gives one means it to protect something.
func (k keys) set(sa *klips.SA, algorithm string) error {
	err := native.SetKeys(sa, algorithm, k.enc, k.auth, k.ah)
	switch {
	case err != nil:
	case k.enc.IsSet() && sa.EncKey == nil:
		err = errors.New("there is an espenckey, and the algorithm takes none")
	case (k.auth.IsSet() || k.ah.IsSet()) && sa.AuthKey == nil:
		err = errors.New("there is a key for authentication, and the algorithm takes none")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", k.from, err)
	}
	return nil
}
