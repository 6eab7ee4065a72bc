// Command agent is the first process of a guest (see golden/guest): it prepares the
// guest's kernel and then carries out the orders that come by a serial line. It also
// has commands that scripts of either side run.
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
