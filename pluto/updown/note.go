package updown

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"ipsec/conf/info"
)

// mostNotes is how large ipsec.info may grow by what connections do, in bytes: half
// of what is read of it. The other half is left for stop and start.
const mostNotes = info.MaxSize / 2

// notes is what is appended to ipsec.info.
type notes struct {
	path string // "" for none
	log  func(string)
	had  *info.Standing // lines that are there and need not be again; nil: not known yet
	size int64          // of the file with them: where it is another, somebody else has written
	full bool           // nothing more goes in
}

// add notes a line, which is on disk or in the kernel's care when it returns. A
// file that is not there stays so: nobody has started anything that needs to be
// stopped.
func (n *notes) add(line info.Line) error {
	if n.path == "" || n.full {
		return nil
	}
	size := int64(-1)
	if stat, err := os.Stat(n.path); err == nil {
		size = stat.Size()
	}
	if n.had == nil || n.size != size {
		lines, _, err := info.Read(n.path)
		if errors.Is(err, info.ErrTooLarge) {
			n.fill()
			return nil
		}
		if err != nil {
			return err
		}
		n.had, n.size = info.StandingOf(lines), size // from before it was read
	}
	if n.had.Has(line) {
		return nil
	}
	switch err := (info.Appender{Path: n.path, Limit: mostNotes}).Append(line); {
	case errors.Is(err, fs.ErrNotExist):
		n.had = nil
		return nil
	case errors.Is(err, info.ErrTooLarge): // of peers that came and went, by the thousand
		n.fill()
		return nil
	case err != nil:
		return err
	}
	n.had.Add(line)
	n.size += int64(len(line.String()) + len("\n"))
	return nil
}

func (n *notes) fill() {
	n.full = true
	n.log(fmt.Sprintf("%s has grown beyond %d bytes: what connections do to routes is no longer noted there", n.path, mostNotes))
}
