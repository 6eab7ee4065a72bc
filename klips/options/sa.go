package options

import (
	"strconv"
	"strings"
	"time"

	"ipsec/klips"
)

// Encap reads --encap, SPORT:DPORT.
func Encap(text string) (klips.Encap, error) {
	if text == "" {
		return klips.Encap{}, nil
	}
	src, dst, _ := strings.Cut(text, ":")
	s, okSrc := number(src, 16)
	d, okDst := number(dst, 16)
	if !okSrc || !okDst || s == 0 || d == 0 {
		return klips.Encap{}, malformed("--encap=%s: expected two ports, like 4500:4500", text)
	}
	return klips.Encap{SrcPort: uint16(s), DstPort: uint16(d)}, nil
}

// Lifetimes reads --life: (soft|hard)-(allocations|bytes|packets|addtime|usetime)=VALUE
// with commas between, times in seconds.
func Lifetimes(text string) (soft, hard klips.Lifetime, err error) {
	if text == "" {
		return
	}
	for item := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(item, "=")
		severity, kind, _ := strings.Cut(name, "-")
		life := map[string]*klips.Lifetime{"soft": &soft, "hard": &hard}[severity]
		size := map[string]int{"allocations": 32, "bytes": 64, "packets": 64, "addtime": 32, "usetime": 32}[kind]
		if life == nil || size == 0 {
			return soft, hard, malformed("--life: %q: expected soft or hard, -, one of allocations, bytes, packets, addtime, usetime, = and a number", item)
		}
		n, perr := strconv.ParseUint(value, 10, size)
		if perr != nil {
			return soft, hard, malformed("--life: %q: expected a number of at most %d bits after the =", item, size)
		}
		switch kind {
		case "allocations":
			life.Allocations = uint32(n)
		case "bytes":
			life.Bytes = n
		case "packets":
			life.Packets = n
		case "addtime":
			life.AddTime = time.Duration(n) * time.Second
		case "usetime":
			life.UseTime = time.Duration(n) * time.Second
		}
	}
	return soft, hard, nil
}

// ReplayWindow reads --replay_window. No window is checked where n is negative,
// for the option was not given, or 0, as ipsec_spi(8) has it.
func ReplayWindow(n int) (int, error) {
	switch {
	case n <= 0:
		return 0, nil
	case 32 <= n && n <= 4096:
		return n, nil
	case n < 32: // the man page has 1 to 64
		return 32, nil
	}
	return 0, malformed("--replay_window=%d: expected 0, or 32 to 4096", n)
}
