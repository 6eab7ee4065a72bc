package compile_test

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/exec/shell"
	"ipsec/plan"
	"ipsec/plan/compile"
)

// manualConf returns a configuration with n manually keyed conns.
func manualConf(n int) string {
	var b strings.Builder
	b.WriteString("version 2.0\nconfig setup\n\tpluto=no\nconn %default\n\tleft=192.0.2.1\n\tleftsubnet=10.0.1.0/24\n\tauto=manual\n" +
		"\tesp=3des-md5-96\n\tespenckey=0x" + strings.Repeat("0123456789abcdef", 3) + "\n\tespauthkey=0x" + strings.Repeat("0123456789abcdef", 2) + "\n")
	for i := range n {
		fmt.Fprintf(&b, "conn c%d\n\tright=198.18.%d.%d\n\trightsubnet=172.%d.%d.%d/32\n\tspi=0x%x\n", i, i/250, 1+i%250, 16+i/62500, i/250%250, i%250, 0x1000+i)
	}
	return b.String()
}

func parse(t testing.TB, text string) *conf.Config {
	t.Helper()
	config, err := conf.Parse("/etc/ipsec.conf", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// gateway is a host with an outer and an inner link.
func gateway() plan.Facts {
	link := func(name string, addrs ...string) plan.Link {
		l := plan.Link{Name: name, MTU: 1500, Up: true}
		for _, a := range addrs {
			l.Addrs = append(l.Addrs, plan.Addr{Prefix: netip.MustParsePrefix(a)})
		}
		return l
	}
	return plan.Facts{
		Version: plan.FactsVersion, Host: "west",
		Links: []plan.Link{link("eth0", "192.0.2.1/24", "2001:db8:1::1/64"), link("eth1", "10.0.1.1/24")},
		Routes: []plan.Route{
			{Dst: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("192.0.2.254"), Link: "eth0"},
			{Dst: netip.MustParsePrefix("10.0.1.0/24"), Link: "eth1"},
		},
		TUN: true, IPv6: true, Stacks: []string{"klips"}, RunDir: true,
	}
}

// BenchmarkShowOnly compiles and prints start: what --showonly does after
// reading the configuration.
func BenchmarkShowOnly(b *testing.B) {
	for _, n := range []int{10, 1000, 10000} {
		config := parse(b, manualConf(n))
		for _, part := range []string{"compile", "print"} {
			b.Run(fmt.Sprintf("%s/%d", part, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					p, err := compile.Setup(plan.Start, config, gateway(), conf.DefaultPaths())
					if err != nil {
						b.Fatal(err)
					}
					if part == "print" {
						if err := shell.Text(io.Discard, p); err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
	}
}
