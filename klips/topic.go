package klips

import "ipsec/logger/topic"

// Topics of klipsdebug(8). A line of each begins with a name and a colon: the
// topic's, "tunnel" for tunnel-xmit, "comp" for ipcomp.
const (
	TopicTunnel     topic.Set = 1 << iota // packets out: what became of them
	TopicTunnelXmit                       // of those, the ones that were sent
	TopicNetlink                          // virtual and physical interfaces, MTU of paths
	TopicXform                            // the algorithms of SAs
	TopicEroute                           // eroutes set and taken away
	TopicSPI                              // SAs set, changed, ended
	TopicRadij                            // which eroute a packet takes
	TopicESP                              // what ESP did with each packet
	TopicAH                               // what AH did
	TopicRcv                              // packets in: what became of them
	TopicPFKey                            // requests, and the errors that they met
	TopicIPCOMP                           // what IPComp did
	TopicVerbose                          // more of each packet; says nothing by itself
)

// Topics names the topics in the order of ipsec_klipsdebug(5).
func Topics() topic.Table {
	return topic.Table{
		Names: []string{"tunnel", "tunnel-xmit", "netlink", "xform", "eroute", "spi", "radij", "esp", "ah", "rcv", "pfkey", "ipcomp", "verbose"},
		Apart: TopicVerbose,
	}
}
