package cmdline

import (
	"strings"
	"testing"
)

const benchLine = "--name c1 --psk --encrypt --tunnel --pfs --ikev2-allow --ikev2-propose --ikelifetime 3600 --ipseclifetime 28800 --rekeymargin 540" +
	" --rekeyfuzz 100 --keyingtries 0 --host 192.0.2.1 --client 10.0.1.0/24 --to --host 198.18.0.2 --client 172.16.0.1/32"

// BenchmarkParse reads an addition.
func BenchmarkParse(b *testing.B) {
	words := strings.Fields(benchLine)
	for b.Loop() {
		if _, err := Parse(words); err != nil {
			b.Fatal(err)
		}
	}
}
