package change

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ipsec/conf/manualkey"
	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/plan"
)

// This file has the names and the values of things, which are the same in a plan and on a machine.

// DaemonOf returns the item of a daemon with its arguments.
func DaemonOf(part plan.Part, args []string) Item {
	return Item{Kind: Daemon, Object: string(part), Value: words(args)}
}

// words returns the Value of words, each option and its value apart.
func words(list []string) string {
	var apart []string
	for _, w := range list {
		if name, value, ok := strings.Cut(w, "="); ok && strings.HasPrefix(name, "--") {
			apart = append(apart, name, value)
		} else {
			apart = append(apart, w)
		}
	}
	return strings.Join(apart, "\x00")
}

// Words returns the words of a Value.
func Words(value string) []string {
	if value == "" {
		return nil
	}
	return strings.Split(value, "\x00")
}

// InterfaceOf returns the item of a virtual interface.
func InterfaceOf(virtual, physical string, mtu int, up bool) Item {
	value := fmt.Sprintf("on %s mtu %d", physical, mtu)
	if up {
		value += isUp
	} else {
		value += isDown
	}
	return Item{Kind: Network, Object: "interface " + virtual, Value: value}
}

// UseOf returns the item of when raw ESP goes past netfilter on the physical interface of a virtual one. There is
// one where that is not "auto".
func UseOf(virtual, use string) Item {
	return Item{Kind: DataPlane, Object: "--xdp " + use + " of " + virtual}
}

const (
	isUp   = " up"
	isDown = " down"
)

// Down reports whether an interface is as it is wanted, but that it is down.
func (c Change) Down() bool {
	return c.Want.Kind == Network && strings.HasSuffix(c.Have.Value, isDown) &&
		strings.TrimSuffix(c.Have.Value, isDown) == strings.TrimSuffix(c.Want.Value, isUp)
}

// Physical returns the link that an interface is on; "" of anything else, and where that is not known.
func (i Item) Physical() string {
	physical, _, _ := strings.Cut(strings.TrimPrefix(i.Value, "on "), " mtu ")
	if !strings.HasPrefix(i.Object, "interface ") || i.Value == Gone {
		return ""
	}
	return physical
}

// Moved reports whether an interface is wanted on another link than the one that it is on.
func (c Change) Moved() bool {
	want, have := c.Want.Physical(), c.Have.Physical()
	return want != "" && c.Have.Object != "" && c.Have.Value != Gone && want != have
}

// AddressOf returns the item of an address of a virtual interface.
func AddressOf(op plan.AddAddr) Item {
	return Item{Kind: Network, Object: "address " + op.Prefix.Addr().String() + " dev " + op.Link}
}

// kernelMetric6 is the metric of a route of IPv6 that is set without one.
const kernelMetric6 = 1024

// RouteOf returns the item of a route into a virtual interface.
func RouteOf(r plan.AddRoute) Item {
	object := "route " + r.Dst.String() + " dev " + r.Link
	if r.Metric != 0 && !(r.Dst.Addr().Is6() && r.Metric == kernelMetric6) {
		object += " metric " + strconv.Itoa(r.Metric)
	}
	var value []string
	if r.Src.IsValid() {
		value = append(value, "src "+r.Src.String())
	}
	if r.MTU != 0 {
		value = append(value, "mtu "+strconv.Itoa(r.MTU))
	}
	return Item{Kind: Network, Object: object, Value: strings.Join(value, " ")}
}

// SettingOf returns the item of a kernel setting.
func SettingOf(path, value string) Item { return Item{Kind: Setting, Object: path, Value: value} }

// ErouteOf returns the item of an eroute.
func ErouteOf(f plan.Flow, target said.SAID) Item {
	return Item{Kind: DataPlane, Object: "eroute " + flow(f), Value: target.String()}
}

// InflowOf returns the item of a flow that may come out of an SA.
func InflowOf(f plan.Flow, id said.SAID) Item {
	return Item{Kind: DataPlane, Object: "inbound flow " + flow(f) + " of " + id.String()}
}

func flow(f plan.Flow) string {
	s := f.Src.String() + " -> " + f.Dst.String()
	if f.Proto != 0 {
		s += fmt.Sprintf(" protocol %d ports %d -> %d", f.Proto, f.SrcPort, f.DstPort)
	}
	return s
}

// SAOf returns the item of an SA, without its keys, which no item has.
func SAOf(sa klips.SA) Item {
	value := []string{"src " + sa.Src.String()}
	switch sa.ID.Proto {
	case said.IPIP:
		value = append(value, "dst "+sa.TunnelDst.String())
	case said.COMP:
		value = append(value, sa.Comp)
	default:
		algorithms := slices.DeleteFunc([]string{sa.Enc, sa.Auth}, func(name string) bool { return name == "" })
		value = append(value, strings.Join(algorithms, " "), "window "+strconv.Itoa(sa.ReplayWindow))
		if sa.Encap.On() {
			value = append(value, fmt.Sprintf("in UDP %d:%d", sa.Encap.SrcPort, sa.Encap.DstPort))
		}
	}
	return Item{Kind: DataPlane, Object: "SA " + sa.ID.String(), Value: strings.Join(value, " ")}
}

// otherKeys is how the Value of an SA ends that has other keys than the configuration; what is wanted says nothing of
// keys.
const otherKeys = " and other keys"

// WithOtherKeys returns the item of an SA that is like item but has other keys.
func (i Item) WithOtherKeys() Item {
	i.Value += otherKeys
	return i
}

// OtherKeys reports whether an SA is as it is wanted, but for its keys.
func (c Change) OtherKeys() bool {
	return c.Mark == Alter && c.Have.Value == c.Want.Value+otherKeys
}

// GroupOf returns the item of a group of SAs.
func GroupOf(ids []said.SAID) Item {
	var names []string
	for _, id := range ids {
		names = append(names, id.String())
	}
	return Item{Kind: DataPlane, Object: "group of " + names[0], Value: strings.Join(names[1:], " ")}
}

// saOf returns the SA that op sets, as KLIPS shows it.
func saOf(op plan.AddSA) klips.SA {
	sa := klips.SA{ID: op.SAID, Src: op.Src, ReplayWindow: op.ReplayWindow, Encap: klips.Encap{SrcPort: op.EncapSrc, DstPort: op.EncapDst}}
	if op.SAID.Proto == said.AH {
		sa.Auth, _ = manualkey.ParseAH(op.Algorithm) // which conf has checked
	} else {
		sa.Enc, sa.Auth, _, _ = manualkey.ParseESP(op.Algorithm)
	}
	return sa
}

// ConnOf returns the item of a connection by whack's words for it.
func ConnOf(name string, words []string) Item {
	return Item{Kind: Connection, Object: "conn " + name, Value: strings.Join(words, "\x00")}
}

// RoutingOf returns the item of the routing of a connection.
func RoutingOf(name, value string) Item {
	return Item{Kind: Routing, Object: "routing of conn " + name, Value: value}
}

// ofRouting returns the name of the item of the connection that a routing is of.
func ofRouting(object string) string { return strings.TrimPrefix(object, "routing of ") }
