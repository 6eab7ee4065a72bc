package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/klips/proc"
	"ipsec/klips/said"
)

// pfkeyCmd is ipsec pf_key, ipsec_pf_key(8).
type pfkeyCmd struct {
	Ah     bool `help:"Only messages of AH. Those of no protocol, such as requests for keys, come always."`
	Esp    bool `help:"Only messages of ESP."`
	Ipip   bool `help:"Only messages of tunnels."`
	Ipcomp bool `help:"Only messages of IPCOMP."`

	Daemon  string `placeholder:"FILE" complete:"file" help:"Go on in the background once messages come, and write the process number to FILE."`
	ReadyFd int    `default:"-1" hidden:""` // of the process in the background: closed when messages come
}

// Run prints the messages of KLIPS as they come, until it is interrupted.
func (c *pfkeyCmd) Run(e *env) error {
	if c.Daemon != "" && c.ReadyFd < 0 {
		return c.background(e)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	kernel, err := client.Dial(e.Paths.KlipsCtl())
	if err != nil {
		return err
	}
	defer kernel.Close()
	events, err := kernel.Register(ctx)
	if err != nil {
		return err
	}
	defer events.Close()
	if c.ReadyFd >= 0 {
		ready := os.NewFile(uintptr(c.ReadyFd), "ready")
		_, err := ready.WriteString("\n")
		if err := errors.Join(err, ready.Close()); err != nil {
			return fmt.Errorf("failed to tell that messages come: %w", err)
		}
	}
	err = c.print(e.Stdout, events.Next, time.Now)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// background runs this command again, with our standard output, and returns
// when messages come.
func (c *pfkeyCmd) background(e *env) error {
	ready, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	args := []string{"pf_key", "--daemon=" + c.Daemon, "--ready-fd=3"}
	for _, f := range []form{{"--ah", c.Ah}, {"--esp", c.Esp}, {"--ipip", c.Ipip}, {"--ipcomp", c.Ipcomp}} {
		if f.given {
			args = append(args, f.name)
		}
	}
	again := exec.Command(e.Self, args...)
	again.Stdout, again.Stderr = e.Stdout, e.Stderr
	again.ExtraFiles = []*os.File{theirs}
	again.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = again.Start()
	theirs.Close()
	if err != nil {
		return fmt.Errorf("failed to go to the background: %w", err)
	}
	if n, _ := ready.Read(make([]byte, 1)); n == 0 { // it has said why
		again.Wait()
		return exitStatus(1)
	}
	if err := os.WriteFile(c.Daemon, fmt.Appendln(nil, again.Process.Pid), 0o644); err != nil {
		again.Process.Kill()
		again.Wait()
		return fmt.Errorf("failed to write the process number: %w", err)
	}
	return again.Process.Release()
}

// print writes a line for each event that is asked for.
func (c *pfkeyCmd) print(w io.Writer, next func() (klips.Event, error), now func() time.Time) error {
	for {
		event, err := next()
		if err != nil {
			return err
		}
		text, proto := proc.Event(event)
		if !c.wants(proto) {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s %s\n", now().Format(time.RFC3339), text); err != nil {
			return err
		}
	}
}

// wants reports whether messages of the protocol are asked for; it is 0 for a
// message about no SA.
func (c *pfkeyCmd) wants(proto said.Proto) bool {
	if !c.Ah && !c.Esp && !c.Ipip && !c.Ipcomp {
		return true
	}
	switch proto {
	case said.AH:
		return c.Ah
	case said.ESP:
		return c.Esp
	case said.IPIP:
		return c.Ipip
	case said.COMP:
		return c.Ipcomp
	}
	return true
}
