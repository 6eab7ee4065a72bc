package connection

import (
	"fmt"
	"net/netip"
	"strings"

	"ipsec/pluto"
)

// Private is virtual_private=: the networks that clients behind NAT may be in,
// and those excepted.
type Private struct{ Allowed, Except []netip.Prefix }

// ParsePrivate reads virtual_private=, e.g. "%v4:10.0.0.0/8,%v6:fd00::/8,%v4:!10.1.0.0/16".
func ParsePrivate(text string) (Private, error) {
	var p Private
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		net, except, err := parseNet(word)
		switch {
		case err != nil:
			return Private{}, fmt.Errorf("malformed virtual_private: %w", err)
		case except:
			p.Except = append(p.Except, net)
		default:
			p.Allowed = append(p.Allowed, net)
		}
	}
	return p, nil
}

// parseNet reads %v4:NET, %v6:NET, and the same with ! before NET.
func parseNet(word string) (net netip.Prefix, except bool, err error) {
	rest, four := strings.CutPrefix(word, "%v4:")
	if !four {
		var six bool
		if rest, six = strings.CutPrefix(word, "%v6:"); !six {
			return net, false, fmt.Errorf("expected %%v4:NETWORK or %%v6:NETWORK, found %q", word)
		}
	}
	rest, except = strings.CutPrefix(rest, "!")
	net, err = netip.ParsePrefix(rest)
	if err == nil && net.Addr().Is4() != four {
		err = fmt.Errorf("%s is not of that family", net)
	}
	if err != nil {
		return net, false, fmt.Errorf("malformed %q: %w", word, err)
	}
	return net.Masked(), except, nil
}

// isVirtualHost reports whether the client of e is one host: vhost:…
func isVirtualHost(e pluto.End) bool { return strings.HasPrefix(e.Virtual, "vhost:") }

// choice returns the networks that the peer at remote may choose its client from.
func (p Private) choice(local, remote pluto.End, behindNAT bool) []netip.Prefix {
	if remote.Virtual == "" {
		return []netip.Prefix{remote.Within}
	}
	var allowed []netip.Prefix
	var except []netip.Prefix
	_, words, _ := strings.Cut(remote.Virtual, ":")
	for word := range strings.SplitSeq(words, ",") {
		switch word = strings.TrimSpace(word); word {
		case "%no":
			if !behindNAT {
				allowed = append(allowed, netip.PrefixFrom(remote.Host.Addr, remote.Host.Addr.BitLen()))
			}
		case "%priv":
			allowed, except = append(allowed, p.Allowed...), append(except, p.Except...)
		case "%all":
			allowed = append(allowed, netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0))
		default:
			net, no, err := parseNet(word)
			switch {
			case err != nil: // %dhcp and %ike mean nothing here
			case no:
				except = append(except, net)
			default:
				allowed = append(allowed, net)
			}
		}
	}
	var left []netip.Prefix
	for _, net := range allowed {
		taken := except
		for _, own := range local.Clients {
			if own.Bits() >= net.Bits() { // or else the peers are cut out of what is ours
				taken = append(taken[:len(taken):len(taken)], own)
			}
		}
		left = append(left, without(net, taken)...)
	}
	return left
}

// without returns what is left of net when others are taken out.
func without(net netip.Prefix, others []netip.Prefix) []netip.Prefix {
	for _, other := range others {
		switch {
		case !net.Overlaps(other):
		case other.Bits() <= net.Bits():
			return nil
		default:
			low, high := halves(net)
			return append(without(low, others), without(high, others)...)
		}
	}
	return []netip.Prefix{net}
}

// halves splits a network that is larger than one address.
func halves(net netip.Prefix) (low, high netip.Prefix) {
	b := net.Addr().AsSlice()
	b[net.Bits()/8] |= 0x80 >> (net.Bits() % 8)
	upper, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(net.Addr(), net.Bits()+1), netip.PrefixFrom(upper, net.Bits()+1)
}
