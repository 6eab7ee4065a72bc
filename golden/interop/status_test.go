package interop

import (
	"encoding/json"
	"testing"

	"ipsec/pluto/whack/status"
)

// readStatus asks our Pluto.
func readStatus(t testing.TB, g *gateway) status.Document {
	t.Helper()
	out, err := g.ipsec("whack", "--status", "--format", "json")
	var d status.Document
	if err == nil {
		err = json.Unmarshal([]byte(out), &d)
	}
	if err != nil {
		t.Fatalf("failed to read the status: %v\n%s", err, out)
	}
	return d
}
