package nftables

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipsec/klips/netfilter"
)

// iptables of before nf_tables has tables of its own, which a socket option hands out
// as a whole: linux/netfilter_ipv4/ip_tables.h and linux/netfilter_ipv6/ip6_tables.h.

const (
	soGetInfo    = 64 // IPT_SO_GET_INFO, IP6T_SO_GET_INFO
	soGetEntries = 65

	tableNameLen = 32
	infoLen      = tableNameLen + 4*13
	entriesAt    = 40 // in struct ipt_get_entries

	legacyLimit = 1 << 20 // bytes of a table that is looked through

	invertIn       = 0x01 // IPT_INV_VIA_IN, and the next bit is that of the link out
	invertProtocol = 0x40
)

// A version is what the tables of a version of IP have of their own.
type version struct {
	family netfilter.Family
	tool   string
	names  string // the file with the names of the tables
	domain int    // of a socket
	level  int    // of its options

	links   int // in an entry, the names of the links in and out, and their masks
	proto   int // the protocol
	flags   int // the flags, of which checks says that there is a protocol
	checks  byte
	inverts int // the flags that turn a condition round
	target  int // the offset of its target, and that of the next entry
}

func versions() []version {
	return []version{
		{family: netfilter.IPv4, tool: "iptables-legacy", names: "/proc/thread-self/net/ip_tables_names", domain: unix.AF_INET, level: unix.SOL_IP, links: 16, proto: 80, flags: 82, inverts: 83, target: 88},
		{family: netfilter.IPv6, tool: "ip6tables-legacy", names: "/proc/thread-self/net/ip6_tables_names", domain: unix.AF_INET6, level: unix.SOL_IPV6, links: 64, proto: 128, flags: 131, checks: 0x01, inverts: 132, target: 140},
	}
}

// legacy returns the chains of iptables-legacy that packets of this host meet.
func legacy() ([]netfilter.Chain, error) {
	var all []netfilter.Chain
	for _, v := range versions() {
		names, err := os.ReadFile(v.names)
		if errors.Is(err, fs.ErrNotExist) { // there are none in this kernel
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, name := range strings.Fields(string(names)) {
			info, entries, err := v.read(name)
			if err == nil {
				var chains []netfilter.Chain
				chains, err = v.chains(name, info, entries)
				all = append(all, chains...)
			}
			if err != nil {
				return nil, fmt.Errorf("failed to read the table %s of %s: %w", name, v.tool, err)
			}
		}
	}
	return all, nil
}

// read asks the kernel for a table.
func (v version) read(name string) (info, entries []byte, err error) {
	fd, err := unix.Socket(v.domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	defer unix.Close(fd)
	info = make([]byte, infoLen)
	copy(info[:tableNameLen-1], name)
	if err := getsockopt(fd, v.level, soGetInfo, info); err != nil {
		return nil, nil, err
	}
	size := binary.NativeEndian.Uint32(info[infoLen-4:])
	if size > legacyLimit {
		return nil, nil, fmt.Errorf("it has %d bytes, and no more than %d are looked at: %w", size, legacyLimit, unix.EFBIG)
	}
	entries = make([]byte, entriesAt+int(size))
	copy(entries[:tableNameLen-1], name)
	binary.NativeEndian.PutUint32(entries[tableNameLen:], size)
	if err := getsockopt(fd, v.level, soGetEntries, entries); err != nil {
		return nil, nil, err // EAGAIN: it has another size by now
	}
	return info, entries[entriesAt:], nil
}

func getsockopt(fd, level, name int, b []byte) error {
	n := uint32(len(b))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&n)), 0)
	runtime.KeepAlive(b)
	if errno != 0 {
		return errno
	}
	return nil
}

// chains returns the chains of a table that has that struct ipt_getinfo and those
// entries. Each rule there counts packets, those that jump too, so that chains that
// others jump to need not be looked at.
func (v version) chains(table string, info, entries []byte) ([]netfilter.Chain, error) {
	if len(info) != infoLen {
		return nil, errMalformed
	}
	word := func(i int) int { return int(binary.NativeEndian.Uint32(info[tableNameLen+4*i:])) }
	var all []netfilter.Chain
	for at, hook := range []netfilter.Hook{
		unix.NF_INET_PRE_ROUTING: netfilter.Prerouting, unix.NF_INET_LOCAL_IN: netfilter.Input, unix.NF_INET_FORWARD: netfilter.None,
		unix.NF_INET_LOCAL_OUT: netfilter.Output, unix.NF_INET_POST_ROUTING: netfilter.Postrouting,
	} {
		if hook == netfilter.None || word(0)&(1<<at) == 0 {
			continue
		}
		c := netfilter.Chain{Table: table + " of " + v.tool, Name: strings.ToUpper(hook.String()), Family: v.family, Hook: hook}
		entry, policy := word(1+at), word(6+at)
		for entry < policy {
			rule, next, err := v.rule(entries, entry)
			if err != nil {
				return nil, err
			}
			rule.Handle = uint64(len(c.Rules) + 1) // as iptables --line-numbers
			c.Rules = append(c.Rules, rule)
			entry = next
		}
		// The policy is a rule whose target has a header of 32 bytes, and the verdict,
		// which is negative: one less than NF_DROP, 0, negated.
		if policy < 0 || policy+v.target+4 > len(entries) {
			return nil, errMalformed
		}
		verdict := policy + int(binary.NativeEndian.Uint16(entries[policy+v.target:])) + 32
		if verdict+4 > len(entries) {
			return nil, errMalformed
		}
		c.Drops = int32(binary.NativeEndian.Uint32(entries[verdict:])) == -1
		all = append(all, c)
	}
	return all, nil
}

// rule returns the rule at an offset, and where the next one is.
func (v version) rule(entries []byte, at int) (r netfilter.Rule, next int, err error) {
	if at < 0 || at+v.target+4 > len(entries) {
		return r, 0, errMalformed
	}
	e := entries[at:]
	next = at + int(binary.NativeEndian.Uint16(e[v.target+2:]))
	if next <= at {
		return r, 0, errMalformed
	}
	r.Acts = true
	inverts := e[v.inverts]
	if proto := binary.NativeEndian.Uint16(e[v.proto:]); proto != 0 && e[v.flags]&v.checks == v.checks {
		r.Needs = append(r.Needs, netfilter.Need{Field: netfilter.Protocol, Value: uint32(proto), Not: inverts&invertProtocol != 0})
	}
	const size = unix.IFNAMSIZ
	for i, field := range []netfilter.Field{netfilter.InName, netfilter.OutName} {
		name, mask := e[v.links+i*size:][:size], e[v.links+(2+i)*size:][:size]
		length := bytes.IndexByte(append(mask[:size:size], 0), 0) // of what is compared
		if length == 0 {
			continue
		}
		name, _, whole := bytes.Cut(name[:length], []byte{0})
		r.Needs = append(r.Needs, netfilter.Need{Field: field, Name: string(name), Prefix: !whole && length < size, Not: inverts&(invertIn<<i) != 0})
	}
	return r, next, nil
}
