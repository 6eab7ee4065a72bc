package wire

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bufferSize is what the kernel may hold of a socket, in bytes.
const bufferSize = 4 << 20

// socket returns a socket on the device, or "" for none, watched by Go's poller once it is set up.
func socket(device string, family, kind, proto int, setup func(fd int) error) (*os.File, syscall.RawConn, error) {
	fd, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return nil, nil, err
	}
	if device != "" {
		err = unix.BindToDevice(fd, device)
	}
	if err == nil {
		err = setup(fd)
	}
	if err != nil {
		unix.Close(fd)
		return nil, nil, err
	}
	// The forced sizes need CAP_NET_ADMIN; a smaller buffer loses packets sooner.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferSize)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, bufferSize)
	file := os.NewFile(uintptr(fd), fmt.Sprintf("socket on %s", device))
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, raw, nil
}

// set turns options on.
func set(fd, level int, options ...int) error {
	for _, option := range options {
		if err := unix.SetsockoptInt(fd, level, option, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// A slot is what one message of a batch needs. It is not moved once it is set up.
type slot struct {
	iov     [2]unix.Iovec
	name    unix.RawSockaddrInet6 // of IPv4 too, which is shorter
	control [128]byte
}

// slots returns the messages of a batch, wired up.
func slots(n int) ([]mmsghdr, []slot) {
	messages, s := make([]mmsghdr, n), make([]slot, n)
	for i := range messages {
		h := &messages[i].hdr
		h.Iov = &s[i].iov[0]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&s[i].name))
	}
	return messages, s
}

// mmsg is recvmmsg(2) or sendmmsg(2), without telling Go's scheduler, as the call does
// not wait. The scheduler would wake a thread to watch a call that may take long, and
// take the processor from one that lasts a while, which is only because the kernel
// carries the packets on in it.
func mmsg(trap, fd uintptr, messages []mmsghdr) (int, syscall.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)), unix.MSG_DONTWAIT, 0, 0)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}
