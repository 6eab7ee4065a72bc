// Package confine has a daemon give up, for good, what it does not need: its
// capabilities, and the right to change files. Who takes the daemon over gains
// what is left and no more.
package confine

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Capabilities is a set of capabilities(7), a bit for each.
type Capabilities uint32

// What the daemons go on with.
const (
	// Pluto has links and routes, raw sockets, and ports below 1024.
	Pluto Capabilities = 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_NET_BIND_SERVICE
	// Klips has the same for its interfaces, and the memory that AF_XDP sockets
	// share with the kernel.
	Klips = Pluto | 1<<unix.CAP_IPC_LOCK
)

// Keep gives up every capability that is not in keep, in all threads: neither
// this process nor a child can get one back. What it had not before it does not
// get. Its shell twin is "setpriv --no-new-privs --inh-caps=-all …"; see
// capabilities(7).
//
// In a build with cgo, as for the race detector, Go cannot reach all threads,
// and nothing is given up.
func Keep(keep Capabilities) error {
	if _, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
		if errno == unix.ENOTSUP {
			return nil
		}
		return fmt.Errorf("failed to give up new privileges: %w", errno)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("failed to read capabilities: %w", err)
	}
	data[0] = unix.CapUserData{Effective: data[0].Effective & uint32(keep), Permitted: data[0].Permitted & uint32(keep)}
	data[1] = unix.CapUserData{}
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	if errno != 0 {
		return fmt.Errorf("failed to give up capabilities: %w", errno)
	}
	return nil
}
