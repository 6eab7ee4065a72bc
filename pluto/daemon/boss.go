package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// boss is the supervisor, as its worker reaches it.
type boss struct {
	conn *os.File
	in   *json.Decoder

	mu      sync.Mutex
	out     *json.Encoder
	next    int
	waiting map[int]func(output string, err error)
}

func newBoss(conn *os.File) *boss {
	return &boss{conn: conn, in: json.NewDecoder(conn), out: json.NewEncoder(conn), waiting: make(map[int]func(string, error))}
}

// history returns the messages that earlier workers accepted.
func (p *boss) history() ([]Entry, error) {
	var entries []Entry
	for {
		var m toWorker
		if err := p.in.Decode(&m); err != nil {
			return nil, fmt.Errorf("failed to hear from the supervisor: %w", err)
		}
		switch {
		case m.Replay != nil:
			entries = append(entries, *m.Replay)
		case m.Begin:
			return entries, nil
		}
	}
}

// listen hands the outcomes of scripts to those who wait for them, and returns
// when the supervisor is gone: a worker does not outlive it.
func (p *boss) listen() error {
	for {
		var m toWorker
		if err := p.in.Decode(&m); err != nil {
			return fmt.Errorf("the supervisor is gone: %w", err)
		}
		if m.Ran == nil {
			continue
		}
		p.mu.Lock()
		done := p.waiting[m.Ran.ID]
		delete(p.waiting, m.Ran.ID)
		p.mu.Unlock()
		if done == nil {
			continue
		}
		var err error
		if m.Ran.Err != "" {
			err = errors.New(m.Ran.Err)
		}
		done(m.Ran.Output, err)
	}
}

func (p *boss) say(m toSupervisor) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Encode(m)
}

// ready says that the worker does its work.
func (p *boss) ready() error { return p.say(toSupervisor{Ready: true}) }

// keep has an accepted message given to workers to come.
func (p *boss) keep(e Entry) error { return p.say(toSupervisor{Keep: &e}) }

// drop takes back those of a kind, or of all kinds, for a name.
func (p *boss) drop(kind Kind, name string) error {
	return p.say(toSupervisor{Drop: &Entry{Kind: kind, Name: name}})
}

// run has a command of ipsec.conf run with the privileges that the worker has
// given up; done is called from another goroutine.
func (p *boss) run(command string, env []string, timeout time.Duration, done func(output string, err error)) {
	p.mu.Lock()
	p.next++
	id := p.next
	p.waiting[id] = done
	err := p.out.Encode(toSupervisor{Run: &script{ID: id, Command: command, Env: env, Timeout: timeout}})
	p.mu.Unlock()
	if err != nil {
		done("", fmt.Errorf("failed to have it run: %w", err))
	}
}
