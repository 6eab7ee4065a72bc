package nftables

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"ipsec/klips/netfilter"
)

// attribute returns a struct nlattr with its value, which are attributes, or bytes.
func attribute(kind uint16, values ...[]byte) []byte {
	b := make([]byte, unix.SizeofNlAttr)
	for _, v := range values {
		b = append(b, v...)
	}
	binary.NativeEndian.PutUint16(b, uint16(len(b)))
	binary.NativeEndian.PutUint16(b[2:], kind)
	return append(b, make([]byte, -len(b)&3)...)
}

func numbered(kind uint16, n uint32) []byte {
	return attribute(kind, binary.BigEndian.AppendUint32(nil, n))
}

func named(kind uint16, name string) []byte { return attribute(kind, append([]byte(name), 0)) }

func expressionOf(name string, data ...[]byte) []byte {
	return attribute(unix.NFTA_LIST_ELEM, named(unix.NFTA_EXPR_NAME, name), attribute(unix.NFTA_EXPR_DATA, data...))
}

func message(family byte, attributes ...[]byte) []byte {
	b := []byte{family, 0, 0, 0}
	for _, a := range attributes {
		b = append(b, a...)
	}
	return b
}

// FuzzRuleset takes messages of nf_tables as they are: nothing breaks, and a rule that
// counts all packets is found wherever it can be added.
func FuzzRuleset(f *testing.F) {
	table := message(protoInet, named(unix.NFTA_TABLE_NAME, "f"), numbered(unix.NFTA_TABLE_FLAGS, 0))
	chain := message(protoInet, named(unix.NFTA_CHAIN_TABLE, "f"), named(unix.NFTA_CHAIN_NAME, "c"), numbered(unix.NFTA_CHAIN_POLICY, 1),
		attribute(unix.NFTA_CHAIN_HOOK, numbered(unix.NFTA_HOOK_HOOKNUM, unix.NF_INET_LOCAL_IN)))
	devices := message(protoNetdev, named(unix.NFTA_CHAIN_TABLE, "f"), named(unix.NFTA_CHAIN_NAME, "c"),
		attribute(unix.NFTA_CHAIN_HOOK, numbered(unix.NFTA_HOOK_HOOKNUM, netdevEgress), attribute(hookDevs, named(devName, "eth0"), named(devName, "eth1"))))
	rule := func(expressions ...[]byte) []byte {
		return message(protoInet, named(unix.NFTA_RULE_TABLE, "f"), named(unix.NFTA_RULE_CHAIN, "c"),
			attribute(unix.NFTA_RULE_HANDLE, binary.BigEndian.AppendUint64(nil, 7)), attribute(unix.NFTA_RULE_EXPRESSIONS, expressions...))
	}
	load := expressionOf("meta", numbered(unix.NFTA_META_KEY, unix.NFT_META_L4PROTO), numbered(unix.NFTA_META_DREG, 1))
	payload := expressionOf("payload", numbered(unix.NFTA_PAYLOAD_DREG, 1), numbered(unix.NFTA_PAYLOAD_BASE, 1), numbered(unix.NFTA_PAYLOAD_OFFSET, 9), numbered(unix.NFTA_PAYLOAD_LEN, 1))
	compare := expressionOf("cmp", numbered(unix.NFTA_CMP_SREG, 1), numbered(unix.NFTA_CMP_OP, 0), attribute(unix.NFTA_CMP_DATA, attribute(unix.NFTA_DATA_VALUE, []byte{6})))
	drop := expressionOf("immediate", numbered(unix.NFTA_IMMEDIATE_DREG, 0), attribute(unix.NFTA_IMMEDIATE_DATA, attribute(unix.NFTA_DATA_VERDICT, numbered(unix.NFTA_VERDICT_CODE, 0))))
	jump := expressionOf("immediate", numbered(unix.NFTA_IMMEDIATE_DREG, 0), attribute(unix.NFTA_IMMEDIATE_DATA,
		attribute(unix.NFTA_DATA_VERDICT, numbered(unix.NFTA_VERDICT_CODE, 0xfffffffd), named(unix.NFTA_VERDICT_CHAIN, "c"))))
	counter := expressionOf("counter")
	f.Add(table, chain, rule(load, compare, counter, drop))
	f.Add(table, devices, rule(payload, compare, jump))
	f.Add(table[:9], chain[:21], rule(load)[:30])

	f.Fuzz(func(t *testing.T, table, chain, rule []byte) {
		var r ruleset
		_, _, _ = r.table(table), r.chain(chain), r.rule(rule)
		link := netfilter.Link{Name: "eth0", Index: 2}
		(&netfilter.Ruleset{Chains: r.chains}).Of(link)
		for _, c := range r.chains {
			if c.Hook == netfilter.None || len(c.Devices) > 0 {
				continue
			}
			if err := r.rule(all(t, c)); err != nil {
				t.Fatal(err)
			}
			if got := (&netfilter.Ruleset{Chains: r.chains}).Of(link); got.First() == "" {
				t.Errorf("%+v: a rule that counts all packets is not found", r.chains)
			}
		}
	})
}

// all returns a rule of that chain that counts all packets.
func all(t *testing.T, c netfilter.Chain) []byte {
	t.Helper()
	for _, family := range []byte{protoInet, protoIPv4, protoIPv6, protoNetdev} {
		if prefix := tableOf(family, ""); len(c.Table) >= len(prefix) && c.Table[:len(prefix)] == prefix {
			return message(family, named(unix.NFTA_RULE_TABLE, c.Table[len(prefix):]), named(unix.NFTA_RULE_CHAIN, c.Name),
				attribute(unix.NFTA_RULE_EXPRESSIONS, expressionOf("counter")))
		}
	}
	t.Fatalf("a chain of table %q", c.Table)
	return nil
}

// FuzzLegacy takes tables of iptables-legacy as they are.
func FuzzLegacy(f *testing.F) {
	for _, six := range []bool{false, true} {
		info, entries := legacyTable(six)
		f.Add(six, info, entries)
		f.Add(six, info, entries[:len(entries)-5])
	}
	f.Fuzz(func(t *testing.T, six bool, info, entries []byte) {
		v := versions()[0]
		if six {
			v = versions()[1]
		}
		chains, err := v.chains("filter", info, entries)
		if err == nil {
			(&netfilter.Ruleset{Chains: chains}).Of(netfilter.Link{Name: "eth0", Index: 2})
		}
	})
}

// TestLegacyTable reads the table that FuzzLegacy begins with.
func TestLegacyTable(t *testing.T) {
	for i, six := range []bool{false, true} {
		info, entries := legacyTable(six)
		chains, err := versions()[i].chains("filter", info, entries)
		if err != nil || len(chains) != 1 || len(chains[0].Rules) != 1 || !chains[0].Drops {
			t.Errorf("%+v, %v; want a chain with a rule, and a policy that drops", chains, err)
		}
		for n := range len(entries) - 4 { // the last four are for the alignment of the next
			if _, err := versions()[i].chains("filter", info, entries[:n]); err == nil {
				t.Errorf("%d bytes of %d were taken for a table", n, len(entries))
			}
		}
	}
}

// legacyTable returns a table with a chain for what comes in: a rule, and its policy.
func legacyTable(six bool) (info, entries []byte) {
	v, size := versions()[0], 112 // of struct ipt_entry
	if six {
		v, size = versions()[1], 168 // of struct ip6t_entry
	}
	const target = 40 // struct xt_standard_target
	entry := func(proto uint16, verdict int32) []byte {
		e := make([]byte, size+target)
		binary.NativeEndian.PutUint16(e[v.proto:], proto)
		e[v.flags] = v.checks
		binary.NativeEndian.PutUint16(e[v.target:], uint16(size))
		binary.NativeEndian.PutUint16(e[v.target+2:], uint16(len(e)))
		binary.NativeEndian.PutUint32(e[size+32:], uint32(verdict))
		return e
	}
	entries = append(entry(unix.IPPROTO_ESP, -2), entry(0, -1)...)
	info = make([]byte, infoLen)
	word := func(i, n int) { binary.NativeEndian.PutUint32(info[tableNameLen+4*i:], uint32(n)) }
	word(0, 1<<unix.NF_INET_LOCAL_IN)
	word(6+unix.NF_INET_LOCAL_IN, size+target)
	return info, entries
}
