package proposal

// ESN is a set of answers to whether SAs have extended sequence numbers.
type ESN uint8

// List is the value of ike=, esp= or ah=.
type List struct {
	Proposals []Proposal // in order of preference
	Strict    bool       // the text ended in !
	Weak      []string
}

// Proposal is one alternative of a List.
type Proposal struct {
	Encryption []Encryption
	Integrity  []string
	PRF        []string
	Groups     []string
	ESN        ESN
}

// Encryption is a cipher with the size of its key; 0 bits where it has one alone.
type Encryption struct {
	Name    string
	KeyBits int
}
