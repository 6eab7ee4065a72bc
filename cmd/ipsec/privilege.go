package main

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Capabilities that a daemon goes on with.
const (
	// plutoKeeps: links and routes; raw sockets; ports below 1024.
	plutoKeeps = 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_NET_BIND_SERVICE
	// klipsKeeps: the same for its interfaces, and the memory that AF_XDP sockets
	// share with the kernel.
	klipsKeeps = plutoKeeps | 1<<unix.CAP_IPC_LOCK
)

// dropPrivileges gives up every capability but those of keep, in all threads,
// for good: neither this process nor a child can get one back. What it had not
// before it does not get. Its shell twin is "setpriv --no-new-privs
// --inh-caps=-all …"; see capabilities(7).
func dropPrivileges(keep uint32) error {
	if _, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
		if errno == unix.ENOTSUP { // with cgo, as in a build for the race detector, Go cannot reach all threads
			return nil
		}
		return fmt.Errorf("failed to give up new privileges: %w", errno)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("failed to read capabilities: %w", err)
	}
	data[0] = unix.CapUserData{Effective: data[0].Effective & keep, Permitted: data[0].Permitted & keep}
	data[1] = unix.CapUserData{}
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	if errno != 0 {
		return fmt.Errorf("failed to give up capabilities: %w", errno)
	}
	return nil
}
