package route

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ipsec/klips"
)

// host is a gateway on lan and wan, with the routes that more says: "DST [via GW] dev LINK [metric N]".
func host(t *testing.T, more ...string) *Table {
	t.Helper()
	h := Host{
		Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("10.0.1.1")},
		Nets: []Net{
			{netip.MustParsePrefix("192.0.2.0/24"), "wan"}, {netip.MustParsePrefix("10.0.1.0/24"), "lan"}, {netip.MustParsePrefix("fd01::/64"), "lan"},
		},
	}
	for _, text := range append([]string{"0.0.0.0/0 via 192.0.2.254 dev wan", "192.0.2.0/24 dev wan", "10.0.1.0/24 dev lan", "fd01::/64 dev lan metric 256"}, more...) {
		r, ok := parse(text)
		if !ok {
			t.Fatalf("malformed route %q", text)
		}
		h.Routes = append(h.Routes, r)
	}
	return NewTable(h)
}

func parse(text string) (r Route, ok bool) {
	words := strings.Fields(text)
	r.Dst = netip.MustParsePrefix(words[0])
	for i := 1; i+1 < len(words); i += 2 {
		switch words[i] {
		case "via":
			r.Gateway = netip.MustParseAddr(words[i+1])
		case "dev":
			r.Link = words[i+1]
		case "metric":
			for _, digit := range words[i+1] {
				r.Metric = r.Metric*10 + int(digit-'0')
			}
		default:
			return r, false
		}
	}
	return r, true
}

// TestLead has the flow 10.0.1.0/24 to dst, or the IPv6 one of fd01::/64, beside the routes of a host.
func TestLead(t *testing.T) {
	flow := func(src, dst string) klips.Selector {
		return klips.Selector{Src: netip.MustParsePrefix(src), Dst: netip.MustParsePrefix(dst)}
	}
	for _, tt := range []struct {
		name   string
		there  []string // besides
		dst    string
		want   Want // of which Flow and Virtual are filled in
		routes string
		beside string
		leak   string // the route by which packets would leak
	}{
		{name: "a network of its own", dst: "10.2.0.0/16", routes: "10.2.0.0/16"},
		{name: "an address", dst: "10.2.0.1/32", routes: "10.2.0.1/32"},
		{name: "everything by halves", dst: "0.0.0.0/0", routes: "0.0.0.0/1 128.0.0.0/1", beside: "10.0.1.0/24 192.0.2.0/24"},
		{name: "everything of IPv6 by halves", dst: "::/0", routes: "::/1 8000::/1", beside: "fd01::/64"},
		{name: "a route to the same network is not replaced", there: []string{"10.2.0.0/16 via 10.0.1.9 dev lan"}, dst: "10.2.0.0/16", routes: "10.2.0.0/17 10.2.128.0/17"},
		{name: "nor one to a half of it", there: []string{"10.2.0.0/16 via 10.0.1.9 dev lan", "10.2.0.0/17 via 10.0.1.9 dev lan"}, dst: "10.2.0.0/16", routes: "10.2.0.0/18 10.2.64.0/18 10.2.128.0/17"},
		{name: "a worse route to the same network is passed by", there: []string{"10.2.0.0/16 via 10.0.1.9 dev lan metric 100"}, dst: "10.2.0.0/16", routes: "10.2.0.0/16"},
		{name: "one that is worse than the metric of ours", there: []string{"10.2.0.0/16 via 10.0.1.9 dev lan metric 100"}, dst: "10.2.0.0/16", want: Want{Metric: 50}, routes: "10.2.0.0/16"},
		{name: "one that is as good", there: []string{"10.2.0.0/16 via 10.0.1.9 dev lan metric 50"}, dst: "10.2.0.0/16", want: Want{Metric: 50}, routes: "10.2.0.0/17 10.2.128.0/17"},
		{name: "metric 0 is 1024 in IPv6", there: []string{"fd02::/64 via fd01::9 dev lan metric 1024"}, dst: "fd02::/64", routes: "fd02::/65 fd02:0:0:0:8000::/65"},
		{name: "and 1025 is worse", there: []string{"fd02::/64 via fd01::9 dev lan metric 1025"}, dst: "fd02::/64", routes: "fd02::/64"},
		{name: "a route inside leaks", there: []string{"10.2.3.0/24 via 10.0.1.9 dev lan"}, dst: "10.2.0.0/16", leak: "10.2.3.0/24"},
		{name: "however bad its metric is", there: []string{"10.2.3.0/24 via 10.0.1.9 dev lan metric 5000"}, dst: "10.2.0.0/16", leak: "10.2.3.0/24"},
		{name: "a route to the very address leaks", there: []string{"10.2.0.1/32 via 10.0.1.9 dev lan"}, dst: "10.2.0.1/32", leak: "10.2.0.1/32"},
		{name: "a network of the host inside is beside", dst: "10.0.0.0/16", routes: "10.0.0.0/16", beside: "10.0.1.0/24"},
		{name: "so is the gateway of another route", there: []string{"10.3.0.1/32 dev lan", "10.4.0.0/16 via 10.3.0.1 dev lan"}, dst: "10.3.0.0/16", routes: "10.3.0.0/16", beside: "10.3.0.1/32"},
		{name: "an address that is nobody's gateway leaks", there: []string{"10.3.0.1/32 dev lan"}, dst: "10.3.0.0/16", leak: "10.3.0.1/32"},
		{name: "networks of our side stay here", there: []string{"10.9.1.0/24 via 10.0.1.9 dev lan"}, dst: "10.0.0.0/8", want: Want{Own: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")}}, routes: "10.0.0.0/8", beside: "10.0.1.0/24"},
		{name: "what passes may leave", there: []string{"10.2.3.0/24 via 10.0.1.9 dev lan"}, dst: "10.2.0.0/16", want: Want{Passes: []klips.Selector{flow("10.0.1.0/24", "10.2.3.0/24")}}, routes: "10.2.0.0/16"},
		{name: "not what passes from another source", there: []string{"10.2.3.0/24 via 10.0.1.9 dev lan"}, dst: "10.2.0.0/16", want: Want{Passes: []klips.Selector{flow("10.0.1.0/25", "10.2.3.0/24")}}, leak: "10.2.3.0/24"},
		{name: "nor in part", there: []string{"10.2.3.0/24 via 10.0.1.9 dev lan"}, dst: "10.2.0.0/16", want: Want{Passes: []klips.Selector{flow("10.0.1.0/24", "10.2.3.0/25")}}, leak: "10.2.3.0/24"},
		{name: "nor of one protocol", there: []string{"10.2.3.0/24 via 10.0.1.9 dev lan"}, dst: "10.2.0.0/16",
			want: Want{Passes: []klips.Selector{{Src: netip.MustParsePrefix("10.0.1.0/24"), Dst: netip.MustParsePrefix("10.2.3.0/24"), Proto: 6}}}, leak: "10.2.3.0/24"},

		{name: "passthrough keeps the route that is there", there: []string{"10.5.0.0/16 via 10.0.1.9 dev lan"}, dst: "10.5.0.0/16", want: Want{Pass: true}},
		{name: "passthrough of a network of the host stays on it", dst: "10.0.1.0/24", want: Want{Pass: true}},
		{name: "and of a part of it", dst: "10.0.1.128/25", want: Want{Pass: true}},
		{name: "passthrough without a route enters KLIPS", dst: "10.5.0.0/16", want: Want{Pass: true}, routes: "10.5.0.0/16"},
		{name: "passthrough beside a worse route enters KLIPS", there: []string{"10.5.0.0/16 via 10.0.1.9 dev lan metric 9"}, dst: "10.5.0.0/16", want: Want{Pass: true}, routes: "10.5.0.0/16"},
		{name: "passthrough does not leak", there: []string{"10.5.3.0/24 via 10.0.1.9 dev lan"}, dst: "10.5.0.0/16", want: Want{Pass: true}, routes: "10.5.0.0/16"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := tt.want
			w.Virtual, w.Flow = "ipsec0", flow("10.0.1.0/24", tt.dst)
			if w.Flow.Dst.Addr().Is6() {
				w.Flow.Src = netip.MustParsePrefix("fd01::/64")
			}
			lead, err := host(t, tt.there...).Lead(w)
			var leak *LeakError
			switch {
			case tt.leak != "":
				if !errors.As(err, &leak) || leak.Route.Dst.String() != tt.leak {
					t.Errorf("leak by %v, expected by %s", err, tt.leak)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			if got := destinations(lead.Routes); got != sorted(tt.routes) {
				t.Errorf("routes %s, expected %s", got, sorted(tt.routes))
			}
			if got := destinations(lead.Beside); got != sorted(tt.beside) {
				t.Errorf("beside %s, expected %s", got, sorted(tt.beside))
			}
			for _, r := range lead.Routes {
				if r.Link != "ipsec0" || r.Metric != w.Metric {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

func sorted(text string) string {
	var list []string
	for _, word := range strings.Fields(text) {
		list = append(list, netip.MustParsePrefix(word).String())
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func destinations(list []Route) string {
	var words []string
	for _, r := range list {
		words = append(words, r.Dst.String())
	}
	return sorted(strings.Join(words, " "))
}

// TestLeadSource has the routes bear a source that is an address of the host, and only that.
func TestLeadSource(t *testing.T) {
	w := Want{Virtual: "ipsec0", Flow: klips.Selector{Src: netip.MustParsePrefix("10.0.1.0/24"), Dst: netip.MustParsePrefix("10.2.0.0/16")}}
	for source, has := range map[string]bool{"10.0.1.1": true, "10.0.1.2": false} {
		w.Source = netip.MustParseAddr(source)
		lead, err := host(t).Lead(w)
		if err != nil || len(lead.Routes) != 1 || (lead.Routes[0].Src == w.Source) != has || lead.NoSource == has {
			t.Errorf("%s: %+v, %v", source, lead, err)
		}
	}
	lead, err := new(Table).Lead(w)
	if err != nil || lead.NoSource || lead.Routes[0].Src != w.Source {
		t.Errorf("of a host of which nothing is known: %+v, %v", lead, err)
	}
}

// TestLeakError tells a person what to do, and of a conn of type=passthrough only where one could help.
func TestLeakError(t *testing.T) {
	w := Want{Virtual: "ipsec0", Flow: klips.Selector{Src: netip.MustParsePrefix("10.0.1.0/24"), Dst: netip.MustParsePrefix("10.2.0.0/16")}}
	_, err := host(t, "10.2.3.0/24 via 10.0.1.9 dev lan metric 7").Lead(w)
	const want = `there is a route to 10.2.3.0/24 over lan already, by which packets that the conn protects would leave in the clear: ` +
		`take it away, "ip route del 10.2.3.0/24 via 10.0.1.9 dev lan metric 7", or have a conn of type=passthrough say that they may`
	if err == nil || err.Error() != want {
		t.Errorf("%v, expected %s", err, want)
	}
	w.Flow.Dst = netip.MustParsePrefix("10.2.3.4/32")
	if _, err := host(t, "10.2.3.4/32 via 10.0.1.9 dev lan").Lead(w); err == nil || strings.Contains(err.Error(), "passthrough") {
		t.Error(err)
	}
}

// TestForeign keeps a peer that chooses its network from cutting the host off.
func TestForeign(t *testing.T) {
	table := host(t, "10.5.0.0/16 via 10.0.1.9 dev lan")
	for _, tt := range []struct {
		dst, choice string
		refused     bool
	}{
		{"172.16.1.0/24", "172.16.0.0/12", false},
		{"10.0.1.0/24", "10.0.0.0/8", true},
		{"10.0.1.7/32", "10.0.0.0/8", true},
		{"10.5.1.0/24", "10.0.0.0/8", true},
		{"10.5.1.0/24", "10.5.0.0/16", false}, // the choice was cut out of that very network
		{"10.0.1.7/32", "10.0.1.0/25", false}, // the same
		{"10.0.1.7/32", "10.0.1.0/24", true},
	} {
		err := table.Foreign(netip.MustParsePrefix(tt.dst), []netip.Prefix{netip.MustParsePrefix(tt.choice)})
		if (err != nil) != tt.refused {
			t.Errorf("%s of %s: %v", tt.dst, tt.choice, err)
		}
	}
}
