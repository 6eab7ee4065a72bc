package conf

import (
	"strconv"
	"strings"

	"ipsec/conf/keyword"
)

// minSPI is the least SPI that KLIPS takes: those below are reserved
// (RFC 4303, section 2.1).
const minSPI = 0x100

// setSPI takes 0x and hex digits, or digits alone. A base ends in 0.
func setSPI(base bool, field func(target) *uint32) setter {
	want := "0x and one to eight hex digits, at least 0x100"
	if base {
		want += ", the last of them 0"
	}
	return func(k *keyword.Keyword, t target, value string) *valueError {
		digits, hex := strings.CutPrefix(value, "0x")
		n, err := strconv.ParseUint(digits, map[bool]int{true: 16, false: 10}[hex], 32)
		wrong := err != nil || n < minSPI || strings.Contains(digits, "_") || strings.HasPrefix(digits, "+")
		if !hex && k.Section == keyword.SectionConn || base && n%16 != 0 {
			wrong = true
		}
		if wrong {
			return &valueError{text: value, want: want}
		}
		*field(t) = uint32(n)
		return nil
	}
}

// Replay windows that KLIPS keeps.
const (
	minWindow = 32
	maxWindow = 4096
)

// setWindow takes 0 or a width. Openswan took any up to 64; what is below the
// least width becomes that.
func setWindow(field func(target) *int) setter {
	return func(k *keyword.Keyword, t target, value string) *valueError {
		var n int
		err := setInt(0, maxWindow, func(target) *int { return &n })(k, t, value)
		if err != nil {
			return err
		}
		if 0 < n && n < minWindow {
			t.warn("a window of " + value + " is widened to 32, the least there is")
			n = minWindow
		}
		*field(t) = n
		return nil
	}
}

// setProposal takes algorithms in the form that all dialects share: names,
// with - and _ and +, separated by ; , ! and |.
func setProposal(field func(target) *string) setter {
	return func(_ *keyword.Keyword, t target, value string) *valueError {
		for i := 0; i < len(value); i++ {
			if c := value[i]; !isAlnum(c) && !strings.ContainsRune("-_+;,!|=. ", rune(c)) {
				return &valueError{offset: i, text: value, want: "names of algorithms joined by -"}
			}
		}
		*field(t) = value
		return nil
	}
}
