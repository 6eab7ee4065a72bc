// Package fault is the table of the error notifications of IKEv2 (RFC 7296, sections 2.21 and
// 3.10.1): where each may come, what it ends, and what it says to a person.
package fault

import "ipsec/pluto/ikev2/message"

// Place is where an error notification comes. Its values are bits.
type Place uint8

// The places.
const (
	Init    Place = 1 << iota // a response to IKE_SA_INIT, which nothing protects
	Auth                      // a response to IKE_AUTH
	Create                    // a response to CREATE_CHILD_SA
	Inform                    // a response to INFORMATIONAL
	Request                   // a request, INFORMATIONAL as a rule

	handshake = Init | Auth
	responses = Init | Auth | Create | Inform
)

// PlaceOf returns the place of a response.
func PlaceOf(x message.ExchangeType) Place {
	switch x {
	case message.IKESAInit:
		return Init
	case message.IKEAuth, message.IKEIntermediate:
		return Auth
	case message.CreateChildSA:
		return Create
	}
	return Inform
}

// entry is what is known of one error.
type entry struct {
	kind message.NotifyType
	in   Place // where RFC 7296 has it
	ends Place // of those, where the IKE SA ends by it, on both ends and without a Delete
	says []says
}

// says is what an error means to a person, and the keywords to look at.
type says struct {
	in       Place
	text     string
	keywords []string // Suites stands for esp or ah
}

// Suites stands among keywords for the one that has the algorithms of the Child SA.
const Suites = "(suites)"

// table has every error of RFC 7296. In IKE_AUTH, those that end nothing there are about the Child SA
// in it alone (section 2.21.2).
var table = [...]entry{
	{message.UnsupportedCriticalPayload, responses, handshake | Request, []says{{responses, "it knows no payload of that type, which we called critical", nil}}},
	{message.InvalidIKESPI, Request, 0, nil},
	{message.InvalidMajorVersion, Init, Init, []says{{Init, "it does not speak IKEv2", []string{"ikev2"}}}},
	{message.InvalidSyntax, responses, responses | Request, []says{
		{responses, "it cannot read our request, or has refused it for a reason that it does not tell: its log may say more", nil},
	}},
	{message.InvalidMessageID, Request, 0, nil},
	{message.InvalidSPI, Request, 0, nil},
	{message.NoProposalChosen, Init | Auth | Create, Init, []says{
		{Init, "it accepts none of our proposals, or has no connection for us", []string{"ike"}},
		{Auth | Create, "it accepts none of our proposals", []string{Suites, "pfsgroup"}},
	}},
	{message.InvalidKEPayload, Init | Create, 0, nil},
	{message.AuthenticationFailed, Auth, Auth | Request, []says{
		{Auth | Request, "it does not accept our identity or our proof of it: its log says why; compare the secrets or certificates of both ends", []string{"authby", "leftid"}},
	}},
	{message.SinglePairRequired, Auth | Create, 0, []says{{Auth | Create, "it wants one pair of addresses for each Child SA", []string{"leftsubnet", "rightsubnet"}}}},
	{message.NoAdditionalSAs, Auth | Create, 0, []says{{Auth | Create, "it has as many as it will have", nil}}},
	{message.InternalAddressFailure, Auth | Create, 0, []says{{Auth | Create, "it has no address for us", nil}}},
	{message.FailedCPRequired, Auth | Create, 0, []says{{Auth | Create, "it wants us to ask for an address, which is not done", nil}}},
	{message.TSUnacceptable, Auth | Create, 0, []says{{Auth | Create, "the networks of its conn are not those of ours", []string{"leftsubnet", "rightsubnet"}}}},
	{message.InvalidSelectors, Request, 0, nil},
	{message.TemporaryFailure, Create, 0, []says{{Create, "it is busy with another exchange", nil}}},
	{message.ChildSANotFound, Create, 0, []says{{Create, "it does not have the SA that is to be rekeyed", nil}}},
}

func find(t message.NotifyType) entry {
	for _, e := range table {
		if e.kind == t {
			return e
		}
	}
	return entry{kind: t, in: responses} // the request has failed
}

// Ends reports whether the IKE SA ends where one of the notifications at a place is such an error,
// and which. Of IKE_SA_INIT it does not say that all has failed: a better answer may come.
func Ends(list []*message.Notify, at Place) (*message.Notify, bool) {
	for _, n := range list {
		if n.MessageType.IsError() && find(n.MessageType).ends&at != 0 {
			return n, true
		}
	}
	return nil, false
}

// First returns the first error of a response, by which what was asked for has failed (RFC 7296,
// section 3.10.1, of errors that are not known, too); nil for none.
func First(list []*message.Notify) *message.Notify {
	for _, n := range list {
		if n.MessageType.IsError() {
			return n
		}
	}
	return nil
}

// Says returns what an error means at a place, "" where its name is all that is to be said, and
// which keywords to look at.
func Says(t message.NotifyType, at Place) (text string, keywords []string) {
	e := find(t)
	if e.in&at == 0 && e.ends&at == 0 {
		return "which has no place there", nil
	}
	for _, s := range e.says {
		if s.in&at != 0 {
			return s.text, s.keywords
		}
	}
	return "", nil
}
