// Command agent is what the tests of package kernelpeer run beside the real
// program. "agent init" is the first process of the guest: it makes the guest's
// kernel ready and then does what it is told on a serial line. The other
// commands are run by hosts on either side, from shell.
package main

import (
	"fmt"
	"os"
)

func main() {
	args := append(os.Args[1:], "", "", "")
	commands := map[string]func(string, string, string) error{
		"init": initialize, "replay": replay, "put": put, "get": get,
	}
	// The kernel starts its first process without a command, and with what
	// it did not understand of its own command line.
	name := args[0]
	if os.Getpid() == 1 {
		name = "init"
	}
	command := commands[name]
	if command == nil {
		fmt.Fprintln(os.Stderr, "usage: agent init | replay LINK COUNT | put ADDRESS BYTES | get ADDRESS")
		os.Exit(2)
	}
	if err := command(args[1], args[2], args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}
