package rootonly

import (
	"context"
	"net"
)

// Dial connects to the socket of a network, unix or unixpacket, at a path. Where no
// server is, the error wraps ENOENT or ECONNREFUSED; where the path is too long,
// ENAMETOOLONG.
func Dial(ctx context.Context, network, path string) (*net.UnixConn, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, path)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}
