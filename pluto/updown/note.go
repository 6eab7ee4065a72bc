package updown

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// mostNotes is how large ipsec.info may grow, in bytes: half of what is read of it.
const mostNotes = 1 << 19

// notes is what is appended to ipsec.info: name=value, one a line.
type notes struct {
	path string
	log  func(string)
	had  map[string]bool // lines that are there and need not be again
	full bool            // nothing more goes in
}

// add notes a line, which is on disk or in the kernel's care when it returns. A
// file that is not there stays so: nobody has started anything that needs to be
// stopped.
func (n *notes) add(name, value string) error {
	line := name + "=" + value
	if n.path == "" || n.full || n.had[line] {
		return nil
	}
	file, err := os.OpenFile(n.path, os.O_RDWR|os.O_APPEND|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("failed to note in ipsec.info what stop needs: %w", err)
	}
	defer file.Close()
	if n.had == nil {
		if err := n.read(file); err != nil {
			return err
		}
		if n.had[line] {
			return nil
		}
	}
	text := line + "\n"
	info, err := file.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a regular file: remove it", n.path)
	case info.Size() > mostNotes: // of peers that came and went, by the thousand
		n.full = true
		n.log(fmt.Sprintf("%s has grown beyond %d bytes: what connections do to routes is no longer noted there", n.path, mostNotes))
		return nil
	case info.Size() > 0:
		var last [1]byte
		if _, err = file.ReadAt(last[:], info.Size()-1); err == nil && last[0] != '\n' { // a power cut has left half a line
			text = "\n" + text
		}
	}
	if err == nil {
		_, err = file.WriteString(text)
	}
	if err != nil {
		return fmt.Errorf("failed to note in ipsec.info what stop needs: %w", err)
	}
	n.remember(line)
	return nil
}

// read finds out what has been noted before.
func (n *notes) read(file *os.File) error {
	text, err := io.ReadAll(io.LimitReader(file, 2*mostNotes))
	if err != nil {
		return fmt.Errorf("failed to read ipsec.info: %w", err)
	}
	n.had = map[string]bool{}
	for line := range bytes.Lines(text) {
		if whole, ok := bytes.CutSuffix(line, []byte("\n")); ok {
			n.remember(string(whole))
		}
	}
	return nil
}

// remember notes that a line is there. A hook and its unhook take turns.
func (n *notes) remember(line string) {
	name, value, _ := bytes.Cut([]byte(line), []byte("="))
	switch string(name) {
	case "route":
		n.had[line] = true
	case "hook":
		n.had[line] = true
	case "unhook":
		delete(n.had, "hook="+string(value))
	}
}
