// Package daemon is the process "ipsec pluto". It joins the parts that do no
// I/O (connection, ikev2) to the world: UDP sockets, KLIPS, netlink, the
// control socket of whack(8).
//
// It is two processes. The supervisor holds pluto.pid and the control socket,
// and does nothing that the network could reach. The worker speaks IKE, with
// few capabilities left. When a worker crashes, the SAs in KLIPS go on carrying
// packets; the supervisor starts another worker and gives it the accepted whack
// messages again, from its Journal.
//
// The worker is one loop: a goroutine that owns the tables of connections and
// SAs and calls into them. All others only wait for something and hand it to
// the loop.
package daemon
