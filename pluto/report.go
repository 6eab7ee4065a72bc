package pluto

// The numbers that whack(8) prints before each line, and by the last of which
// it exits: see package whack. FreeS/WAN and its children use the same,
// which scripts know.
const (
	RCRaw            = -1 // the line is printed without a number, as JSON is
	RCComment        = 0
	RCWhackProblem   = 1 // the command line, or the way to Pluto
	RCLog            = 2 // for information
	RCLogSerious     = 3 // the same, of something that is wrong
	RCSuccess        = 4
	RCRetransmission = 10
	RCDuplicateName  = 20
	RCUnknownName    = 21
	RCOrient         = 22 // neither or both ends are this host
	RCClash          = 23
	RCDeaf           = 24 // Pluto does not listen: whack --listen
	RCRoute          = 25 // a route is in the way, or cannot be set
	RCRouteBusy      = 26
	RCBadID          = 27
	RCNoKey          = 28
	RCNoPeer         = 29 // when a peer is %any, nobody can be called
	RCInitShunt      = 30
	RCNoRetransmit   = 31 // the peer has not answered; given up
	RCInternal       = 32
	RCOppoUnderway   = 33
	RCNoPolicy       = 34
	RCCrypto         = 36
	RCAuthFailed     = 37
	RCFatal          = 38 // anything else that ends an attempt

	// RCNewState plus the number of a state says that this state was reached.
	RCNewState = 100
	// RCNotification plus the type of an error notification (RFC 7296, section
	// 3.10.1) says that the peer sent it.
	RCNotification = 200
)

// Counts reports whether a line with code tells how what was asked for has
// ended. What happens on the way does not: remarks, states that are reached, and
// messages that are sent once more.
func Counts(code int) bool {
	switch code {
	case RCRaw, RCComment, RCLog, RCLogSerious, RCRetransmission:
		return false
	}
	return code < RCNewState || code >= RCNotification
}

// ExitStatus returns what whack exits with when a line with code comes after
// lines that made it status: the last code that counts. Success is 0, and what
// does not fit an exit status is 255.
func ExitStatus(status, code int) int {
	switch {
	case !Counts(code):
		return status
	case code == RCSuccess:
		return 0
	}
	return min(code, 255)
}
