// Package proc prints the tables of KLIPS in the layout of the old files
// /proc/net/ipsec_*, which people and scripts know how to read. Numbers of the old
// kernel's memory (reference counts) are left out.
package proc

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/logger/topic"
)

// Eroute prints the eroutes as ipsec_eroute(5) has them, one a line: packets,
// source and port, destination and port, SAID and protocol. The identities
// follow, in parentheses, where there are any.
func Eroute(w io.Writer, eroutes []klips.Eroute) error {
	var b strings.Builder
	for _, e := range eroutes {
		fmt.Fprintf(&b, "%-10d %-18s -> %-18s => %s:%d", e.Packets, side(e.Src, e.SrcPort), side(e.Dst, e.DstPort), e.SAID, e.Proto)
		if e.Ident != [2]string{} {
			fmt.Fprintf(&b, " (%s) (%s)", e.Ident[0], e.Ident[1])
		}
		b.WriteByte('\n')
	}
	return write(w, &b)
}

func side(p netip.Prefix, port uint16) string { return fmt.Sprintf("%s:%d", p, port) }

// SPI prints the SAs as ipsec_spi(5) has them, one a line; now is what ages
// are counted from.
func SPI(w io.Writer, sas []klips.SA, now time.Time) error {
	var b strings.Builder
	for _, sa := range sas {
		spi(&b, sa, now)
	}
	return write(w, &b)
}

func spi(b *strings.Builder, sa klips.SA, now time.Time) {
	dir := "in "
	if sa.Outbound {
		dir = "out"
	}
	fmt.Fprintf(b, "%s %s: dir=%s", sa.ID, transform(sa), dir)
	src := sa.Src
	if !src.IsValid() {
		src = sa.TunnelSrc
	}
	if src.IsValid() {
		fmt.Fprintf(b, " src=%s", src)
	}
	for _, f := range sa.Inflow {
		fmt.Fprintf(b, " policy=%s->%s", f.Src, f.Dst)
	}
	u := sa.Usage
	number(b, " ooowin", sa.ReplayWindow)
	if sa.ESN {
		b.WriteString(" esn=yes")
	}
	number(b, " ooo_errs", u.ReplayErrors)
	number(b, " seq", u.Seq)
	if len(sa.Inflow) > 0 {
		b.WriteString(" flags=0x8<>") // that it has an inbound policy
	}
	number(b, " alen", authBits[sa.Auth])
	number(b, " auth_errs", u.AuthErrors)
	number(b, " policy_errs", u.PolicyErrors)
	number(b, " other_errs", u.OtherErrors)
	b.WriteString(" life(c,s,h)=")
	life(b, "alloc", 0, uint64(sa.Soft.Allocations), uint64(sa.Hard.Allocations))
	life(b, "bytes", u.Bytes, sa.Soft.Bytes, sa.Hard.Bytes)
	life(b, "addtime", age(u.Added, now), seconds(sa.Soft.AddTime), seconds(sa.Hard.AddTime))
	life(b, "usetime", age(u.FirstUse, now), seconds(sa.Soft.UseTime), seconds(sa.Hard.UseTime))
	life(b, "packets", u.Packets, sa.Soft.Packets, sa.Hard.Packets)
	if !u.Last.IsZero() {
		fmt.Fprintf(b, " idle=%d", age(u.Last, now))
	}
	if sa.Encap.On() {
		fmt.Fprintf(b, " natencap=nonesp natsport=%d natdport=%d", sa.Encap.SrcPort, sa.Encap.DstPort)
	}
	b.WriteByte('\n')
}

// number prints name=value, and nothing for 0.
func number[T int | uint64](b *strings.Builder, name string, v T) {
	if v != 0 {
		fmt.Fprintf(b, "%s=%d", name, v)
	}
}

// life prints what has been used of a lifetime, its soft and its hard limit.
func life(b *strings.Builder, name string, used, soft, hard uint64) {
	if used != 0 || soft != 0 || hard != 0 {
		fmt.Fprintf(b, "%s(%d,%d,%d)", name, used, soft, hard)
	}
}

func seconds(d time.Duration) uint64 { return uint64(max(d, 0) / time.Second) }

func age(since, now time.Time) uint64 {
	if since.IsZero() {
		return 0
	}
	return seconds(now.Sub(since))
}

var authBits = map[string]int{
	"md5-96": 128, "sha1-96": 160, "sha2_256-128": 256, "sha2_256-96": 256, "sha2_384-192": 384, "sha2_512-256": 512,
	"aes_xcbc-96": 128, "aes_cmac-96": 128,
}

var encNames = map[string]string{
	"3des": "3DES", "aes": "AES", "aesctr": "AES_CTR", "aesgcm8": "AES_GCM_8", "aesgcm12": "AES_GCM_12", "aesgcm16": "AES_GCM_16",
	"aesccm8": "AES_CCM_8", "aesccm12": "AES_CCM_12", "aesccm16": "AES_CCM_16",
	"chacha20poly1305": "CHACHA20_POLY1305", "null": "NULL",
}

var authNames = map[string]string{
	"md5-96": "HMAC_MD5", "sha1-96": "HMAC_SHA1", "sha2_256-128": "HMAC_SHA2_256", "sha2_256-96": "HMAC_SHA2_256_96",
	"sha2_384-192": "HMAC_SHA2_384", "sha2_512-256": "HMAC_SHA2_512", "aes_xcbc-96": "AES_XCBC", "aes_cmac-96": "AES_CMAC",
}

// transform returns what the kernel called the transform of an SA: IPIP,
// ESP_3DES_HMAC_MD5, AH_HMAC_SHA1, COMP_DEFLATE.
func transform(sa klips.SA) string {
	parts := []string{strings.ToUpper(sa.ID.Proto.String())}
	switch {
	case sa.ID.Proto == said.IPIP:
		return "IPIP"
	case sa.Enc == "" && sa.Auth == "" && sa.Comp == "":
		return parts[0] + "_LARVAL"
	}
	for _, name := range []string{encNames[sa.Enc], authNames[sa.Auth], strings.ToUpper(sa.Comp)} {
		if name != "" {
			parts = append(parts, name)
		}
	}
	return strings.Join(parts, "_")
}

// SPIGrp prints the groups of SAs as ipsec_spigrp(5) has them, one a line,
// innermost first; an SA without a group is one of its own.
func SPIGrp(w io.Writer, sas []klips.SA) error {
	var b strings.Builder
	for _, sa := range sas {
		group := sa.Group
		if len(group) == 0 {
			group = []said.SAID{sa.ID}
		}
		if group[0] != sa.ID {
			continue
		}
		for i, id := range group {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(id.String())
		}
		b.WriteByte('\n')
	}
	return write(w, &b)
}

// Tncfg prints the attachments as ipsec_tncfg(5) has them: virtual interface,
// physical one, MTU of the one, in brackets what a packet may take, MTU of the other.
func Tncfg(w io.Writer, attachments []klips.Attachment) error {
	var b strings.Builder
	for _, a := range attachments {
		physical := a.Physical
		if physical == "" {
			physical = "NULL"
		}
		fmt.Fprintf(&b, "%s -> %s mtu=%d(%d) -> %d\n", a.Virtual, physical, a.MTU, a.PhysicalMTU, a.PhysicalMTU)
	}
	return write(w, &b)
}

// Drops prints how many packets were dropped and why, one reason a line under a
// head; nothing where none was.
func Drops(w io.Writer, drops []klips.Drop) error {
	var b strings.Builder
	if len(drops) > 0 {
		b.WriteString("DROPPED PACKETS\n")
	}
	for _, d := range drops {
		fmt.Fprintf(&b, "%-10d %s\n", d.Packets, d.Reason)
	}
	return write(w, &b)
}

// KlipsDebug prints the topics of klipsdebug(8) as ipsec_klipsdebug(5) has
// them: ffffffff for one that is on, and 00000010 for tunnel where only its part
// tunnel-xmit is.
func KlipsDebug(w io.Writer, s klips.Settings) error {
	var b strings.Builder
	table := klips.Topics()
	on := table.Set(s.Debug...)
	for i, flag := range table.Names {
		bits := uint32(0)
		switch this := topic.Set(1) << i; {
		case this == klips.TopicTunnelXmit: // is a bit of tunnel
			continue
		case on&this != 0:
			bits = 0xffffffff
		case this == klips.TopicTunnel && on&klips.TopicTunnelXmit != 0:
			bits = 0x10
		}
		fmt.Fprintf(&b, "debug_%s=%08x.\n", flag, bits)
	}
	return write(w, &b)
}

func write(w io.Writer, b *strings.Builder) error {
	_, err := io.WriteString(w, b.String())
	return err
}
