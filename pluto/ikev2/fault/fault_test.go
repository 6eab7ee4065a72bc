package fault

import (
	"testing"

	"ipsec/pluto/ikev2/message"
)

// TestEnds holds the table against the words of RFC 7296, section 2.21.
func TestEnds(t *testing.T) {
	all := map[string]Place{"IKE_SA_INIT": Init, "IKE_AUTH": Auth, "CREATE_CHILD_SA": Create, "INFORMATIONAL": Inform, "request": Request}
	for kind, want := range map[message.NotifyType]string{
		message.InvalidSyntax:              "IKE_SA_INIT IKE_AUTH CREATE_CHILD_SA INFORMATIONAL request",
		message.AuthenticationFailed:       "IKE_AUTH request",
		message.UnsupportedCriticalPayload: "IKE_SA_INIT IKE_AUTH request",
		message.NoProposalChosen:           "IKE_SA_INIT",
		message.InvalidMajorVersion:        "IKE_SA_INIT",
		message.TSUnacceptable:             "",
		message.NoAdditionalSAs:            "",
		message.TemporaryFailure:           "",
		message.ChildSANotFound:            "",
		message.InvalidIKESPI:              "",
		8191:                               "", // of which nothing is known
		message.InitialContact:             "",
	} {
		for _, name := range []string{"IKE_SA_INIT", "IKE_AUTH", "CREATE_CHILD_SA", "INFORMATIONAL", "request"} {
			_, ends := Ends([]*message.Notify{{MessageType: message.Cookie}, {MessageType: kind}}, all[name])
			if expected := contains(want, name); ends != expected {
				t.Errorf("%s in %s ends the IKE SA: %v, expected %v", kind, name, ends, expected)
			}
		}
	}
}

// TestTable has each error stand once, and say something only where it may come.
func TestTable(t *testing.T) {
	seen := map[message.NotifyType]bool{}
	for _, e := range table {
		if seen[e.kind] || !e.kind.IsError() {
			t.Errorf("%s stands twice, or is no error", e.kind)
		}
		seen[e.kind] = true
		for _, s := range e.says {
			if s.in&^(e.in|e.ends) != 0 {
				t.Errorf("%s says %q where it has no place", e.kind, s.text)
			}
		}
	}
}

func contains(list, word string) bool {
	for len(list) >= len(word) {
		if list[:len(word)] == word {
			return true
		}
		list = list[1:]
	}
	return false
}
