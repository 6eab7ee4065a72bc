package conf_test

import (
	"fmt"
	"strings"
	"testing"

	"ipsec/conf"
)

// many returns a file of n conns that share a base.
func many(n int) []byte {
	var b strings.Builder
	b.WriteString("config setup\n\tpluto=no\nconn base\n\tauthby=secret\n\tkeylife=1h\n")
	for i := range n {
		fmt.Fprintf(&b, "conn c%d\n\talso=base\n\tleft=192.0.2.1\n\tright=10.%d.%d.1\n\tleftsubnet=10.0.0.0/16\n\tauto=add\n", i, i/256, i%256)
	}
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{10, 1000, 10000} {
		text := many(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conf.Parse("many", text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
