package message

import "fmt"

// A TransformType says what an algorithm is for (RFC 7296, section 3.3.2).
type TransformType uint8

const (
	Encryption TransformType = 1
	PRF        TransformType = 2
	Integrity  TransformType = 3
	Group      TransformType = 4
	ESN        TransformType = 5
)

// The IDs of transforms that say "none of it". Those of algorithms are in
// pluto/suite.
const (
	NoIntegrity uint16 = 0
	NoGroup     uint16 = 0
	NoESN       uint16 = 0
	WithESN     uint16 = 1
)

// String is the name of the type in IANA's registry, shortened.
func (t TransformType) String() string {
	switch t {
	case Encryption:
		return "ENCR"
	case PRF:
		return "PRF"
	case Integrity:
		return "INTEG"
	case Group:
		return "KE"
	case ESN:
		return "ESN"
	}
	return fmt.Sprintf("transform type %d", uint8(t))
}
