package logger

import (
	"bytes"
	"sync"
)

// Writer says what is written to it, line by line: it is for the output of a
// foreign program. Close says a last line that no newline ended. Each
// program needs a Writer of its own, so that halves of lines do not meet.
type Writer struct {
	log *Logger

	mu   sync.Mutex
	line []byte // what came since the last newline
}

// Writer returns a Writer that says its lines as Say does.
func (l *Logger) Writer() *Writer { return &Writer{log: l} }

// Write takes all of p and never fails.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(p)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		part := p
		if end >= 0 {
			part = p[:end]
		}
		if room := MaxLine - len(w.line); len(part) > room {
			w.line = append(w.line, part[:room]...)
			p = p[room:]
			w.flush()
			continue
		}
		w.line = append(w.line, part...)
		p = p[len(part):]
		if end >= 0 {
			p = p[1:]
			w.flush()
		}
	}
	return n, nil
}

// Close says what is left of a line. It never fails.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.line) > 0 {
		w.flush()
	}
	return nil
}

func (w *Writer) flush() {
	w.log.Say(string(w.line))
	w.line = w.line[:0]
}
