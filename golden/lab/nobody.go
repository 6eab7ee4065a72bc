package lab

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Nobody is the user of AsNobody.
const Nobody = 65534

// AsNobody calls do on a thread of another user, and returns when it is done.
func AsNobody(t testing.TB, do func()) {
	t.Helper()
	NeedRoot(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() { // /proc shows the user of the first thread as that of the process
			AsNobody(t, do) // which cannot get the thread that we hold
			runtime.UnlockOSThread()
			return
		}
		// Left locked, the thread ends with the goroutine.
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, Nobody, Nobody, Nobody); errno != 0 {
			t.Error(errno)
			return
		}
		do()
	}()
	<-done
}

// OpenFolder returns a new folder that any user may enter.
func OpenFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "open")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
