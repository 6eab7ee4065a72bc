package updown

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// Runner runs a command of the user to its end, or for so long.
type Runner interface {
	Run(command string, variables []string, timeout time.Duration) error
}

// Shell runs commands by /bin/sh, in / and in a process group of their own. They
// get stdin from /dev/null, and no open files but that and their output's.
type Shell struct {
	Env    []string  // what they get beside their variables: PATH, IPSEC_CONFS and so on
	Output io.Writer // takes what they print; nil for nothing
}

// lingering is how long the output of a command is waited for after its end:
// something that it left running may hold it open for ever.
const lingering = 200 * time.Millisecond

// Run runs a command to its end, as a Runner does. What takes longer than timeout, or
// than ctx, is killed with all of its process group.
func (s Shell) Run(ctx context.Context, command string, variables []string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Dir = "/"
	cmd.Env = append(append([]string{}, s.Env...), variables...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = lingering
	cmd.Stdout, cmd.Stderr = s.Output, s.Output
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("it was killed after %s", timeout)
	case ctx.Err() != nil:
		return fmt.Errorf("it was killed before its time of %s: %w", timeout, ctx.Err())
	case errors.Is(err, exec.ErrWaitDelay):
		return nil
	}
	return err
}
