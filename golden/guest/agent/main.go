// Command agent is what tests that have a guest run beside the real
// program. It is the first process of the guest, which makes the guest's kernel
// ready and then does what it is told on a serial line; and it has commands that
// either side runs from shell.
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	if err := run(append(os.Args, "", "", "")[1:4]); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	// The kernel starts its first process without a command.
	if os.Getpid() == 1 {
		return guest()
	}
	switch args[0] {
	case "put":
		return put(args[1], args[2])
	case "get":
		return get(args[1])
	case "replay":
		return replay(args[1], args[2])
	}
	return errors.New("usage: agent put ADDRESS BYTES | get ADDRESS | replay LINK COUNT")
}
