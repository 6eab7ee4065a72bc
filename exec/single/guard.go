package single

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long setup waits for another one that is about to make
// its run folder, which takes some milliseconds. Anyone may hold a lock on a
// folder that he can read, so that it must not be waited for without end.
const patience = 2 * time.Second

// guard takes the lock by which one setup at a time makes a run folder
// in the folder that has run: between making it and locking it, another one
// would find a folder that seems to have been there before any start, and stop
// would leave it. Without the guard, which release gives back, all else still
// holds; so where it cannot be had, setup does without.
func guard(ctx context.Context, run string) (release func()) {
	parent, err := os.OpenFile(filepath.Dir(run), os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for unix.Flock(int(parent.Fd()), unix.LOCK_EX|unix.LOCK_NB) == unix.EWOULDBLOCK {
		select {
		case <-ctx.Done():
			parent.Close()
			return func() {}
		case <-time.After(2 * time.Millisecond):
		}
	}
	return func() { parent.Close() }
}
