package xdp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

const (
	slotLimit = 256  // sockets of all interfaces
	addrLimit = 4096 // addresses of all interfaces
)

// A Program takes ESP out of the way into the kernel's stack, on every
// interface that it is attached to.
type Program struct {
	prog    *ebpf.Program
	locals  *ebpf.Map // by interface and address, the slots of the interface
	sockets *ebpf.Map // by slot

	mu    sync.Mutex      // guards what follows
	slots [slotLimit]bool // in use
}

// A local is the key of Program.locals: an address, of IPv4 as IPv6 has it, and
// the index of its interface.
type local struct {
	index uint32
	addr  [16]byte
}

// A span is what Program.locals says of it: the slots of the sockets of the
// queues of the interface, and the length of the longest frame that they take.
type span struct{ first, count, longest uint32 }

// Load loads the program and its maps, one for all interfaces. It needs
// CAP_NET_ADMIN and CAP_BPF, or CAP_SYS_ADMIN before Linux 5.8, which nothing
// else here does: a process may give them up afterwards.
func Load() (*Program, error) {
	p := &Program{}
	err := p.load()
	if err == nil {
		return p, nil
	}
	p.Close()
	var verifier *ebpf.VerifierError
	switch {
	case errors.As(err, &verifier): // whose lines would be many
		err = verifier.Cause
	case errors.Is(err, unix.EPERM):
		return nil, fmt.Errorf("failed to load the XDP program: it needs root, or CAP_BPF and CAP_NET_ADMIN: %w", err)
	}
	return nil, fmt.Errorf("failed to load the XDP program: %w", err)
}

func (p *Program) load() (err error) {
	p.locals, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "ipsec_locals", Type: ebpf.Hash, KeySize: 20, ValueSize: 12, MaxEntries: addrLimit, Flags: unix.BPF_F_NO_PREALLOC,
	})
	if err != nil {
		return err
	}
	p.sockets, err = ebpf.NewMap(&ebpf.MapSpec{Name: "ipsec_sockets", Type: ebpf.XSKMap, KeySize: 4, ValueSize: 4, MaxEntries: slotLimit})
	if err != nil {
		return err
	}
	p.prog, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "ipsec_esp", Type: ebpf.XDP, Instructions: instructions(p.locals.FD(), p.sockets.FD()), License: "MIT",
	})
	return err
}

// Close unloads the program once the last interface is without it.
func (p *Program) Close() error {
	var err error
	if p.prog != nil {
		err = p.prog.Close()
	}
	for _, m := range []*ebpf.Map{p.locals, p.sockets} {
		if m != nil {
			err = errors.Join(err, m.Close())
		}
	}
	return err
}

// reserve takes count slots, one behind the other.
func (p *Program) reserve(count int) (span, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for first, free := 0, 0; first+free < slotLimit; {
		if p.slots[first+free] {
			first, free = first+free+1, 0
			continue
		}
		if free++; free == count {
			for i := range count {
				p.slots[first+i] = true
			}
			return span{first: uint32(first), count: uint32(count)}, nil
		}
	}
	return span{}, fmt.Errorf("there are %d AF_XDP sockets already: %w", slotLimit, unix.ENOSPC)
}

func (p *Program) release(s span) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.slots[s.first : s.first+s.count])
}

func localOf(index int, a netip.Addr) local { return local{uint32(index), a.As16()} }

// The stack of the program has the key of a local at its end.
const (
	keyAt  = -20
	addrAt = keyAt + 4
)

// instructions returns the program. What is not an untagged Ethernet frame
// with a whole ESP packet in it, right behind the IPv4 header or the IPv6 header,
// to an address of the interface, goes on into the kernel's stack, and so does
// what comes by a queue that has no socket or is too long for it.
func instructions(locals, sockets int) asm.Instructions {
	const (
		ethernet = 14
		pass     = 2 // XDP_PASS
		esp      = unix.IPPROTO_ESP
	)
	packet, end, ctx, value := asm.R2, asm.R3, asm.R6, asm.R5
	return asm.Instructions{
		asm.Mov.Reg(ctx, asm.R1),
		asm.LoadMem(packet, ctx, 0, asm.Word), // data
		asm.LoadMem(end, ctx, 4, asm.Word),    // data_end
		asm.Mov.Reg(asm.R4, packet),
		asm.Add.Imm(asm.R4, ethernet+20),
		asm.JGT.Reg(asm.R4, end, "pass"),
		asm.LoadMem(value, packet, 12, asm.Half),
		asm.JEq.Imm(value, network(unix.ETH_P_IP), "ipv4"),
		asm.JNE.Imm(value, network(unix.ETH_P_IPV6), "pass"),

		asm.Mov.Reg(asm.R4, packet),
		asm.Add.Imm(asm.R4, ethernet+40),
		asm.JGT.Reg(asm.R4, end, "pass"),
		asm.LoadMem(value, packet, ethernet+6, asm.Byte), // next header
		asm.JNE.Imm(value, esp, "pass"),
		asm.LoadMem(value, packet, ethernet+24, asm.Word), // destination
		asm.StoreMem(asm.RFP, addrAt, value, asm.Word),
		asm.LoadMem(value, packet, ethernet+28, asm.Word),
		asm.StoreMem(asm.RFP, addrAt+4, value, asm.Word),
		asm.LoadMem(value, packet, ethernet+32, asm.Word),
		asm.StoreMem(asm.RFP, addrAt+8, value, asm.Word),
		asm.LoadMem(value, packet, ethernet+36, asm.Word),
		asm.StoreMem(asm.RFP, addrAt+12, value, asm.Word),
		asm.Ja.Label("look"),

		asm.LoadMem(value, packet, ethernet+9, asm.Byte).WithSymbol("ipv4"), // protocol
		asm.JNE.Imm(value, esp, "pass"),
		asm.LoadMem(value, packet, ethernet+6, asm.Half), // MF, and the offset
		asm.JSet.Imm(value, network(0x3fff), "pass"),
		asm.StoreImm(asm.RFP, addrAt, 0, asm.Word),
		asm.StoreImm(asm.RFP, addrAt+4, 0, asm.Word),
		asm.StoreImm(asm.RFP, addrAt+8, int64(binary.NativeEndian.Uint32([]byte{0, 0, 0xff, 0xff})), asm.Word),
		asm.LoadMem(value, packet, ethernet+16, asm.Word), // destination
		asm.StoreMem(asm.RFP, addrAt+12, value, asm.Word),

		asm.LoadMem(value, ctx, 12, asm.Word).WithSymbol("look"), // ingress_ifindex
		asm.StoreMem(asm.RFP, keyAt, value, asm.Word),
		asm.LoadMapPtr(asm.R1, locals),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, keyAt),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "pass"),
		asm.LoadMem(packet, ctx, 0, asm.Word),
		asm.LoadMem(end, ctx, 4, asm.Word),
		asm.Sub.Reg(end, packet),
		asm.LoadMem(value, asm.R0, 8, asm.Word), // span.longest
		asm.JGT.Reg(end, value, "pass"),
		asm.LoadMem(asm.R2, asm.R0, 0, asm.Word), // span.first
		asm.LoadMem(asm.R4, asm.R0, 4, asm.Word), // span.count
		asm.LoadMem(value, ctx, 16, asm.Word),    // rx_queue_index
		asm.JGE.Reg(value, asm.R4, "pass"),
		asm.Add.Reg(asm.R2, value),
		asm.LoadMapPtr(asm.R1, sockets),
		asm.Mov.Imm(asm.R3, pass),
		asm.FnRedirectMap.Call(),
		asm.Return(),

		asm.Mov.Imm(asm.R0, pass).WithSymbol("pass"),
		asm.Return(),
	}
}

// network returns a number of 16 bits as the host reads it off the wire.
func network(n uint16) int32 {
	return int32(binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n)))
}
