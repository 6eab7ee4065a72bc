package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/golden/guest/order"
)

// patience is how long traffic may take.
const patience = 30 * time.Second

// put sends bytes to a TCP server, and prints their digest.
func put(address, size string) error {
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return err
	}
	conn, err := dial(address)
	if err != nil {
		return err
	}
	defer conn.Close()
	digest := sha256.New()
	if _, err := io.Copy(io.MultiWriter(conn, digest), order.Bulk(n)); err != nil {
		return err
	}
	fmt.Printf("%x\n", digest.Sum(nil))
	return nil
}

// get reads from a TCP server until it has no more, and prints the digest.
func get(address string) error {
	conn, err := dial(address)
	if err != nil {
		return err
	}
	defer conn.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, conn); err != nil {
		return err
	}
	fmt.Printf("%x\n", digest.Sum(nil))
	return nil
}

func dial(address string) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(patience))
	}
	return conn, err
}

// replay captures the first ESP or AH packet that leaves by a link, waits until
// another has left after it, and sends the first again, count times. It prints
// "ready" when it listens.
func replay(link, count string) error {
	times, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	dev, err := net.InterfaceByName(link)
	if err != nil {
		return err
	}
	const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8 // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: dev.Index}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	limit := unix.NsecToTimeval(patience.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	fmt.Println("ready")
	var first []byte
	buf := make([]byte, 1<<16)
	for {
		n, from, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		leaves, _ := from.(*unix.SockaddrLinklayer)
		switch {
		case leaves == nil || leaves.Pkttype != unix.PACKET_OUTGOING || !protected(buf[:n]):
		case first == nil:
			first = bytes.Clone(buf[:n])
		default:
			for range times {
				if _, err := unix.Write(fd, first); err != nil {
					return os.NewSyscallError("write", err)
				}
			}
			return nil
		}
	}
}

// protected reports whether an Ethernet frame holds ESP or AH.
func protected(frame []byte) bool {
	if len(frame) < 34 {
		return false
	}
	proto := frame[14+9]
	if binary.BigEndian.Uint16(frame[12:]) == unix.ETH_P_IPV6 {
		proto = frame[14+6]
	}
	return proto == unix.IPPROTO_ESP || proto == unix.IPPROTO_AH
}
