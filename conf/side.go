package conf

import "ipsec/conf/keyword"

// Side is one of the two ends of a connection.
type Side = keyword.Side

// The sides. The zero value is neither.
const (
	Left  = keyword.Left
	Right = keyword.Right
)

// End returns the end of the connection on that side.
func (c *Conn) End(s Side) *End {
	if s == Right {
		return &c.Right
	}
	return &c.Left
}
