// Package xdp carries ESP packets past the kernel's stack, by AF_XDP sockets: a
// program on the interface (XDP) takes those that are for this host out of what
// comes in, and puts them into memory that the process shares with the kernel.
// Packets to be sent go the same way, frame by frame, each with its Ethernet
// header.
//
// What the program does not take goes on as if it were not there: what is not
// ESP, what has a VLAN tag, fragments, ESP behind another extension header of
// IPv6, and ESP to an address that is not one of the interface's, as a router
// forwards it. Sockets of another kind have to take the ESP in there.
//
// A program that is on an interface already stays, and keeps ours away. Ours goes
// when the Link is closed or the process ends, however that is.
//
// The kernel's stack runs the program (its generic mode), not the driver: a
// driver that runs one may have to stop and begin again, with other offloads and
// queues, and between virtual interfaces it is slower. In that mode the kernel
// copies each packet that comes in by the interface and that is longer than a
// page, such as a train of datagrams (UDP_SEGMENT) from another namespace.
package xdp
