// Package loaded asks Pluto which connections it has, for the questions that need them: diff and status.
package loaded

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"ipsec/klips/route"
	"ipsec/pluto/whack"
	"ipsec/pluto/whack/status"
)

// maxAnswer bounds what Pluto may say, in bytes: more than a host has connections for.
const maxAnswer = 1 << 28

// answer takes what Pluto says.
type answer struct{ bytes.Buffer }

// Write takes a line.
func (a *answer) Write(line []byte) (int, error) {
	if a.Len()+len(line) > maxAnswer {
		return 0, errors.New("the answer of Pluto does not end")
	}
	return a.Buffer.Write(line)
}

// answerTime is how long Pluto may take: one that hangs must not keep what ran before from coming back.
const answerTime = 10 * time.Second

// Ask is like 'ipsec whack --loaded', at the control socket at path: for the superuser.
func Ask(path string) ([]status.LoadedDoc, error) {
	var out answer
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	code, err := whack.Do(ctx, path, []string{"--loaded"}, &out)
	switch {
	case err != nil:
		return nil, err
	case code != 0:
		return nil, fmt.Errorf("the answer of Pluto has the status %d", code)
	}
	var list []status.LoadedDoc
	for d := json.NewDecoder(&out); ; {
		var c status.LoadedDoc
		if err := d.Decode(&c); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("malformed answer of Pluto: %w", err)
		}
		list = append(list, c)
	}
}

// Leads reports whether packets to dst, a network of one of peers or a part of one, may be of their connection.
func Leads(peers []string, dst netip.Prefix) bool {
	return slices.ContainsFunc(peers, func(peer string) bool {
		if net, err := netip.ParsePrefix(peer); err == nil {
			return route.Covers(net, dst)
		}
		host, err := netip.ParseAddr(peer)
		return err == nil && dst == netip.PrefixFrom(host, host.BitLen())
	})
}
