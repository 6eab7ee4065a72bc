package daemon

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"ipsec/klips/process/confine"
)

// settle sets what the process of a worker has as a whole.
func (w Worker) settle() {
	// One goroutine does what is to be done, and the others only hand it that:
	// threads that look for work beside it take more time than the work.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(50) // a third less memory for some percent more work
	if w.CoreDir == "" {
		return
	}
	if err := os.Chdir(w.CoreDir); err != nil {
		w.Log(fmt.Sprintf("failed to go to the folder of --coredir: %v", err))
	}
}

// confine gives up, for good, the privileges that IKE does not need, and the right to
// change files but ipsec.info and a core.
func (w Worker) confine() error {
	if err := confine.Keep(confine.Pluto); err != nil {
		return err
	}
	left := []confine.Writable{{Path: w.Paths.Info()}}
	if w.CoreDir != "" {
		left = append(left, confine.Writable{Path: w.CoreDir, Make: true})
	}
	return confine.ReadOnly(left...)
}
