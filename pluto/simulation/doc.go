// Package simulation runs whole Plutos in one process: IKEv2 and the connections
// above it, over a kernel of maps, on a virtual clock and a network that loses,
// doubles, delays and reorders, rewrites addresses, and cuts peers off. All that
// happens follows from one seed. When the network has healed and all is quiet,
// and where it can be at each step, invariants are checked:
//
//   - both ends of an SA hold it, or none does, and their keys agree;
//   - what was brought up is up, as long as its peer is there;
//   - every flow that was routed has an eroute: to an SA that is there, or to a
//     shunt that is not %pass;
//   - with uniqueids=yes no two IKE SAs carry the same packets of a connection;
//   - what a connection asks for, only a peer that has proved itself as that connection demands is
//     negotiated with, gets the packets of, replaces or ends (at each step, with a rogue among the peers);
//   - no half-open state outlives its timers;
//   - the kernel has no SA that nobody owns.
//
// Beside the seeds, a thousand peers behind one address come up within seconds.
//
// It has tests only. A seed that fails prints the command that replays it.
package simulation
