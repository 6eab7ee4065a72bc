package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"ipsec/conf"
	"ipsec/klips/process"
)

// startTime is how long a daemon may take to become ready.
const startTime = 30 * time.Second

// background starts this program with args as the daemon name, and returns when it is
// ready.
func (e *env) background(name string, args ...string) error {
	// The daemon's folder is "/", and what we were given may be relative.
	for variable, value := range map[string]string{conf.EnvRun: e.Paths.Run, conf.EnvConfs: e.Paths.Confs} {
		if err := os.Setenv(variable, value); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	started, err := process.Background(ctx, e.Stderr, args...)
	var early *process.StartError
	switch {
	case errors.As(err, &early) && early.Status != 0: // it has said why
		return exitStatus(early.Status)
	case err != nil:
		return fmt.Errorf("failed to start %s: %w", name, err)
	}
	return started.Release()
}

// hold takes the lock by which the daemon name lives.
func hold(name, pidfile string) (*process.Lock, error) {
	lock, err := process.Hold(pidfile)
	var held *process.HeldError
	switch {
	case errors.As(err, &held):
		return nil, fmt.Errorf("%s is running already: %w", name, err)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no run folder %s: ipsec setup start makes it, or mkdir", filepath.Dir(pidfile))
	}
	return lock, err
}
