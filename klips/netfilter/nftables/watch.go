// Package nftables reads the rules of netfilter in this network namespace, those of
// nf_tables by netlink and those of iptables-legacy, for package netfilter to judge.
//
// nf_tables tells of each change (NFNLGRP_NFTABLES), iptables-legacy of none.
package nftables

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"ipsec/klips/netfilter"
)

const (
	group = 7 // NFNLGRP_NFTABLES

	// legacyInterval is how often the tables of iptables-legacy are looked at: nothing
	// tells of their changes.
	legacyInterval = 2 * time.Second

	// After a change the rules are read at once, and then not for the least pause, or
	// share times as long as that has taken: however often they change, and however many
	// they are, reading them takes a tenth of the time. In a pause that is long, what has
	// changed is not known.
	leastPause = 50 * time.Millisecond
	longPause  = 500 * time.Millisecond
	share      = 9

	patience = 100 * time.Millisecond // with rules that change while they are read
)

// A Watch knows the rules as they are.
type Watch struct {
	events   *os.File // nil where nf_tables cannot be followed
	unheard  error    // why not; nil where the kernel has no netlink of netfilter at all
	rules    atomic.Pointer[netfilter.Ruleset]
	nft, old []netfilter.Chain // of nf_tables and of iptables-legacy, as they were last read
	failed   error             // to read the former
}

// Open reads the rules, and begins to listen for their changes. It needs
// CAP_NET_ADMIN; without that, or in a kernel without netfilter, it works, too, and
// the Ruleset says what is not known.
func Open() *Watch {
	w := &Watch{}
	w.listen()
	w.read()
	return w
}

// Ruleset returns the rules as they were last read. They do not change.
func (w *Watch) Ruleset() *netfilter.Ruleset { return w.rules.Load() }

// Run reads the rules again after each change, and calls changed after that, until ctx
// ends. It ends the Watch.
func (w *Watch) Run(ctx context.Context, changed func()) error {
	told := make(chan struct{}, 1)
	var deaf chan error // gets why nothing can be heard any more
	begin := func() {
		if w.events == nil {
			return
		}
		deaf = make(chan error, 1)
		go func() { deaf <- hear(w.events, told) }()
	}
	begin()
	defer func() {
		if w.events != nil {
			w.events.Close()
			<-deaf
		}
	}()
	look := time.NewTicker(legacyInterval)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			if w.events != nil || !w.listen() { // a module may bring it
				if w.lookAtLegacy() {
					changed()
				}
				continue
			}
			begin()
		case w.unheard = <-deaf:
			w.events.Close()
			w.events = nil
		case <-told:
		}
		start := time.Now()
		w.read()
		changed()
		w.pause(ctx, max(leastPause, share*time.Since(start)), told, changed)
	}
}

// pause waits. Where that is long, a change makes the rules unknown at once; they are read
// when it is over.
func (w *Watch) pause(ctx context.Context, long time.Duration, told chan struct{}, changed func()) {
	end := time.NewTimer(long)
	defer end.Stop()
	if long >= longPause {
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-told:
		}
		w.rules.Store(&netfilter.Ruleset{Unread: "they have just changed"})
		changed()
		select {
		case told <- struct{}{}:
		default: // there is one more already
		}
	}
	select {
	case <-ctx.Done():
	case <-end.C:
	}
}

// hear passes on that there have been changes until events ends. What they are does
// not matter, nor whether some were lost (ENOBUFS): then there was one.
func hear(events *os.File, told chan<- struct{}) error {
	buf := make([]byte, 4096)
	for {
		if _, err := events.Read(buf); err != nil && !errors.Is(err, unix.ENOBUFS) {
			return err
		}
		select {
		case told <- struct{}{}:
		default:
		}
	}
}

// listen begins to listen, and reports whether it does.
func (w *Watch) listen() bool {
	w.events, w.unheard = subscribe()
	if absent(w.unheard) {
		w.unheard = nil
	}
	return w.events != nil
}

// absent reports whether err says that the kernel has no netlink of netfilter.
func absent(err error) bool {
	return errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EAFNOSUPPORT)
}

// subscribe returns a socket that gets a message after each transaction of nf_tables.
func subscribe() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, generations())
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (group - 1)})
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("failed to listen for changes: %w", err)
	}
	return os.NewFile(uintptr(fd), "nf_tables"), nil
}

// generations returns a filter for messages NFT_MSG_NEWGEN, one of which comes after
// all others of a transaction.
func generations() *unix.SockFprog {
	const wanted = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWGEN
	kind := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, wanted)) // as the filter loads it
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: 4}, // nlmsg_type
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(kind), Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: ^uint32(0)},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
	return &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
}

// read reads all rules.
func (w *Watch) read() {
	w.nft, w.failed = nil, w.unheard
	if w.failed == nil {
		w.nft, w.failed = readTables()
	}
	w.lookAtLegacy()
}

// lookAtLegacy reads the rules of iptables-legacy, and reports whether they have
// changed.
func (w *Watch) lookAtLegacy() bool {
	chains, err := legacy()
	before := w.rules.Load()
	if err = cmp.Or(w.failed, err); err != nil {
		w.rules.Store(&netfilter.Ruleset{Unread: err.Error()})
		return before == nil || before.Unread != err.Error()
	}
	same := before != nil && before.Unread == "" && reflect.DeepEqual(chains, w.old)
	w.old = chains
	w.rules.Store(&netfilter.Ruleset{Chains: append(w.nft[:len(w.nft):len(w.nft)], chains...)})
	return !same
}

// readTables reads the rules of nf_tables.
func readTables() ([]netfilter.Chain, error) {
	for start := time.Now(); ; {
		before, err := generation()
		switch {
		case errors.Is(err, unix.EINVAL), absent(err):
			return nil, nil // there is no nf_tables in this kernel
		case err != nil:
			return nil, err
		}
		var r ruleset
		err = r.read()
		if err != nil && !errors.Is(err, nl.ErrDumpInterrupted) {
			return nil, err
		}
		if err == nil {
			if after, err := generation(); err != nil || after == before {
				return r.chains, err
			}
		}
		if time.Since(start) > patience {
			return nil, errors.New("they change while they are read")
		}
	}
}

// generation returns a number that each transaction changes.
func generation() (uint32, error) {
	var id uint32
	err := ask(unix.NFT_MSG_GETGEN, 0, func(msg []byte) error {
		_, err := each(msg, func(kind uint16, value []byte) {
			if kind == unix.NFTA_GEN_ID {
				id = number(value)
			}
		})
		return err
	})
	return id, err
}

// read asks for all there is.
func (r *ruleset) read() error {
	for _, part := range []struct {
		kind int
		take func([]byte) error
	}{
		{unix.NFT_MSG_GETTABLE, r.table},
		{unix.NFT_MSG_GETCHAIN, r.chain},
		{unix.NFT_MSG_GETRULE, r.rule},
	} {
		if err := ask(part.kind, unix.NLM_F_DUMP, part.take); err != nil {
			return err
		}
	}
	return nil
}

// ask sends the kernel a request of nf_tables, and calls take with each message that
// answers it, until one fails: the rest, which can take the kernel long, is then not
// waited for.
func ask(kind, flags int, take func(msg []byte) error) error {
	socket, err := nl.Subscribe(unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	defer socket.Close()
	if err := socket.SetReceiveTimeout(&unix.Timeval{Sec: 10}); err != nil {
		return err
	}
	req := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|kind, flags)
	req.AddRawData(make([]byte, headLen)) // of all families
	if err := socket.Send(req); err != nil {
		return err
	}
	for interrupted := false; ; {
		messages, from, err := socket.Receive()
		if err != nil {
			return err
		}
		if from.Pid != nl.PidKernel {
			continue
		}
		for _, m := range messages {
			interrupted = interrupted || m.Header.Flags&unix.NLM_F_DUMP_INTR != 0
			switch m.Header.Type {
			case unix.NLMSG_ERROR, unix.NLMSG_DONE:
				if errno := code(m.Data); errno != 0 {
					return errno
				}
				if interrupted {
					return nl.ErrDumpInterrupted
				}
				return nil
			}
			if err := take(m.Data); err != nil {
				return err
			}
			if m.Header.Flags&unix.NLM_F_MULTI == 0 {
				return nil
			}
		}
	}
}

// code returns the error that a message of the end has, 0 for none.
func code(data []byte) unix.Errno {
	if len(data) < 4 {
		return 0
	}
	return unix.Errno(-int32(binary.NativeEndian.Uint32(data)))
}
