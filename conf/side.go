package conf

// Side is one of the two ends of a connection.
type Side uint8

// The sides. The zero value is neither.
const (
	Left Side = iota + 1
	Right
)

// String returns "left" or "right".
func (s Side) String() string { return [...]string{"", "left", "right"}[s] }

// Other returns the other side.
func (s Side) Other() Side {
	if s == 0 {
		return 0
	}
	return Left + Right - s
}

// End returns the end of the connection on that side.
func (c *Conn) End(s Side) *End {
	if s == Right {
		return &c.Right
	}
	return &c.Left
}
