package whack

import (
	"io"
	"strings"
	"testing"

	"ipsec/pluto"
)

const benchLine = "--name c1 --psk --encrypt --tunnel --pfs --ikev2-allow --ikev2-propose --ikelifetime 3600 --ipseclifetime 28800 --rekeymargin 540" +
	" --rekeyfuzz 100 --keyingtries 0 --host 192.0.2.1 --client 10.0.1.0/24 --to --host 198.18.0.2 --client 172.16.0.1/32"

// BenchmarkDo is an addition from its words to its exit status, both ends.
func BenchmarkDo(b *testing.B) {
	f := serve(b, func(c *Call) {
		c.Reply(pluto.RCLog, "added")
		c.Done()
	})
	words := strings.Fields(benchLine)
	for b.Loop() {
		if status, err := Do(b.Context(), f.path, words, io.Discard); status != 0 || err != nil {
			b.Fatal(status, err)
		}
	}
}
